#include "knowledge/graph/names_graph.h"

#include <gmock/gmock.h>

#include <string>

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
  const auto names = graph_.names();
  graph_.Remove(2);
  graph_.Remove(5);
  EXPECT_LT(graph_.names(), names);
  EXPECT_THAT(Walk(question), Not(Contains(2U)));
  Add(2, "Luis Mandoki", "Luis Mandoki, born in Mexico City, makes films.");
  Add(5, "Wilfred Jackson", "He was an animator from Chicago.");
  EXPECT_EQ(graph_.names(), names);
  EXPECT_EQ(Walk(question), before);
  for (std::uint64_t passage = 1; passage <= 5; ++passage) graph_.Remove(passage);
  EXPECT_EQ(graph_.names(), 0U);
  EXPECT_EQ(graph_.passages(), 0U);
}

TEST_F(NamesGraphTest, WhatSearchFoundTurnsTheWalk) {
  Add(6, "Gaby: A True Story", "It was shot in Acapulco.");
  EXPECT_EQ(Walk("Gaby: A True Story", {}, {{.passage = 6, .share = 1}}).front(), 6U);
}

}  // namespace
}  // namespace strata::knowledge::graph
