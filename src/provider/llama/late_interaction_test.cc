#include <gtest/gtest.h>

#include "provider/llama/chat_testing.h"
#include "provider/llama/embedders.h"
#include "provider/llama/embedding_engine.h"
#include "provider/local_models.h"
#include "tests/fakes/reranker_contract.h"

namespace strata::provider::llama {
namespace {

std::shared_ptr<Reranker> TestReranker() {
  static auto embedder = [] {
    auto engine = EmbeddingEngine::Load({.path = testing::ShippedModel(kEmbedderFile)});
    EXPECT_TRUE(engine.has_value()) << engine.error().message();
    return MakeTransformerEmbedder(std::move(*engine), domain::ModelInfo(), {});
  }();
  return MakeLateInteraction([]() -> Result<std::shared_ptr<LocalEmbedder>> { return embedder; });
}

domain::Reranking Ranked(domain::RerankRequest request) {
  RequestContext ctx;
  auto reranker = TestReranker();
  auto ranked = testing::RunTask(reranker->Rerank(std::move(request), ctx));
  EXPECT_TRUE(ranked.has_value()) << ranked.error().message();
  return ranked.has_value() ? std::move(*ranked) : domain::Reranking();
}

TEST(LateInteraction, KeepsTheContract) {
  RequestContext ctx;
  auto reranker = TestReranker();
  EXPECT_TRUE(testing::RunTask(fakes::CheckRerankerContract(*reranker, ctx)));
}

TEST(LateInteraction, FindsTheAnswerAmongOthers) {
  auto ranked = Ranked(
      {.query = "What is the capital of the United States?",
       .documents = {"Carson City is the capital city of Nevada.", "Bananas are rich in potassium.",
                     "Washington, D.C. is the capital of the United States."}});
  ASSERT_EQ(ranked.ranked.size(), 3U);
  EXPECT_EQ(ranked.ranked[0].index, 2U);
  EXPECT_EQ(ranked.ranked[2].index, 1U);
  for (const auto& document : ranked.ranked) {
    EXPECT_GE(document.score, 0);
    EXPECT_LE(document.score, 1.0 + 1e-6);
  }
}

TEST(LateInteraction, ReadsLongDocumentsInWindows) {
  std::string filler;
  for (int i = 0; i < 120; ++i) filler += "The harbour was quiet that morning. ";
  const std::string answer = "The bridge was finished in 1932.";
  auto ranked =
      Ranked({.query = "When was the bridge finished?", .documents = {filler, filler + answer}});
  EXPECT_EQ(ranked.ranked[0].index, 1U);
  EXPECT_GT(ranked.ranked[0].score, ranked.ranked[1].score + 0.05);
  EXPECT_EQ(ranked.truncated, 0);
  // With fewer tokens the answer lies beyond what is read.
  auto cut = Ranked({.query = "When was the bridge finished?",
                     .documents = {filler, filler + answer},
                     .top_n = 0,
                     .max_tokens_per_doc = 64});
  EXPECT_NEAR(cut.ranked[0].score, cut.ranked[1].score, 1e-4);
  EXPECT_EQ(cut.truncated, 2);
  EXPECT_LT(cut.input_tokens, ranked.input_tokens);
}

}  // namespace
}  // namespace strata::provider::llama
