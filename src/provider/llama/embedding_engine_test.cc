#include "provider/llama/embedding_engine.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "provider/llama/embedders.h"
#include "provider/llama/testing.h"

namespace strata::provider::llama {
namespace {

namespace json = boost::json;

// Made by testdata/make_reference.py.
struct Reference {
  std::vector<std::string> texts;
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::pair<std::size_t, std::vector<float>>> vectors;
};

const Reference& GetReference() {
  static const Reference reference = [] {
    std::ifstream in(STRATA_TESTDATA "/minilm_reference.json");
    std::stringstream text;
    text << in.rdbuf();
    auto value = json::parse(text.str());
    Reference out;
    out.texts = json::value_to<std::vector<std::string>>(value.at("texts"));
    out.ids = json::value_to<std::vector<std::vector<std::int32_t>>>(value.at("ids"));
    for (const auto& member : value.at("vectors").as_object()) {
      out.vectors.emplace_back(std::stoul(std::string(member.key())),
                               json::value_to<std::vector<float>>(member.value()));
    }
    return out;
  }();
  return reference;
}

EmbeddingEngine& Engine() {
  static auto engine = EmbeddingEngine::Load({.path = testing::ShippedModel(kEmbedderFile)});
  EXPECT_TRUE(engine.has_value()) << engine.error().message();
  return **engine;
}

double Cosine(std::span<const float> a, std::span<const float> b) {
  auto dot = [](auto x, auto y) { return std::inner_product(x.begin(), x.end(), y.begin(), 0.0); };
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

TEST(EmbeddingEngine, TokenIdsEqualTheReferenceInEveryScript) {
  const auto& reference = GetReference();
  ASSERT_EQ(reference.texts.size(), 20U);
  for (std::size_t i = 0; i < reference.texts.size(); ++i) {
    EXPECT_EQ(Engine().Tokenize(reference.texts[i]), reference.ids[i]) << reference.texts[i];
  }
}

TEST(EmbeddingEngine, VectorsAgreeWithAnIndependentImplementation) {
  const auto& reference = GetReference();
  ASSERT_EQ(reference.vectors.size(), 8U);
  Embeddings out;
  ASSERT_TRUE(Engine().Embed(reference.texts, EmbedPurpose::kDocument, out).has_value());
  ASSERT_EQ(out.count(), 20U);
  EXPECT_EQ(out.dimensions, 384);
  for (const auto& [i, vector] : reference.vectors) {
    EXPECT_GT(Cosine(out.row(i), vector), 0.9999) << reference.texts[i];
    EXPECT_NEAR(std::sqrt(std::inner_product(out.row(i).begin(), out.row(i).end(),
                                             out.row(i).begin(), 0.0)),
                1.0, 1e-5);
  }
}

TEST(EmbeddingEngine, ATextsVectorDoesNotDependOnItsNeighbours) {
  std::vector<std::string> texts = {"alone", "with a longer neighbour in the same pass", "and one"};
  Embeddings together;
  ASSERT_TRUE(Engine().Embed(texts, EmbedPurpose::kDocument, together).has_value());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Embeddings single;
    ASSERT_TRUE(Engine()
                    .Embed(std::span(texts).subspan(i, 1), EmbedPurpose::kDocument, single)
                    .has_value());
    EXPECT_GT(Cosine(single.row(0), together.row(i)), 0.99999);
  }
}

TEST(EmbeddingEngine, LongTextsAreCutAt256WordPiecesAndCounted) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "word ";
  EXPECT_EQ(Engine().CountTokens(text), 300);
  std::vector<std::string> texts = {text, "short"};
  Embeddings out;
  ASSERT_TRUE(Engine().Embed(texts, EmbedPurpose::kDocument, out).has_value());
  EXPECT_EQ(out.truncated, 1);
  EXPECT_EQ(out.input_tokens, 256 + 3);

  Embeddings cut;
  std::vector<std::string> same = {text.substr(0, std::string_view("word ").size() * 254)};
  ASSERT_TRUE(Engine().Embed(same, EmbedPurpose::kDocument, cut).has_value());
  EXPECT_EQ(cut.truncated, 0);
  EXPECT_GT(Cosine(cut.row(0), out.row(0)), 0.99999);
}

TEST(EmbeddingEngine, TheMeanOfTheTokenVectorsIsTheTextsVector) {
  std::vector<std::string> texts = {"Late interaction compares token by token."};
  Embeddings pooled;
  ASSERT_TRUE(Engine().Embed(texts, EmbedPurpose::kQuery, pooled).has_value());
  auto tokens = Engine().EmbedTokens(texts[0]);
  ASSERT_TRUE(tokens.has_value());
  EXPECT_EQ(tokens->token_ids, Engine().Tokenize(texts[0]));
  ASSERT_EQ(tokens->values.size(), tokens->token_ids.size() * 384);
  std::vector<float> mean(384);
  for (std::size_t i = 0; i < tokens->values.size(); ++i) mean[i % 384] += tokens->values[i];
  EXPECT_GT(Cosine(mean, pooled.row(0)), 0.99999);
}

TEST(EmbeddingEngine, RefusesAModelThatDoesNotEmbed) {
  auto engine = EmbeddingEngine::Load({.path = testing::ShippedModel(kChatFile)});
  ASSERT_FALSE(engine.has_value());
  EXPECT_EQ(engine.error().code(), Code::kInvalidArgument);
}

TEST(TransformerEmbedder, EmbedsBatchesInOrderAndStopsWhenTheClientIsGone) {
  auto engine = EmbeddingEngine::Load({.path = testing::ShippedModel(kEmbedderFile)});
  ASSERT_TRUE(engine.has_value());
  auto embedder = MakeTransformerEmbedder(std::move(*engine), domain::ModelInfo(), {});
  EXPECT_EQ(embedder->Info().dimensions, 384);
  EXPECT_EQ(embedder->tokens_max(), 256);
  std::vector<std::string> texts;
  for (int i = 0; i < 20; ++i) texts.push_back("text number " + std::to_string(i));
  RequestContext ctx;
  auto out = testing::RunTask(embedder->Embed(texts, EmbedPurpose::kDocument, ctx));
  ASSERT_TRUE(out.has_value());
  ASSERT_EQ(out->count(), 20U);
  auto last = testing::RunTask(embedder->Embed({texts[19]}, EmbedPurpose::kDocument, ctx));
  EXPECT_GT(Cosine(out->row(19), last->row(0)), 0.99999);

  std::stop_source gone;
  gone.request_stop();
  ctx.cancel = gone.get_token();
  auto refused = testing::RunTask(embedder->Embed(texts, EmbedPurpose::kDocument, ctx));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kCancelled);
}

// An ingestion of several minutes, if nobody stopped it.
struct Ingestion {
  LocalEmbedder& embedder;
  std::stop_source stop;
  RequestContext ctx;
  std::optional<Result<Embeddings>> result;

  Task<void> Run() {
    ctx.urgency = Urgency::kBackground;
    ctx.cancel = stop.get_token();
    std::vector<std::string> texts(10000, "A chunk of a document that is one of very many.");
    result = co_await embedder.Embed(std::move(texts), EmbedPurpose::kDocument, ctx);
  }
};

Task<Result<Embeddings>> AskBeside(Ingestion& ingestion, std::vector<std::string> question,
                                   RequestContext& ctx) {
  auto& io = testing::TestIo();
  boost::asio::co_spawn(io, ingestion.Run(), boost::asio::detached);
  co_await boost::asio::post(io, boost::asio::use_awaitable);
  auto answer = co_await ingestion.embedder.Embed(std::move(question), EmbedPurpose::kQuery, ctx);
  ingestion.stop.request_stop();
  co_return answer;
}

TEST(TransformerEmbedder, AQuestionOvertakesAnIngestion) {
  auto engine = EmbeddingEngine::Load({.path = testing::ShippedModel(kEmbedderFile)});
  ASSERT_TRUE(engine.has_value());
  auto embedder = MakeTransformerEmbedder(std::move(*engine), domain::ModelInfo(), {});
  std::vector<std::string> question = {"Who is called when a glass plate breaks?"};
  RequestContext ctx;
  auto alone = testing::RunTask(embedder->Embed(question, EmbedPurpose::kQuery, ctx));
  ASSERT_TRUE(alone.has_value());

  Ingestion ingestion{.embedder = *embedder, .stop = {}, .ctx = {}, .result = {}};
  auto beside = testing::RunTask(AskBeside(ingestion, question, ctx));

  ASSERT_TRUE(beside.has_value());
  EXPECT_EQ(beside->values, alone->values);
  ASSERT_TRUE(ingestion.result.has_value());
  ASSERT_FALSE(ingestion.result->has_value());
  EXPECT_EQ(ingestion.result->error().code(), Code::kCancelled);
}

TEST(TransformerEmbedder, RefusesMoreTextsThanItsLimit) {
  auto engine = EmbeddingEngine::Load({.path = testing::ShippedModel(kEmbedderFile)});
  ASSERT_TRUE(engine.has_value());
  auto embedder = MakeTransformerEmbedder(std::move(*engine), domain::ModelInfo(), {});
  RequestContext ctx;
  auto refused = testing::RunTask(
      embedder->Embed(std::vector<std::string>(16385), EmbedPurpose::kDocument, ctx));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().field(), "input");
}

}  // namespace
}  // namespace strata::provider::llama
