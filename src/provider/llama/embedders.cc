#include "provider/llama/embedders.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/format_message.h"
#include "base/pool.h"
#include "provider/llama/embedding_engine.h"
#include "vector/static_embedder.h"

namespace strata::provider::llama {
namespace {

// A text is cut by the model anyway; this bounds what is tokenized.
constexpr std::size_t kTextBytesMax = 16 << 20;
constexpr std::size_t kTextsMax = 16384;
// The static embedder does this much in about 2 ms, beyond which it leaves the caller's thread.
constexpr std::size_t kInlineBytes = 8 << 10;

Result<> CheckTexts(const std::vector<std::string>& texts) {
  if (texts.size() > kTextsMax) {
    return Fail(InvalidArgument(
        "input", FormatMessage("{} texts in one call; the limit is {}", texts.size(), kTextsMax)));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() > kTextBytesMax) {
      return Fail(InvalidArgument(
          fmt::format("input[{}]", i),
          FormatMessage("{} bytes; the limit is {}", texts[i].size(), kTextBytesMax)));
    }
  }
  return {};
}

class TransformerEmbedder final : public LocalEmbedder {
 public:
  TransformerEmbedder(std::unique_ptr<EmbeddingEngine> engine, domain::ModelInfo info,
                      const EmbedderLimits& limits)
      : engine_(std::move(engine)),
        info_(std::move(info)),
        pool_("embed", static_cast<std::size_t>(std::max(1, limits.contexts)), limits.waiting_max) {
    info_.dimensions = engine_->dimensions();
    info_.context_tokens = engine_->tokens_max();
  }

  Task<Result<Embeddings>> Embed(std::vector<std::string> texts, EmbedPurpose purpose,
                                 RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(CheckTexts(texts));
    Embeddings out;
    out.dimensions = engine_->dimensions();
    // Callers of one urgency take turns between steps, and a cancelled one stops at the next.
    std::span<const std::string> left(texts);
    while (!left.empty()) {
      STRATA_CO_CHECK_OK(ctx.CheckAlive());
      auto step = [&] { return engine_->EmbedStep(left, purpose, out); };
      STRATA_CO_TRY(auto done, co_await RunBlocking(pool_, std::move(step), ctx.urgency));
      left = left.subspan(done);
    }
    co_return out;
  }

  Task<Result<TokenEmbeddings>> EmbedTokens(std::string text, RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    auto work = [&] { return engine_->EmbedTokens(text); };
    co_return co_await RunBlocking(pool_, std::move(work), ctx.urgency);
  }

  std::vector<std::int32_t> Tokenize(std::string_view text) const override {
    return engine_->Tokenize(text);
  }
  std::int64_t CountTokens(std::string_view text) const override {
    return engine_->CountTokens(text);
  }
  std::int64_t tokens_max() const override { return engine_->tokens_max(); }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  std::unique_ptr<EmbeddingEngine> engine_;
  domain::ModelInfo info_;
  Pool pool_;  // last: its threads use the engine
};

class StaticModel final : public Embedder {
 public:
  StaticModel(std::shared_ptr<const vector::StaticEmbedder> model, domain::ModelInfo info)
      : model_(std::move(model)), info_(std::move(info)), pool_("embed-static", 1, 64) {
    info_.dimensions = model_->dimensions();
  }

  Task<Result<Embeddings>> Embed(std::vector<std::string> texts, EmbedPurpose /*purpose*/,
                                 RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(CheckTexts(texts));
    Embeddings out;
    out.dimensions = model_->dimensions();
    out.values.resize(texts.size() * static_cast<std::size_t>(out.dimensions));
    for (std::size_t begin = 0; begin < texts.size();) {
      STRATA_CO_CHECK_OK(ctx.CheckAlive());
      std::size_t end = begin;
      std::size_t bytes = 0;
      while (end < texts.size() && (end == begin || bytes + texts[end].size() <= kTurnBytes)) {
        bytes += texts[end++].size();
      }
      auto work = [&]() -> Result<> { return Run(texts, begin, end, out); };
      if (bytes <= kInlineBytes) {
        STRATA_CO_CHECK_OK(work());
      } else {
        STRATA_CO_CHECK_OK(co_await RunBlocking(pool_, std::move(work), ctx.urgency));
      }
      begin = end;
    }
    co_return out;
  }

  std::int64_t CountTokens(std::string_view text) const override {
    return static_cast<std::int64_t>(model_->CountTokens(text));
  }
  std::int64_t tokens_max() const override { return kNoLimit; }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  static constexpr std::size_t kTurnBytes = 1 << 20;
  static constexpr std::int64_t kNoLimit = std::int64_t{1} << 30;

  Result<> Run(const std::vector<std::string>& texts, std::size_t begin, std::size_t end,
               Embeddings& out) const {
    auto width = static_cast<std::size_t>(out.dimensions);
    for (auto i = begin; i < end; ++i) {
      auto row = std::span(out.values).subspan(i * width, width);
      out.input_tokens += static_cast<std::int64_t>(model_->Embed(texts[i], row));
    }
    return {};
  }

  std::shared_ptr<const vector::StaticEmbedder> model_;
  domain::ModelInfo info_;
  Pool pool_;
};

}  // namespace

std::shared_ptr<LocalEmbedder> MakeTransformerEmbedder(std::unique_ptr<EmbeddingEngine> engine,
                                                       domain::ModelInfo info,
                                                       const EmbedderLimits& limits) {
  return std::make_shared<TransformerEmbedder>(std::move(engine), std::move(info), limits);
}

std::shared_ptr<Embedder> MakeStaticEmbedder(std::shared_ptr<const vector::StaticEmbedder> model,
                                             domain::ModelInfo info) {
  return std::make_shared<StaticModel>(std::move(model), std::move(info));
}

}  // namespace strata::provider::llama
