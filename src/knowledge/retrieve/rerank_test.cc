#include "knowledge/retrieve/rerank.h"

#include <gmock/gmock.h>

#include "base/run_task.h"
#include "tests/fakes/fake_reranker.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;

RetrievedChunk Chunk(std::string text, double score) {
  RetrievedChunk chunk;
  chunk.chunk_id = text;
  chunk.text = std::move(text);
  chunk.uri = "folder/a.md";
  chunk.title = "a.md";
  chunk.score = score;
  return chunk;
}

std::vector<std::string> Texts(const std::vector<RetrievedChunk>& chunks) {
  std::vector<std::string> out;
  for (const auto& chunk : chunks) out.push_back(chunk.text);
  return out;
}

TEST(RerankTextTest, ShowsTheTitleAndTheMetadataThatWasAskedFor) {
  auto chunk = Chunk("Text.", 1);
  chunk.metadata.text = R"({"year": 2011, "team": "north", "tags": ["a", "b"]})";
  RerankChoice choice{.model = "r", .fields = {"team", "missing"}};
  EXPECT_EQ(RerankText(chunk, choice), "Text.");
  chunk.title = "Glaciers";
  EXPECT_EQ(RerankText(chunk, choice), "Glaciers\nText.");
  choice.show = RerankChoice::Show::kOnly;
  EXPECT_EQ(RerankText(chunk, choice), "Glaciers\nText.\nteam: north");
  choice.show = RerankChoice::Show::kAllBut;
  EXPECT_EQ(RerankText(chunk, choice), "Glaciers\nText.\nyear: 2011\ntags: [\"a\",\"b\"]");
  chunk.metadata.text = "not JSON";
  EXPECT_EQ(RerankText(chunk, choice), "Glaciers\nText.");
}

TEST(RerankTest, TheRerankersOrderAloneOrWithThatOfTheSearch) {
  fakes::FakeReranker reranker("r");
  RequestContext ctx;
  const std::vector<RetrievedChunk> found = {Chunk("other words", 0.9), Chunk("a harbour", 0.8),
                                             Chunk("a harbour fee", 0.1)};
  auto alone = found;
  const RerankChoice choice{.model = "r", .fields = {}};
  ASSERT_TRUE(RunTask(RerankChunks(reranker, choice, 1, "harbour fee", alone, ctx)).has_value());
  EXPECT_THAT(Texts(alone), ElementsAre("a harbour fee", "a harbour", "other words"));
  EXPECT_EQ(alone[0].score, 1);
  auto both = found;
  ASSERT_TRUE(RunTask(RerankChunks(reranker, choice, 0.5, "harbour fee", both, ctx)).has_value());
  EXPECT_THAT(Texts(both), ElementsAre("a harbour", "other words", "a harbour fee"));
}

// Sees what the request is labelled with while it runs, and answers what it is told.
class Watcher final : public provider::Reranker {
 public:
  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest, RequestContext& ctx) override {
    labels = ctx.labels;
    co_return answer;
  }
  const domain::ModelInfo& Info() const override { return info_; }
  LabelSet labels;
  domain::Reranking answer;

 private:
  domain::ModelInfo info_;
};

TEST(RerankTest, PassagesLabelsHoldForTheCallAndNoLonger) {
  Watcher watcher;
  watcher.answer.ranked = {{.index = 0, .score = 1}};
  RequestContext ctx;
  ctx.labels.Add("own");
  std::vector<RetrievedChunk> chunks = {Chunk("x", 1)};
  chunks[0].labels.Add("eu-only");
  ASSERT_TRUE(RunTask(RerankChunks(watcher, {.model = "r", .fields = {}}, 1, "q", chunks, ctx))
                  .has_value());
  EXPECT_TRUE(watcher.labels.Has("eu-only"));
  EXPECT_EQ(ctx.labels, LabelSet({"own"}));
}

TEST(RerankTest, AnswersAboutOtherPassagesAreRefused) {
  Watcher watcher;
  RequestContext ctx;
  for (const auto& ranked : std::vector<std::vector<domain::RankedDocument>>{
           {{.index = 0, .score = 1}},
           {{.index = 0, .score = 1}, {.index = 0, .score = 0}},
           {{.index = 0, .score = 1}, {.index = 2, .score = 0}}}) {
    watcher.answer.ranked = ranked;
    std::vector<RetrievedChunk> chunks = {Chunk("x", 1), Chunk("y", 0.5)};
    const auto done =
        RunTask(RerankChunks(watcher, {.model = "r", .fields = {}}, 1, "q", chunks, ctx));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code(), Code::kUnavailable);
    EXPECT_THAT(Texts(chunks), ElementsAre("x", "y"));
  }
}

}  // namespace
}  // namespace strata::knowledge
