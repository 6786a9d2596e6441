#include "knowledge/graph/names_graph.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

#include "base/rng.h"

namespace strata::knowledge::graph {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

bool Names(std::string_view text, std::string_view name) {
  const auto ids = NamesIn(text).names;
  return std::ranges::binary_search(ids, NameIdOf(NormalName(name)));
}
bool HasPart(std::string_view text, std::string_view name) {
  return std::ranges::binary_search(NamesIn(text).parts, NameIdOf(NormalName(name)));
}

TEST(Names, CapitalisedRunsAreNames) {
  EXPECT_TRUE(Names("It was directed by Luis Mandoki in 1987.", "Luis Mandoki"));
  EXPECT_TRUE(Names("the Treaty of Lisbon entered into force", "treaty of lisbon"));
  EXPECT_TRUE(Names("played by R. G. Springsteen, who", "R. G. Springsteen"));
  EXPECT_TRUE(Names("in Österreich und Ágnes' house", "osterreich"));
  EXPECT_TRUE(Names("seen by Anna and Bertha Holm.", "Bertha Holm"));
  EXPECT_TRUE(Names("Woolsey's father", "Woolsey"));
}

TEST(Names, SentencesCommasAndSmallWordsEndThem) {
  EXPECT_FALSE(Names("He met Anna. Bertha came later.", "Anna Bertha"));
  EXPECT_FALSE(Names("born in Paris, France", "Paris France"));
  EXPECT_FALSE(Names("The glacier melts.", "The"));
  EXPECT_FALSE(Names("Paris of course is far", "Paris of"));
}

TEST(Names, IdentifiersAndAddressesAreNames) {
  EXPECT_TRUE(Names("call parse_header before it", "parse_header"));
  EXPECT_TRUE(Names("a std::vector of them", "std::vector"));
  EXPECT_TRUE(Names("see guide/setup.md for more", "setup.md"));
  EXPECT_TRUE(Names("use parseHeader here", "parseHeader"));
  EXPECT_TRUE(Names("at https://example.org/a/b.html, or", "https://example.org/a/b.html"));
  EXPECT_FALSE(Names("it cost 3.14 or so", "3.14"));
}

TEST(Names, EndsOfNamesAreParts) {
  EXPECT_TRUE(HasPart("son of Sir Giles Alington.", "Giles Alington"));
  EXPECT_FALSE(HasPart("son of Sir Giles Alington.", "Alington"));
}

TEST(Names, DocumentsAnswerToTitleWithoutParenthesesAndFileName) {
  const auto ids = NamesOfDocument("Phoolwari (1946 film)", "file:///data/films/phoolwari-46.md");
  EXPECT_THAT(ids, Contains(NameIdOf("phoolwari 1946 film")));
  EXPECT_THAT(ids, Contains(NameIdOf("phoolwari")));
  EXPECT_THAT(ids, Contains(NameIdOf("phoolwari 46 md")));
}

TEST(Names, AnyBytesAreTaken) {
  EXPECT_TRUE(NamesIn("\xff\xfe\xc3").names.empty());
  EXPECT_EQ(NormalName("\xc3\x28 A"), NormalName("\xc3\x28 a"));
}

// Passages of a small library of films.
class NamesGraphTest : public ::testing::Test {
 protected:
  void Add(std::uint64_t passage, std::string_view title, std::string_view text) {
    graph_.Add(passage, {.titles = NamesOfDocument(title, ""), .text = NamesIn(text)});
  }
  std::vector<std::uint64_t> Walk(std::string_view question, const PassageFilter& filter = {},
                                  std::vector<PassageShare> seeds = {}) {
    std::vector<std::uint64_t> out;
    for (const auto& share : graph_.Walk(question, seeds, filter).passages) {
      out.push_back(share.passage);
    }
    return out;
  }
  void SetUp() override {
    Add(1, "Gaby: A True Story", "Gaby is a film of 1987 by Luis Mandoki.");
    Add(2, "Luis Mandoki", "Luis Mandoki, born in Mexico City, makes films.");
    Add(3, "Mexico City", "Mexico City is a capital.");
    Add(4, "The Old Mill", "A film of 1937 by Wilfred Jackson.");
    Add(5, "Wilfred Jackson", "He was an animator from Chicago.");
  }
  NamesGraph graph_;
};

TEST_F(NamesGraphTest, LeadsFromAFilmToItsDirector) {
  const auto found = Walk("Where was the director of the film Gaby: A True Story born?");
  ASSERT_GE(found.size(), 3U);
  EXPECT_EQ(found[0], 1U);
  EXPECT_EQ(found[1], 2U);
  EXPECT_THAT(found, Not(Contains(5U)));
}

TEST_F(NamesGraphTest, BothSidesOfAComparisonAreFollowed) {
  const auto found = Walk("Which came first, The Old Mill or Gaby: A True Story?");
  ASSERT_GE(found.size(), 4U);
  EXPECT_THAT((std::vector(found.begin(), found.begin() + 2)),
              ::testing::UnorderedElementsAre(1U, 4U));
  EXPECT_THAT((std::vector(found.begin() + 2, found.begin() + 4)),
              ::testing::UnorderedElementsAre(2U, 5U));
}

TEST_F(NamesGraphTest, QuestionsWithoutCapitalsNameDocuments) {
  EXPECT_EQ(Walk("who made gaby: a true story").front(), 1U);
  EXPECT_THAT(Walk("who is from chicago"), IsEmpty());
}

TEST_F(NamesGraphTest, AnswersTellTheNamesThatTheyFound) {
  const auto answer = graph_.Walk("Is Wilfred Jackson from Mexico City?", {}, {});
  EXPECT_THAT(answer.names, ::testing::UnorderedElementsAre("Wilfred Jackson", "Mexico City"));
  EXPECT_EQ(answer.titles, 2U);
  EXPECT_GT(answer.edges, 0U);
  EXPECT_THAT(graph_.Walk("Is Nobody here?", {}, {}).passages, IsEmpty());
}

TEST_F(NamesGraphTest, PassagesThatMayNotBeSeenPassNothingOn) {
  const auto without = [](std::uint64_t hidden) {
    return [hidden](std::uint64_t passage) { return passage != hidden; };
  };
  // The only way from the film to the city leads over the director.
  const auto found = Walk("Who made Gaby: A True Story?", without(2));
  EXPECT_THAT(found, ElementsAre(1U));
  EXPECT_THAT(Walk("Who made Gaby: A True Story?", without(1)), IsEmpty());
}

TEST_F(NamesGraphTest, HiddenPassagesChangeNoShares) {
  const auto question = "Who made Gaby: A True Story?";
  const auto before = graph_.Walk(question, {}, {});
  Add(9, "Gaby: A True Story", "Luis Mandoki and Mexico City once more.");
  const auto after = graph_.Walk(question, {}, [](std::uint64_t passage) { return passage != 9; });
  ASSERT_EQ(before.passages.size(), after.passages.size());
  for (std::size_t i = 0; i < before.passages.size(); ++i) {
    EXPECT_EQ(before.passages[i].passage, after.passages[i].passage);
    EXPECT_DOUBLE_EQ(before.passages[i].share, after.passages[i].share);
  }
}

TEST_F(NamesGraphTest, RemovingSubtractsAndTheSamePassageMayComeAgain) {
  const auto question = "Who made Gaby: A True Story?";
  const auto before = Walk(question);
  const auto names = graph_.stats().names;
  graph_.Remove(2);
  graph_.Remove(5);
  EXPECT_LT(graph_.stats().names, names);
  EXPECT_THAT(Walk(question), Not(Contains(2U)));
  Add(2, "Luis Mandoki", "Luis Mandoki, born in Mexico City, makes films.");
  Add(5, "Wilfred Jackson", "He was an animator from Chicago.");
  EXPECT_EQ(graph_.stats().names, names);
  EXPECT_EQ(Walk(question), before);
  for (std::uint64_t passage = 1; passage <= 5; ++passage) graph_.Remove(passage);
  EXPECT_EQ(graph_.stats().names, 0U);
  EXPECT_EQ(graph_.stats().passages, 0U);
}

// A library that grows and shrinks, in a graph of many segments and in one that is made anew.
class NamesGraphTrial : public ::testing::Test {
 protected:
  static std::string NameAt(std::uint64_t number) { return "Ada Number" + std::to_string(number); }

  PassageNames SomeNames() {
    const auto a = NameAt(rng_.Below(60));
    const auto b = NameAt(rng_.Below(60));
    // Few titles, so that names are in many passages; one that is in all.
    auto names = PassageNames{.titles = NamesOfDocument(NameAt(rng_.Below(40)), ""),
                              .text = NamesIn("Seen by " + a + " and Sir " + b + " in Everywhere."),
                              .fingerprint = static_cast<std::uint32_t>(rng_.Next())};
    AddHeadings(b + " > Notes", names.text);
    return names;
  }
  void Change() {
    if (!alive_.empty() && rng_.Below(3) == 0) {
      const auto gone =
          std::next(alive_.begin(), static_cast<std::ptrdiff_t>(rng_.Below(alive_.size())));
      graph_.Remove(gone->first);
      alive_.erase(gone);
      return;
    }
    auto names = SomeNames();
    graph_.Add(++last_, names);
    alive_.emplace(last_, std::move(names));
  }
  // One segment of those that are due, while passages come and go as in the background.
  void Rewrite() {
    const auto parts = graph_.NextRewrite();
    if (parts.empty()) return;
    for (int i = 0; i < 4; ++i) Change();
    std::shared_ptr<const NamesSegment> fresh;
    if (std::ranges::any_of(parts, [](const auto& part) { return part.live() > 0; })) {
      auto bytes = std::make_shared<std::string>();
      const auto written = MergeNames(parts, [&](std::string_view piece) -> Result<> {
        *bytes += piece;
        return {};
      });
      ASSERT_TRUE(written.has_value()) << written.error().message();
      auto opened = NamesSegment::Open(*bytes, bytes);
      ASSERT_TRUE(opened.has_value()) << opened.error().message();
      fresh = *opened;
    }
    graph_.Replace(parts, std::move(fresh), ++file_);
  }
  // Exactly the same, whatever lies where.
  void ExpectSame(const NamesGraph& graph) {
    NamesGraph anew;
    for (const auto& [passage, names] : alive_) anew.Add(passage, names);
    const auto hidden = rng_.Below(5);
    const PassageFilter filter = [&](std::uint64_t passage) { return passage % 5 != hidden; };
    const auto question =
        "Is " + NameAt(rng_.Below(60)) + " or " + NameAt(rng_.Below(60)) + " Everywhere?";
    std::vector<PassageShare> seeds;
    for (std::uint64_t i = 0; i < 5; ++i) {
      seeds.push_back({.passage = 1 + rng_.Below(last_), .share = 0.2 * static_cast<double>(i)});
    }
    const auto expected = anew.Walk(question, seeds, filter);
    const auto found = graph.Walk(question, seeds, filter);
    EXPECT_EQ(found.names, expected.names);
    EXPECT_EQ(found.titles, expected.titles);
    EXPECT_EQ(found.edges, expected.edges);
    ASSERT_EQ(found.passages.size(), expected.passages.size());
    for (std::size_t i = 0; i < found.passages.size(); ++i) {
      EXPECT_EQ(found.passages[i].passage, expected.passages[i].passage);
      EXPECT_EQ(found.passages[i].share, expected.passages[i].share);
    }
    reached_ += found.passages.size();
  }

  Rng rng_{11};
  NamesGraph graph_;
  std::map<std::uint64_t, PassageNames> alive_;
  std::uint64_t last_ = 0;
  std::uint64_t file_ = 0;
  std::size_t reached_ = 0;
};

TEST_F(NamesGraphTrial, ManySegmentsFindWhatOneGraphThatIsMadeAnewFinds) {
  std::size_t segments = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 9; ++i) Change();
    if (graph_.buffered() >= 16) ASSERT_TRUE(graph_.Seal().has_value());
    if (rng_.Below(2) == 0) Rewrite();
    segments = std::max(segments, graph_.stats().segments);
    EXPECT_EQ(graph_.stats().passages, alive_.size());
    ExpectSame(graph_);
  }
  EXPECT_GE(segments, 3U);
  EXPECT_LE(segments, 12U);
  EXPECT_GT(reached_, 5'000U);
  for (const auto& [passage, names] : alive_) EXPECT_TRUE(graph_.Has(passage));
}

TEST(NamesGraph, ANameOfVeryManyPassagesLeadsNowhereWhereverTheyLie) {
  NamesGraph graph;
  for (std::uint64_t passage = 1; passage <= 2001; ++passage) {
    graph.Add(passage, {.titles = NamesOfDocument("The Old Mill", ""), .text = {}});
    if (passage % 900 == 0) ASSERT_TRUE(graph.Seal().has_value());
  }
  EXPECT_THAT(graph.Walk("Where is The Old Mill?", {}, {}).passages, IsEmpty());
  graph.Remove(100);
  EXPECT_EQ(graph.Walk("Where is The Old Mill?", {}, {}).passages.size(), 2000U);
}

TEST_F(NamesGraphTrial, OnlyWhatIsClaimedComesBackWithASegment) {
  for (int i = 0; i < 300; ++i) Change();
  const auto before = alive_;
  for (int i = 0; i < 150; ++i) Change();
  NamesBuffer kept;
  for (const auto& [passage, names] : before) kept.Add(passage, names);
  auto bytes = std::make_shared<std::string>(*kept.MakeSegment());
  NamesGraph again;
  again.AddSegment(*NamesSegment::Open(*bytes, bytes), 1);
  EXPECT_EQ(again.stats().passages, 0U);
  EXPECT_TRUE(again.Walk("Is " + NameAt(1) + " here?", {}, {}).passages.empty());
  std::size_t claimed = 0;
  for (const auto& [passage, names] : alive_) {
    EXPECT_FALSE(again.Claim(passage, names.fingerprint + 1));
    const bool there = again.Claim(passage, names.fingerprint);
    EXPECT_EQ(there, before.contains(passage));
    claimed += there ? 1 : 0;
    if (!there) again.Add(passage, names);
  }
  EXPECT_GT(claimed, 50U);
  for (int i = 0; i < 50; ++i) ExpectSame(again);
}

TEST(NamesSegment, NoChangedByteIsTakenForARightOne) {
  NamesBuffer buffer;
  for (std::uint64_t passage = 5; passage < 9; ++passage) {
    buffer.Add(passage, {.titles = NamesOfDocument("The Old Mill", ""),
                         .text = NamesIn("A film by Wilfred Jackson."),
                         .fingerprint = 7});
  }
  const auto whole = *buffer.MakeSegment();
  ASSERT_TRUE(NamesSegment::Open(whole, nullptr).has_value());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    const auto opened = NamesSegment::Open(changed, nullptr);
    ASSERT_FALSE(opened.has_value()) << "byte " << at;
    EXPECT_EQ(opened.error().code(), Code::kCorruption);
    EXPECT_FALSE(NamesSegment::Open(whole.substr(0, at), nullptr).has_value());
  }
}

TEST(NamesSegment, NamesAndPassagesAreFoundHoweverTheyAreSpread) {
  Rng rng(5);
  for (const std::uint64_t gaps : {1, 2, 1000}) {
    NamesBuffer buffer;
    std::map<std::uint64_t, NameId> expected;
    std::uint64_t row = rng.Below(100);
    for (int i = 0; i < 500; ++i) {
      row += 1 + rng.Below(gaps);
      // Hashes are evenly spread; these are not.
      const auto name = (rng.Next() >> rng.Below(60)) & ~std::uint64_t{3};
      expected[row] = name;
      buffer.Add(row, {.titles = {name}, .text = {}, .fingerprint = 1});
    }
    const auto bytes = *buffer.MakeSegment();
    const auto segment = *NamesSegment::Open(bytes, nullptr);
    for (std::uint64_t at = 0; at < row + 10; at += gaps == 1000 ? 7 : 1) {
      EXPECT_EQ(segment->FindPassage(at).has_value(), expected.contains(at));
    }
    for (const auto& [passage, name] : expected) {
      const auto ordinal = segment->FindPassage(passage);
      ASSERT_TRUE(ordinal.has_value());
      EXPECT_EQ(segment->PassageMention(segment->MentionsOfPassage(*ordinal).begin), name);
      const auto place = segment->FindName(name);
      ASSERT_TRUE(place.has_value());
      EXPECT_EQ(segment->Name(*place), name);
      EXPECT_EQ(segment->FindName(name + 4).has_value(), buffer.PassagesOf(name + 4).size() > 0);
    }
  }
}

TEST_F(NamesGraphTest, WhatSearchFoundTurnsTheWalk) {
  Add(6, "Gaby: A True Story", "It was shot in Acapulco.");
  EXPECT_EQ(Walk("Gaby: A True Story", {}, {{.passage = 6, .share = 1}}).front(), 6U);
}

}  // namespace
}  // namespace strata::knowledge::graph
