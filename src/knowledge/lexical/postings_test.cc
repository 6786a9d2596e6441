#include "knowledge/lexical/postings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"

namespace strata::knowledge::lexical {
namespace {

constexpr std::uint32_t kDocuments = 50'000;

std::string RandomLengths(Rng& rng) {
  std::string lengths;
  for (std::uint32_t i = 0; i < kDocuments; ++i) {
    lengths += static_cast<char>(EncodeLength(1 + rng.Below(400)));
  }
  return lengths;
}

std::vector<Posting> RandomPostings(Rng& rng, std::size_t count) {
  std::vector<std::uint32_t> documents(kDocuments);
  for (std::uint32_t i = 0; i < kDocuments; ++i) documents[i] = i;
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(documents[i], documents[i + rng.Below(kDocuments - i)]);
  }
  documents.resize(count);
  std::ranges::sort(documents);
  std::vector<Posting> postings;
  for (std::uint32_t document : documents) {
    auto frequency = static_cast<std::uint32_t>(1 + rng.Below(rng.Below(20) == 0 ? 1000 : 5));
    postings.push_back({.document = document, .frequency = frequency});
  }
  return postings;
}

class PostingsOfSize : public testing::TestWithParam<std::size_t> {
 protected:
  PostingsOfSize() : rng_(GetParam()), lengths_(RandomLengths(rng_)) {
    postings_ = RandomPostings(rng_, GetParam());
    AppendPostings(postings_, lengths_, bytes_);
    size_ = bytes_.size();
    bytes_.append(kUnpackSlack, '\0');
  }
  PostingCursor Cursor() {
    auto count = static_cast<std::uint32_t>(postings_.size());
    return {std::string_view(bytes_).substr(0, size_), count, lengths_, &scores_};
  }
  // Of whatever the bytes are now.
  void AddAllScores() {
    PostingCursor cursor = Cursor();
    ScoreWindow window;
    for (std::uint32_t base = 0; base < kDocuments; base += kWindowDocuments) {
      const auto end = std::min(base + kWindowDocuments, kDocuments);
      const auto bound = cursor.LookAtRange(base, end).bound;
      cursor.Advance(base);
      cursor.AddScores(base, end, bound / 2, window);
      window.Drain([&](std::uint32_t at, std::uint64_t) { ASSERT_LT(base + at, end); });
    }
  }
  std::uint32_t ScoreOf(const Posting& posting) const {
    auto code = static_cast<std::uint8_t>(lengths_[posting.document]);
    return TermScore(1e6F, posting.frequency, norms_[code]);
  }

  Rng rng_;
  std::string lengths_;
  std::vector<Posting> postings_;
  std::string bytes_;
  std::size_t size_ = 0;
  LengthNorms norms_{{.documents = 10, .length = 2000}, 1.2F, 0.75F};
  ScoreTable scores_{1e6F, norms_};
};

TEST_P(PostingsOfSize, ReadBackAsTheyWere) {
  PostingCursor cursor = Cursor();
  for (const Posting& posting : postings_) {
    ASSERT_EQ(cursor.document(), posting.document);
    ASSERT_EQ(cursor.frequency(), posting.frequency);
    ASSERT_EQ(cursor.Score(), ScoreOf(posting));
    cursor.Advance(posting.document + 1);
  }
  EXPECT_EQ(cursor.document(), kNoDocument);
  EXPECT_FALSE(cursor.damaged());
}

TEST_P(PostingsOfSize, AdvanceFindsTheFirstAtOrAfterATarget) {
  for (int trial = 0; trial < 50; ++trial) {
    PostingCursor cursor = Cursor();
    std::uint32_t target = 0;
    while (cursor.document() != kNoDocument) {
      target += static_cast<std::uint32_t>(rng_.Below(kDocuments / 8));
      if (rng_.Below(2) == 0) cursor.LookAt(std::max(target, cursor.document()));
      cursor.Advance(target);
      auto expected = std::ranges::lower_bound(postings_, target, {}, &Posting::document);
      ASSERT_EQ(cursor.document(), expected == postings_.end() ? kNoDocument : expected->document);
      if (expected != postings_.end()) ASSERT_EQ(cursor.frequency(), expected->frequency);
    }
    EXPECT_FALSE(cursor.damaged());
  }
}

TEST_P(PostingsOfSize, NoScoreIsAboveItsBounds) {
  PostingCursor cursor = Cursor();
  std::uint32_t largest = 0;
  for (const Posting& posting : postings_) {
    cursor.LookAt(posting.document);
    ASSERT_GE(cursor.block_last(), posting.document);
    ASSERT_GE(cursor.block_bound(), ScoreOf(posting));
    ASSERT_GE(cursor.bound(), ScoreOf(posting));
    largest = std::max(largest, ScoreOf(posting));
    cursor.Advance(posting.document);
  }
  if (!postings_.empty()) EXPECT_LE(cursor.bound(), 2 * largest) << "bounds are of no use";
}

TEST_P(PostingsOfSize, ARangeIsBoundedByAllThatLiesInIt) {
  PostingCursor cursor = Cursor();
  auto next = postings_.begin();
  for (std::uint32_t first = 0; first < kDocuments;) {
    const auto end = first + 1 + static_cast<std::uint32_t>(rng_.Below(6000));
    const auto range = cursor.LookAtRange(first, end);
    ASSERT_GE(range.last, end - 1);
    for (; next != postings_.end() && next->document <= range.last; ++next) {
      ASSERT_GE(range.bound, ScoreOf(*next));
    }
    if (range.last == kNoDocument) {
      ASSERT_EQ(next, postings_.end());
      break;
    }
    first = range.last + 1;
    if (rng_.Below(2) == 0) cursor.Advance(first);
  }
}

TEST_P(PostingsOfSize, AddsTheScoresOfAWindowAndLeavesOutOnlyBlocksThatScoreLess) {
  for (const std::uint64_t least : {0, 300'000, 700'000}) {
    PostingCursor cursor = Cursor();
    auto next = postings_.begin();
    ScoreWindow window;
    for (std::uint32_t base = 0; base < kDocuments; base += kWindowDocuments) {
      const auto end = std::min(base + kWindowDocuments, kDocuments);
      if (rng_.Below(3) == 0) cursor.LookAtRange(base, end);
      cursor.Advance(base);
      cursor.AddScores(base, end, least, window);
      window.Drain([&](std::uint32_t at, std::uint64_t score) {
        for (; next != postings_.end() && next->document < base + at; ++next) {
          ASSERT_LT(ScoreOf(*next), least);
        }
        ASSERT_NE(next, postings_.end());
        ASSERT_EQ(next->document, base + at);
        ASSERT_EQ(score, ScoreOf(*next++));
      });
      for (; next != postings_.end() && next->document < end; ++next) {
        ASSERT_LT(ScoreOf(*next), least);
      }
    }
    EXPECT_EQ(cursor.document(), kNoDocument);
    EXPECT_FALSE(cursor.damaged());
  }
}

TEST_P(PostingsOfSize, DamagedBytesEndTheListWithoutHarm) {
  const std::string good = bytes_;
  for (int trial = 0; trial < 300 && size_ > 0; ++trial) {
    bytes_ = good;
    for (std::uint64_t i = 0; i <= rng_.Below(4); ++i) {
      bytes_[rng_.Below(size_)] = static_cast<char>(rng_.Below(256));
    }
    PostingCursor cursor = Cursor();
    std::uint32_t last = 0;
    std::size_t read = 0;
    while (cursor.document() != kNoDocument) {
      ASSERT_LT(cursor.document(), kDocuments);
      ASSERT_GE(cursor.document(), last);
      cursor.Score();
      last = cursor.document() + 1;
      cursor.LookAt(cursor.document());
      cursor.Advance(last + static_cast<std::uint32_t>(rng_.Below(100)));
      read += 1;
    }
    ASSERT_LE(read, postings_.size());
    AddAllScores();
  }
}

TEST(ScoreTable, LooksUpWhatTermScoreSays) {
  const LengthNorms norms({.documents = 10, .length = 900}, 1.2F, 0.75F);
  ScoreTable scores(7.3e6F, norms);
  for (const std::uint32_t frequency : {3, 1, 300, 8, 9, 2, 16, 17, 1'000'000}) {
    for (unsigned i = 0; i < 256; ++i) {
      const auto code = static_cast<std::uint8_t>(i);
      const auto expected = TermScore(7.3e6F, frequency, norms[code]);
      ASSERT_EQ(scores.ScoreOnce(frequency, code), expected);
      ASSERT_EQ(scores.Score(frequency, code), expected);
      ASSERT_EQ(scores.ScoreOnce(frequency, code), expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PostingsOfSize,
                         testing::Values(1, 2, 127, 128, 129, 256, 257, 1000, 20'000, kDocuments));

TEST(Lengths, CodesKeepTheOrderAndAreExactWhenSmall) {
  std::uint8_t last = 0;
  for (std::uint64_t words = 0; words < 600'000; ++words) {
    std::uint8_t code = EncodeLength(words);
    ASSERT_GE(code, last);
    last = code;
    if (words < 32) ASSERT_EQ(DecodeLength(code), words);
    if (words < 500'000) ASSERT_NEAR(DecodeLength(code), words, words * 0.035 + 0.5);
  }
  EXPECT_EQ(EncodeLength(~std::uint64_t{0}), 255);
}

TEST(TermScore, NeverFallsWithFrequencyNorGrowsWithLength) {
  LengthNorms norms({.documents = 3, .length = 500}, 1.2F, 0.75F);
  for (unsigned code = 0; code < 256; ++code) {
    std::uint32_t last = 0;
    for (std::uint32_t frequency = 1; frequency < 300; ++frequency) {
      std::uint32_t score = TermScore(9.3e6F, frequency, norms[static_cast<std::uint8_t>(code)]);
      ASSERT_GE(score, last);
      if (code > 0) {
        ASSERT_LE(score, TermScore(9.3e6F, frequency, norms[static_cast<std::uint8_t>(code - 1)]));
      }
      last = score;
    }
  }
}

}  // namespace
}  // namespace strata::knowledge::lexical
