#pragma once
// The promises of LexicalIndex as tests, for every implementation: instantiate with a maker in a
// _test.cc.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "knowledge/lexical_index.h"

namespace strata::knowledge {

using MakeLexicalIndex = std::function<std::unique_ptr<LexicalIndex>()>;

class LexicalIndexContract : public testing::TestWithParam<MakeLexicalIndex> {
 protected:
  void SetUp() override { index_ = GetParam()(); }

  void Put(std::uint64_t id, std::string_view body, std::string_view title = {}) {
    LexicalDocument document{.id = id, .title = title, .body = body};
    EXPECT_TRUE(index_->Put(std::span(&document, 1)).has_value());
  }
  void Remove(std::uint64_t id) { EXPECT_TRUE(index_->Remove(std::span(&id, 1)).has_value()); }
  void Commit(std::uint64_t generation = 1) { EXPECT_TRUE(index_->Commit(generation).has_value()); }
  std::vector<std::uint64_t> Find(std::string_view query, std::size_t limit = 10,
                                  const LexicalFilter& filter = {}) {
    auto hits = index_->Search(query, limit, filter);
    EXPECT_TRUE(hits.has_value());
    std::vector<std::uint64_t> ids;
    for (const LexicalHit& hit : *hits) ids.push_back(hit.id);
    return ids;
  }
  // Rows that match nothing, so that words of the others are rare.
  void PutOthers(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) Put(1000 + i, "filler words only");
  }

  using Ids = std::vector<std::uint64_t>;
  std::unique_ptr<LexicalIndex> index_;
};

TEST_P(LexicalIndexContract, AnEmptyIndexFindsNothing) {
  EXPECT_EQ(Find("anything"), Ids());
  EXPECT_EQ(index_->generation(), 0U);
  Commit(3);
  EXPECT_EQ(Find("anything"), Ids());
  EXPECT_EQ(index_->generation(), 3U);
}

TEST_P(LexicalIndexContract, FindsDocumentsWithAnyWordTheMoreAndRarerTheBetter) {
  Put(1, "the brown dog sleeps");
  Put(2, "the brown fox jumps");
  Put(3, "a green frog");
  PutOthers(20);
  Commit();
  EXPECT_EQ(Find("brown fox"), (Ids{2, 1}));
  EXPECT_EQ(Find("green fox brown zebra"), (Ids{2, 3, 1}));
  EXPECT_EQ(Find("zebra"), Ids());
}

TEST_P(LexicalIndexContract, FrequentWordsInShortDocumentsRankFirst) {
  Put(1, "copper is one of the metals that conduct well among many other materials in use");
  Put(2, "copper wire");
  Put(3, "copper copper wire and copper plate");
  PutOthers(20);
  Commit();
  EXPECT_EQ(Find("copper"), (Ids{3, 2, 1}));
}

TEST_P(LexicalIndexContract, WordsOfTheTitleWeighMore) {
  Put(1, "first plain second", "unrelated");
  Put(2, "first unrelated second", "plain");
  PutOthers(20);
  Commit();
  EXPECT_EQ(Find("plain"), (Ids{2, 1}));
}

TEST_P(LexicalIndexContract, EqualScoresComeInTheOrderOfTheirIds) {
  for (std::uint64_t id : {7U, 3U, 9U, 5U}) Put(id, "same text");
  PutOthers(20);
  Commit();
  EXPECT_EQ(Find("same"), (Ids{3, 5, 7, 9}));
  EXPECT_EQ(Find("same", 2), (Ids{3, 5}));
}

TEST_P(LexicalIndexContract, FormsOfAWordAndCaseMeetInOneStem) {
  Put(1, "Running connections");
  PutOthers(5);
  Commit();
  EXPECT_EQ(Find("RUN"), (Ids{1}));
  EXPECT_EQ(Find("connected"), (Ids{1}));
}

TEST_P(LexicalIndexContract, ChangesAreSeenAfterCommitOnly) {
  Put(1, "alpha");
  EXPECT_EQ(Find("alpha"), Ids());
  Commit(5);
  EXPECT_EQ(Find("alpha"), (Ids{1}));
  Remove(1);
  Put(2, "alpha");
  EXPECT_EQ(Find("alpha"), (Ids{1}));
  EXPECT_EQ(index_->generation(), 5U);
  Commit(6);
  EXPECT_EQ(Find("alpha"), (Ids{2}));
  EXPECT_EQ(index_->generation(), 6U);
}

TEST_P(LexicalIndexContract, PutReplacesTheDocumentWithThatId) {
  Put(1, "alpha");
  Put(1, "beta");
  Commit();
  EXPECT_EQ(Find("alpha"), Ids());
  EXPECT_EQ(Find("beta"), (Ids{1}));
  Put(1, "gamma");
  Commit();
  EXPECT_EQ(Find("beta"), Ids());
  EXPECT_EQ(Find("gamma"), (Ids{1}));
  EXPECT_EQ(index_->Stats().documents, 1U);
}

TEST_P(LexicalIndexContract, RemovedDocumentsAreGoneAndUnknownIdsIgnored) {
  Put(1, "alpha");
  Put(2, "alpha");
  Remove(2);
  Remove(77);
  Commit();
  EXPECT_EQ(Find("alpha"), (Ids{1}));
  Remove(1);
  Commit();
  EXPECT_EQ(Find("alpha"), Ids());
  Put(1, "alpha");
  Commit();
  EXPECT_EQ(Find("alpha"), (Ids{1}));
}

TEST_P(LexicalIndexContract, ClearForgetsWhatWasAndWhatWaits) {
  Put(1, "alpha");
  Commit();
  Put(2, "alpha");
  EXPECT_TRUE(index_->Clear().has_value());
  Put(3, "alpha");
  EXPECT_EQ(Find("alpha"), (Ids{1}));
  Commit();
  EXPECT_EQ(Find("alpha"), (Ids{3}));
}

TEST_P(LexicalIndexContract, OnlyDocumentsThatPassTheFilterAreReturned) {
  for (std::uint64_t id = 0; id < 100; ++id) Put(id, "alpha beta");
  Commit();
  EXPECT_EQ(Find("alpha", 3, [](std::uint64_t id) { return id % 40 == 1; }), (Ids{1, 41, 81}));
}

TEST_P(LexicalIndexContract, OnlyDocumentsThatHoldAllNeededWordsAreReturnedWhenAsked) {
  Put(1, "iron red gate gate gate");
  Put(2, "the red iron gate by the mill");
  Put(3, "a red gate, a mill, a mill, a mill");
  Put(4, "iron");
  Put(5, "a mill", "red iron gates");
  PutOthers(20);
  Commit();
  const auto holding = [&](std::string_view words, const LexicalFilter& filter = {}) {
    std::set<std::uint64_t> ids;
    const auto query = "mill where " + std::string(words);
    for (const auto& hit : *index_->Search(query, 10, filter, {}, words)) ids.insert(hit.id);
    return ids;
  };
  EXPECT_EQ(holding("red iron gate"), (std::set<std::uint64_t>{1, 2, 5}));
  EXPECT_EQ(holding("mill"), (std::set<std::uint64_t>{2, 3, 5}));
  EXPECT_EQ(holding("red iron bridge"), std::set<std::uint64_t>());
  EXPECT_EQ(holding("?!"), std::set<std::uint64_t>());
  EXPECT_EQ(holding("gate red", [](std::uint64_t id) { return id != 2; }),
            (std::set<std::uint64_t>{1, 3, 5}));
}

TEST_P(LexicalIndexContract, DatesMeetInWhateverFormTheyAreWritten) {
  Put(1, "The meeting of 3 May 2018 chose a treasurer.");
  Put(2, "The meeting of 2018-05-04 chose a clerk.");
  Put(3, "The meeting of June 5, 2018 chose a chair.");
  Put(4, "Nothing", "Am 3. M\u00E4rz 2019");
  PutOthers(20);
  Commit();
  EXPECT_EQ(Find("meeting 4 May 2018").front(), 2U);
  EXPECT_EQ(Find("meeting 2018-05-03").front(), 1U);
  EXPECT_EQ(Find("05.06.2018"), (Ids{3}));
  Put(5, "The 5 of them, 05 and 06, and nobody else");
  Commit();
  EXPECT_EQ(Find("2018-06-05").front(), 3U);
  const auto found = Find("2018-06-05");
  EXPECT_EQ(std::set<std::uint64_t>(found.begin(), found.end()),
            (std::set<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(Find("le 3 mars 2019").front(), 4U);
  const auto month = Find("mai 2018");
  ASSERT_GE(month.size(), 2U);
  EXPECT_EQ((std::set<std::uint64_t>{month[0], month[1]}), (std::set<std::uint64_t>{1, 2}));
}

TEST_P(LexicalIndexContract, QueriesWithoutWordsOrWithSyntaxAreHarmless) {
  Put(1, "alpha OR beta");
  Commit();
  EXPECT_EQ(Find(""), Ids());
  EXPECT_EQ(Find("?! -- ()"), Ids());
  EXPECT_EQ(Find("\"alpha* NEAR(beta"), (Ids{1}));
  EXPECT_EQ(Find(std::string_view("\xFF\x00\xC3", 3)), Ids());
  EXPECT_EQ(Find("alpha", 0), Ids());
  EXPECT_EQ(Find("alpha", 1'000'000), (Ids{1}));
}

TEST_P(LexicalIndexContract, EmptyDocumentsCountAndMatchNothing) {
  Put(1, "");
  Put(2, "alpha");
  Commit();
  EXPECT_EQ(Find("alpha"), (Ids{2}));
  EXPECT_EQ(index_->Stats().documents, 2U);
}

}  // namespace strata::knowledge
