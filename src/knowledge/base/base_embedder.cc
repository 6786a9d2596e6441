#include "knowledge/base/base_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dialect/json_value.h"
#include "provider/cut_vectors.h"

namespace strata::knowledge {
namespace {

std::string OtherSize(const KnowledgeBase& base, int dimensions) {
  return fmt::format("embedding model {} has {} dimensions, the knowledge base was made with {}",
                     base.embedding_model, dimensions, base.dimensions);
}

bool IsCut(const KnowledgeBase& base) {
  const auto asked = DimensionsAsked(base.extra);
  return asked.has_value() && *asked == base.dimensions;
}

// Thread-safe.
class SizedEmbedder final : public provider::Embedder {
 public:
  SizedEmbedder(KnowledgeBase base, std::shared_ptr<provider::Embedder> embedder)
      : base_(std::move(base)),
        cut_(IsCut(base_)),
        embedder_(std::move(embedder)),
        info_(embedder_->Info()) {
    info_.dimensions = base_.dimensions;
  }

  Task<Result<provider::Embeddings>> Embed(std::vector<std::string> texts,
                                           provider::EmbedPurpose purpose,
                                           RequestContext& ctx) override {
    STRATA_CO_TRY(auto vectors, co_await embedder_->Embed(std::move(texts), purpose, ctx));
    if (cut_ && vectors.dimensions > base_.dimensions) {
      provider::CutVectors(vectors, base_.dimensions);
    }
    if (vectors.dimensions != base_.dimensions) {
      co_return Fail(Code::kUnsupported, OtherSize(base_, vectors.dimensions));
    }
    co_return vectors;
  }
  std::int64_t CountTokens(std::string_view text) const override {
    return embedder_->CountTokens(text);
  }
  std::int64_t tokens_max() const override { return embedder_->tokens_max(); }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  const KnowledgeBase base_;
  const bool cut_;
  const std::shared_ptr<provider::Embedder> embedder_;
  domain::ModelInfo info_;
};

Task<Result<int>> DimensionsOf(provider::Embedder& embedder, RequestContext& ctx) {
  if (embedder.Info().dimensions > 0) co_return embedder.Info().dimensions;
  std::vector<std::string> texts = {"text"};
  auto made = co_await embedder.Embed(std::move(texts), provider::EmbedPurpose::kDocument, ctx);
  if (made.has_value()) co_return made->dimensions;
  co_return Fail(std::move(made.error())
                     .Because("asking embedding model " + embedder.Info().id + " for a vector")
                     .AtField("embeddingModelArn"));
}

}  // namespace

Result<std::optional<int>> DimensionsAsked(const JsonText& extra) {
  constexpr std::int64_t kApiMax = 4096;
  if (extra.text.empty()) return std::nullopt;
  STRATA_TRY(auto parsed, dialect::ParseJson(extra.text));
  const dialect::JsonField top(parsed);
  const auto configuration = top.Get("knowledgeBaseConfiguration");
  for (const auto* kind :
       {"vectorKnowledgeBaseConfiguration", "managedKnowledgeBaseConfiguration"}) {
    const auto of_kind = configuration.Get(kind);
    const auto model = of_kind.Get("embeddingModelConfiguration");
    const auto of_bedrock = model.Get("bedrockEmbeddingModelConfiguration");
    const auto dimensions = of_bedrock.Get("dimensions");
    if (!dimensions.present()) continue;
    STRATA_TRY(const auto number, dimensions.Integer(0, kApiMax));
    if (number > 0) return static_cast<int>(number);
  }
  return std::nullopt;
}

Task<Result<>> SetDimensions(KnowledgeBase& base, provider::Embedder& embedder,
                             RequestContext& ctx) {
  STRATA_CO_TRY(const auto asked, DimensionsAsked(base.extra));
  STRATA_CO_TRY(const int all, co_await DimensionsOf(embedder, ctx));
  base.dimensions = asked.value_or(all);
  if (base.dimensions > all) {
    co_return Fail(InvalidArgument("dimensions", fmt::format("{} has {}, {} were asked for",
                                                             base.embedding_model, all, *asked)));
  }
  if (base.dimensions > kDimensionsMax) {
    co_return Fail(InvalidArgument(
        "dimensions", fmt::format("{} has {}, a knowledge base at most {}: ask for fewer",
                                  base.embedding_model, all, kDimensionsMax)));
  }
  co_return Result<>();
}

Result<std::shared_ptr<provider::Embedder>> EmbedderOf(const KnowledgeBase& base,
                                                       const EmbedderLookup& lookup) {
  STRATA_TRY(auto embedder, lookup(base.embedding_model));
  const int known = embedder->Info().dimensions;
  if (known == base.dimensions) return embedder;
  const bool fits = known > base.dimensions && IsCut(base);
  if (known != 0 && !fits) return Fail(Code::kConflict, OtherSize(base, known));
  return std::make_shared<SizedEmbedder>(base, std::move(embedder));
}

std::string VectorSpaceOf(const KnowledgeBase& base) {
  return fmt::format("{}, {} dimensions", base.embedding_model, base.dimensions);
}

}  // namespace strata::knowledge
