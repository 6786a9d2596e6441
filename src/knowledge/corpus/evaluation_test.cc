#include "knowledge/evaluation.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/rng.h"
#include "knowledge/base/service_fixture.h"
#include "knowledge/corpus.h"

namespace strata::knowledge {
namespace {

using ::testing::HasSubstr;

TEST(Judgements, LinesOfBeirAndTrecAreRead) {
  auto beir = ParseJudgementLine("q1\tdoc 7\t2");
  ASSERT_TRUE(beir.has_value());
  EXPECT_EQ(beir->query, "q1");
  EXPECT_EQ(beir->document, "doc 7");
  EXPECT_EQ(beir->grade, 2);
  auto trec = ParseJudgementLine("301 0  FBIS3-10082 1");
  ASSERT_TRUE(trec.has_value());
  EXPECT_EQ(trec->query, "301");
  EXPECT_EQ(trec->document, "FBIS3-10082");
}

TEST(Judgements, BadColumnsAreNamed) {
  const auto field = [](std::string_view line) {
    auto parsed = ParseJudgementLine(line);
    return parsed.has_value() ? std::string() : parsed.error().field();
  };
  EXPECT_EQ(field("q1 doc"), "line");
  EXPECT_EQ(field("q1\t\t1"), "document");
  EXPECT_EQ(field("\td\t1"), "query");
  EXPECT_EQ(field("q1\td\tgood"), "grade");
  EXPECT_EQ(field("q1\td\t31"), "grade");
  EXPECT_EQ(field("q1\td\xff\t1"), "line");
}

TEST(Judgements, AHeadingIsPassedOverAndABadLineHasItsNumber) {
  TempFolder files;
  auto good =
      ReadJudgements(files.Write("a.tsv", "query-id\tcorpus-id\tscore\nq\td\t1\nq\te\t0\n"));
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->at("q").at("d"), 1);
  auto bad = ReadJudgements(files.Write("b.tsv", "q\td\t1\nq\te\tx\n"));
  ASSERT_FALSE(bad.has_value());
  EXPECT_THAT(bad.error().message(), HasSubstr("line 2"));
  EXPECT_FALSE(ReadJudgements(files.Write("c.tsv", "q\td\t0\n")).has_value());
  bad = ReadJudgements(files.Write("d.tsv", "q\td\t1.0\nq\te\t1\n"));
  ASSERT_FALSE(bad.has_value()) << "a grade is no heading";
  EXPECT_THAT(bad.error().message(), HasSubstr("line 1"));
}

TEST(RankFiguresTest, AreThoseOfTheDefinition) {
  const Grades grades = {{"a", 2}, {"b", 1}, {"c", 0}};
  const std::vector<std::string> ranking = {"c", "a", "x", "b"};
  const auto figures = JudgeRanking(ranking, grades);
  const double best = 2 / std::log2(2) + 1 / std::log2(3);
  EXPECT_NEAR(figures[0], (2 / std::log2(3) + 1 / std::log2(5)) / best, 1e-12);
  EXPECT_EQ(figures[1], 1);
  EXPECT_EQ(figures[4], 0.5);
  EXPECT_EQ(figures[5], (1.0 / 2 + 2.0 / 4) / 2);
}

TEST(RankFiguresTest, NothingFoundIsZeroAndThePerfectRankingOne) {
  const Grades grades = {{"a", 1}, {"b", 1}};
  EXPECT_EQ(JudgeRanking({}, grades), RankFigures{});
  const std::vector<std::string> perfect = {"b", "a"};
  EXPECT_EQ(JudgeRanking(perfect, grades), (RankFigures{1, 1, 1, 1, 1, 1}));
}

class EvaluationTest : public ServiceFixture {
 protected:
  EvalInput Input(std::string_view queries, std::string_view judgements) {
    EvalInput input;
    input.knowledge_base_id = base_.id;
    input.queries_path = files_.Write("queries.jsonl", queries);
    input.judgements_path = files_.Write("qrels.tsv", judgements);
    return input;
  }
  void SetUp() override {
    ServiceFixture::SetUp();
    base_ = MakeBase();
    const auto source = MakeCustom(base_);
    Index(base_, source,
          {Document("ice", "Glaciers are made of ice."),
           Document("steel", "Bridges are made of steel.")});
  }
  TempFolder files_;
  KnowledgeBase base_;
};

TEST_F(EvaluationTest, EveryVariantIsJudgedOnTheSameQueries) {
  auto report =
      Get(EvaluateQueries(*bases_,
                          Input("{\"_id\": \"q1\", \"text\": \"what are bridges made of\"}\n"
                                "{\"_id\": \"q2\", \"text\": \"not judged\"}\n",
                                "q1\tsteel\t1\n"),
                          nullptr, ctx_));
  EXPECT_EQ(report.queries, 1);
  EXPECT_EQ(report.unjudged, 1);
  EXPECT_EQ(report.queries_missing, 0);
  EXPECT_EQ(report.documents_missing, 0);
  ASSERT_GE(report.variants.size(), 3U);
  EXPECT_EQ(report.variants[0].name, "default");
  EXPECT_EQ(report.variants[1].name, "lexical");
  EXPECT_EQ(report.variants[1].figures[0].estimate, 1);
  EXPECT_EQ(report.variants[0].difference[0].estimate, 0);
}

TEST_F(EvaluationTest, WhatIsJudgedAndNotThereIsCounted) {
  const auto report = Get(EvaluateQueries(
      *bases_,
      Input("{\"_id\": \"q1\", \"text\": \"what are bridges made of\"}\n",
            "q1\tsteel\t1\nq1\tgone\t1\nq1\tunmissed\t0\nq7\tgone\t1\nq8\tice\t1\n"),
      nullptr, ctx_));
  EXPECT_EQ(report.queries, 1);
  EXPECT_EQ(report.queries_missing, 2);
  EXPECT_EQ(report.documents_missing, 1);
}

// Both documents hold the sentence that is asked for; one goes on about the question.
TEST_F(EvaluationTest, WhatStandsAroundPassagesIsLeftOutInOneVariant) {
  CreateDataSourceInput input;
  input.name = "short";
  input.recipe = ChunkRecipe{.strategy = ChunkStrategy::kFixedSize,
                             .tokens_target = 16,
                             .tokens_max = 32,
                             .overlap_percent = 0};
  const auto source = Get(bases_->CreateSource(base_.id, std::move(input), ctx_));
  const std::string said = "The keeper counts the birds in May.\n\n";
  Index(base_, source,
        {Document("a", said + "Boats are painted every second year by the same two men.\n\n"),
         Document("b", said + "Terns nest on the island, and terns leave it in August.\n\n")});
  ASSERT_TRUE(Run(bases_->SetSearch(base_.id, SearchMode::kLexical, 0.5, ctx_)).has_value());
  const auto report = Get(EvaluateQueries(
      *bases_,
      Input("{\"_id\": \"q\", \"text\": \"keeper counts birds in May, terns\"}\n", "q\tb\t1\n"),
      nullptr, ctx_));
  EXPECT_EQ(report.variants[0].figures[0].estimate, 1);
  const auto without = std::ranges::find(report.variants, "without context", &EvalVariant::name);
  ASSERT_NE(without, report.variants.end());
  EXPECT_LT(without->difference[0].estimate, 0);
}

TEST_F(EvaluationTest, QueriesOfOtherJudgementsAreRefused) {
  auto report = Run(EvaluateQueries(
      *bases_, Input("{\"_id\": \"q1\", \"text\": \"ice\"}\n", "q9\tice\t1\n"), nullptr, ctx_));
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().field(), "queries");
}

// `lexical`, `dense` and `blend` of every query, the default first.
std::vector<FusionCandidate> Fusion(const std::vector<std::array<double, 4>>& scores) {
  std::vector<FusionCandidate> out = {
      {.name = "default", .mode = SearchMode::kHybrid, .dense_weight = {}, .scores = {}},
      {.name = "lexical", .mode = SearchMode::kLexical, .dense_weight = {}, .scores = {}},
      {.name = "dense", .mode = SearchMode::kDense, .dense_weight = {}, .scores = {}},
      {.name = "other", .mode = SearchMode::kHybrid, .dense_weight = 0.2, .scores = {}}};
  for (const auto& row : scores) {
    for (std::size_t i = 0; i < row.size(); ++i) out[i].scores.push_back(row[i]);
  }
  return out;
}

std::string_view Chosen(const std::vector<FusionCandidate>& candidates) {
  return candidates[ChooseFusion(candidates).chosen].name;
}

TEST(ChooseFusionTest, AClearlyBetterWeightIsTaken) {
  EXPECT_EQ(Chosen(Fusion(std::vector<std::array<double, 4>>(30, {0.5, 0.4, 0.4, 0.7}))), "other");
}

TEST(ChooseFusionTest, TheBlendIsNeverWorseThanItsBetterLeg) {
  EXPECT_EQ(Chosen(Fusion(std::vector<std::array<double, 4>>(30, {0.5, 0.4, 0.8, 0.7}))), "dense");
  EXPECT_EQ(Chosen(Fusion(std::vector<std::array<double, 4>>(30, {0.5, 0.8, 0.4, 0.7}))),
            "lexical");
  Rng rng(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::array<double, 4>> scores(20);
    for (auto& row : scores) row = {rng.Unit(), rng.Unit(), rng.Unit(), rng.Unit()};
    const auto candidates = Fusion(scores);
    const auto choice = ChooseFusion(candidates);
    const auto mean = [&](std::size_t i) {
      return std::accumulate(candidates[i].scores.begin(), candidates[i].scores.end(), 0.0);
    };
    EXPECT_GE(mean(choice.chosen), mean(choice.better_leg));
    EXPECT_GE(mean(choice.better_leg), std::max(mean(1), mean(2)));
  }
}

// One query that a weight happens to be good at says nothing about the next.
TEST(ChooseFusionTest, AWeightThatOneQueryLikesIsNot) {
  std::vector<std::array<double, 4>> scores(30, {0.5, 0.1, 0.1, 0.49});
  scores[7] = {0.5, 0.1, 0.1, 0.9};
  EXPECT_EQ(Chosen(Fusion(scores)), "default");
}

TEST_F(EvaluationTest, TuningNeedsEnoughQueriesAndAppliesWhatItChose) {
  std::string queries;
  std::string judgements;
  for (int i = 0; i < 20; ++i) {
    const auto id = "q" + std::to_string(i);
    queries += "{\"_id\": \"" + id + "\", \"text\": \"what are bridges made of\"}\n";
    judgements += id + "\tsteel\t1\n";
  }
  TuneInput input;
  input.knowledge_base_id = base_.id;
  input.queries_path = files_.Write("queries.jsonl", queries);
  input.judgements_path = files_.Write("qrels.tsv", judgements);
  const auto report = Get(TuneFusion(*bases_, input, nullptr, ctx_));
  EXPECT_EQ(report.queries, 20);
  EXPECT_EQ(report.candidates.size(), 14U);
  EXPECT_EQ(report.choice.chosen, 0U);  // all are right: nothing speaks against what is there
  ASSERT_TRUE(Run(bases_->SetSearch(base_.id, SearchMode::kDense, 0.25, ctx_)).has_value());
  CloseService();
  OpenService();
  const auto kept = bases_->Get(base_.id, ctx_.workspace);
  EXPECT_EQ(kept->mode, SearchMode::kDense);
  EXPECT_EQ(kept->dense_weight, 0.25);
  EXPECT_EQ(Run(bases_->SetSearch(base_.id, SearchMode::kHybrid, 1.5, ctx_)).error().field(),
            "dense_weight");
  input.judgements_path = files_.Write("qrels.tsv", "q1\tsteel\t1\n");
  EXPECT_EQ(Run(TuneFusion(*bases_, input, nullptr, ctx_)).error().field(), "queries");
}

}  // namespace
}  // namespace strata::knowledge
