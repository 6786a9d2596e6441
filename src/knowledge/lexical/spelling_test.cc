#include "knowledge/lexical/spelling.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "base/rng.h"
#include "knowledge/lexical/fix_spelling.h"

namespace strata::knowledge::lexical {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// A segment of the given words with as many documents each.
class Dictionary {
 public:
  explicit Dictionary(const std::map<std::string, std::uint32_t>& words,
                      std::uint64_t first_id = 0) {
    std::uint32_t documents = 1;
    for (const auto& [word, count] : words) documents = std::max(documents, count);
    std::vector<std::uint64_t> ids;
    ids.reserve(documents);
    for (std::uint32_t i = 0; i < documents; ++i) ids.push_back(first_id + i);
    SegmentWriter writer(ids, std::string(documents, '\x05'), 2);
    for (const auto& [word, count] : words) {
      std::vector<Posting> postings;
      postings.reserve(count);
      for (std::uint32_t i = 0; i < count; ++i) postings.push_back({.document = i, .frequency = 1});
      writer.AddTerm(word, postings);
    }
    bytes_ = std::make_shared<std::string>(writer.Finish());
    segment = *Segment::Open(*bytes_, bytes_);
    spelling = std::make_shared<const SpellingIndex>(*SpellingIndex::Build(*segment));
  }
  LiveSegment Live() const {
    return {.number = 1, .segment = segment, .deleted = nullptr, .spelling = spelling};
  }

  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const SpellingIndex> spelling;

 private:
  std::shared_ptr<std::string> bytes_;
};

std::vector<std::string> Near(const Dictionary& words, std::string_view word, int edits) {
  std::vector<std::string> out;
  EXPECT_TRUE(words.spelling->FindNear(*words.segment, word, edits, out).has_value());
  return out;
}

std::vector<SpellingFix> Fix(const std::vector<LiveSegment>& segments, std::string_view query,
                             const LexicalFilter& readable = {}) {
  auto fixes = FixSpelling(Snapshot{.generation = 1, .segments = segments}, query, readable);
  EXPECT_TRUE(fixes.has_value());
  return fixes.value_or(std::vector<SpellingFix>());
}

TEST(EditsBetweenTest, CountsAllFourKinds) {
  EXPECT_EQ(EditsBetween("glacier", "glacier"), 0);
  EXPECT_EQ(EditsBetween("glacir", "glacier"), 1);
  EXPECT_EQ(EditsBetween("glaccier", "glacier"), 1);
  EXPECT_EQ(EditsBetween("glazier", "glacier"), 1);
  EXPECT_EQ(EditsBetween("glaceir", "glacier"), 1);
  EXPECT_EQ(EditsBetween("glcaeir", "glacier"), 2);
  EXPECT_EQ(EditsBetween("", "abc"), 3);
}

// Trigrams only choose what is measured: nothing that is near is lost by them.
TEST(SpellingIndexTest, FindsWhatComparingEveryWordFinds) {
  Rng rng(7);
  const auto letters = [&](std::size_t count) {
    std::string word;
    for (std::size_t i = 0; i < count; ++i) word += static_cast<char>('a' + rng.Below(4));
    return word;
  };
  std::map<std::string, std::uint32_t> words;
  for (int i = 0; i < 300; ++i) words[letters(5 + rng.Below(6))] = 1;
  const Dictionary dictionary(words);
  std::size_t found = 0;
  for (int i = 0; i < 300; ++i) {
    const auto word = letters(5 + rng.Below(6));
    for (int edits = 1; edits <= 2; ++edits) {
      std::vector<std::string> wanted;
      for (const auto& [one, count] : words) {
        // Two edits may leave a short word no trigram at all.
        const bool has_common = edits == 1 || std::min(one.size(), word.size()) >= 9;
        if (one[0] == word[0] && has_common && EditsBetween(word, one) <= edits)
          wanted.push_back(one);
      }
      auto near = Near(dictionary, word, edits);
      std::ranges::sort(near);
      EXPECT_TRUE(std::ranges::includes(near, wanted)) << word;
      found += near.size();
    }
  }
  EXPECT_GT(found, 100U);
}

TEST(SpellingIndexTest, HoldsPlainWordsOnlyAndTheMostFrequentWhenThereAreTooMany) {
  const Dictionary all({{"abc", 9},
                        {"parse_header", 9},
                        {"utf8", 9},
                        {"über", 9},
                        {"harbour", 5},
                        {"hardware", 3},
                        {"harvest", 2}});
  EXPECT_EQ(all.spelling->words(), 3U);
  auto two = SpellingIndex::Build(*all.segment, 2);
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->words(), 2U);
  std::vector<std::string> near;
  ASSERT_TRUE(two->FindNear(*all.segment, "harvist", 1, near).has_value());
  EXPECT_THAT(near, IsEmpty());
  ASSERT_TRUE(two->FindNear(*all.segment, "harbuor", 1, near).has_value());
  EXPECT_THAT(near, ElementsAre("harbour"));
}

TEST(SpellingIndexTest, MemoryIsFourBytesAWordAndALetterAndBounded) {
  std::map<std::string, std::uint32_t> words;
  for (int i = 0; i < 17'576; ++i) {
    std::string word = "waaaa";
    for (std::size_t at = 1, rest = static_cast<std::size_t>(i); rest > 0; rest /= 26, ++at) {
      word[at] = static_cast<char>('a' + rest % 26);
    }
    words[word] = 1;
  }
  const Dictionary all(words);
  EXPECT_EQ(all.spelling->words(), words.size());
  EXPECT_LT(all.spelling->memory_bytes(), words.size() * 4 * (1 + 5) * 2);
  const auto bounded = SpellingIndex::Build(*all.segment, 1000);
  EXPECT_LE(bounded->words(), 1000U);
}

TEST(FixSpellingTest, AnUnknownWordBecomesTheOneItIsNearTo) {
  const Dictionary words({{"glacier", 3}, {"bridg", 2}, {"photosynthesi", 1}});
  EXPECT_THAT(Fix({words.Live()}, "a Glaceir and photosinthesys"),
              UnorderedElementsAre(SpellingFix{"glaceir", "glacier"},
                                   SpellingFix{"photosinthesi", "photosynthesi"}));
  EXPECT_THAT(Fix({words.Live()}, "the glacier"), IsEmpty());
  EXPECT_THAT(Fix({words.Live()}, "entirely different question"), IsEmpty());
}

TEST(FixSpellingTest, CodeNumbersAbbreviationsAndShortWordsStay) {
  const Dictionary words({{"glacier", 3}, {"brca", 3}, {"lake", 3}, {"parser", 3}});
  EXPECT_THAT(
      Fix({words.Live()}, "GLACEIR glaceir_2 glaceIr glaceir7 laek BRCB g1aceir 1234567 parserX"),
      IsEmpty());
}

TEST(FixSpellingTest, WhatCouldBeTwoWordsStays) {
  const Dictionary words({{"tract", 3}, {"trade", 3}});
  EXPECT_THAT(Fix({words.Live()}, "trace"), IsEmpty());
  const Dictionary slip({{"glacier", 100}, {"glaciar", 2}});
  EXPECT_THAT(Fix({slip.Live()}, "glaci\u00e9r"), IsEmpty());  // only ASCII is corrected
  EXPECT_THAT(Fix({slip.Live()}, "glacior"), ElementsAre(SpellingFix{"glacior", "glacier"}));
}

TEST(FixSpellingTest, SegmentsAreOneDictionary) {
  const Dictionary first({{"tract", 3}});
  const Dictionary second({{"trade", 3}, {"glacier", 1}}, 100);
  EXPECT_THAT(Fix({first.Live(), second.Live()}, "trace"), IsEmpty());
  EXPECT_THAT(Fix({first.Live(), second.Live()}, "glacer"),
              ElementsAre(SpellingFix{"glacer", "glacier"}));
}

// A correction would tell that somebody else's documents hold the word; so would leaving it out.
TEST(FixSpellingTest, WordsOfOthersAreNeitherToldNorKnown) {
  const Dictionary others({{"takeov", 3}});
  const Dictionary own({{"takeoff", 3}, {"merger", 2}}, 100);
  const LexicalFilter only_own = [](std::uint64_t id) { return id >= 100; };
  EXPECT_THAT(Fix({others.Live(), own.Live()}, "takover"),
              ElementsAre(SpellingFix{"takov", "takeov"}));
  EXPECT_THAT(Fix({others.Live(), own.Live()}, "takover", only_own), IsEmpty());
  const Dictionary secret({{"mergers", 1}});
  EXPECT_THAT(Fix({secret.Live(), own.Live()}, "mergerss", only_own), IsEmpty());
  const Dictionary same({{"mergar", 1}});
  EXPECT_THAT(Fix({same.Live(), own.Live()}, "mergar", only_own),
              ElementsAre(SpellingFix{"mergar", "merger"}));
  EXPECT_THAT(Fix({same.Live(), own.Live()}, "mergar"), IsEmpty());
}

TEST(FixSpellingTest, WordsOfDeletedDocumentsAreGone) {
  const Dictionary words({{"glacier", 2}});
  auto live = words.Live();
  auto tombstones = std::make_shared<Tombstones>(2);
  tombstones->Add(0);
  live.deleted = tombstones;
  EXPECT_EQ(Fix({live}, "glaceir").size(), 1U);
  auto all = std::make_shared<Tombstones>(*tombstones);
  all->Add(1);
  live.deleted = all;
  EXPECT_THAT(Fix({live}, "glaceir"), IsEmpty());
}

}  // namespace
}  // namespace strata::knowledge::lexical
