#include "provider/remote/embedder.h"

#include <algorithm>
#include <cmath>

#include "base/format_message.h"
#include "base/unanswered.h"
#include "provider/remote/estimate.h"

namespace strata::provider::remote {
namespace {

// What OpenAI's and Titan's embedding models see at most; used where the catalog is silent.
constexpr std::int64_t kTokensMaxDefault = 8191;
// No embedding model in use has more; keeps a lying server from filling the memory.
constexpr int kDimensionsMax = 16384;

void AppendNormalised(std::span<const float> row, std::vector<float>& out) {
  double square = 0;
  for (float value : row) square += static_cast<double>(value) * value;
  double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  for (float value : row) out.push_back(static_cast<float>(value * scale));
}

Result<> CheckRows(const dialect::EmbeddingRows& rows, std::size_t texts, int dimensions) {
  bool fits = rows.dimensions > 0 && rows.dimensions <= kDimensionsMax &&
              rows.values.size() == texts * static_cast<std::size_t>(rows.dimensions);
  if (!fits || (dimensions != 0 && rows.dimensions != dimensions)) {
    return Fail(Code::kUnavailable,
                FormatMessage("answered {} floats of {} dimensions for {} texts",
                              rows.values.size(), rows.dimensions, texts));
  }
  bool finite = std::ranges::all_of(rows.values, [](float value) { return std::isfinite(value); });
  if (!finite) return Fail(Code::kUnavailable, "answered a vector that is not finite");
  return {};
}

void AddEstimate(const dialect::EmbedRequest& request, domain::Usage& used) {
  for (const auto& text : request.texts) {
    used.input_tokens += request.tokens ? dialect::TokensListed(text) : EstimateTokens(text.size());
  }
  used.estimated = true;
}

}  // namespace

// Adds what it answers to `out`, and what that costs to `used`.
Task<Result<>> RemoteEmbedder::EmbedBatch(const dialect::EmbedRequest& request, RequestContext& ctx,
                                          Embeddings& out, domain::Usage& used) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  STRATA_CO_TRY(auto call, account_->api->Embed(request));
  STRATA_CO_TRY(auto body, co_await Fetch(*account_, std::move(call), ctx));
  auto rows = account_->api->DecodeEmbed(request, body);
  if (!rows.has_value()) co_return Fail(OfUnusable(*account_, std::move(rows.error())));
  auto fits = CheckRows(*rows, request.texts.size(), out.dimensions);
  if (!fits.has_value()) co_return Fail(OfUnusable(*account_, std::move(fits.error())));
  out.dimensions = rows->dimensions;
  auto width = static_cast<std::size_t>(rows->dimensions);
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    AppendNormalised(std::span(rows->values).subspan(i * width, width), out.values);
  }
  used.input_tokens += rows->input_tokens;
  if (rows->input_tokens == 0) AddEstimate(request, used);
  co_return Result<>();
}

Task<Result<Embeddings>> RemoteEmbedder::Embed(std::vector<std::string> texts, EmbedPurpose purpose,
                                               RequestContext& ctx) {
  domain::Usage used;
  co_return co_await EmbedCounting(std::move(texts), purpose, ctx, used);
}

Task<Result<Embeddings>> RemoteEmbedder::EmbedCounting(std::vector<std::string> texts,
                                                       EmbedPurpose purpose, RequestContext& ctx,
                                                       domain::Usage& used) {
  Embeddings out;
  const std::size_t batch_max = account_->api->EmbedBatchMax(info_.upstream_id);
  for (std::size_t at = 0; at < texts.size(); at += batch_max) {
    auto end = std::min(texts.size(), at + batch_max);
    dialect::EmbedRequest request;
    request.model = info_.upstream_id;
    request.input = purpose.role == EmbedRole::kQuery ? dialect::EmbedInput::kQuery
                                                      : dialect::EmbedInput::kDocument;
    request.long_text = purpose.long_text;
    request.tokens = purpose.tokens;
    request.extra = purpose.extra;
    for (std::size_t i = at; i < end; ++i) request.texts.push_back(std::move(texts[i]));
    auto done = co_await EmbedBatch(request, ctx, out, used);
    if (!done.has_value()) {
      if (IsSentUnanswered(done.error())) AddEstimate(request, used);
      co_return Fail(std::move(done.error()));
    }
  }
  out.input_tokens = used.input_tokens;
  co_return out;
}

std::int64_t RemoteEmbedder::CountTokens(std::string_view text) const { return TokensAtMost(text); }

std::int64_t RemoteEmbedder::tokens_max() const {
  return info_.context_tokens > 0 ? info_.context_tokens : kTokensMaxDefault;
}

}  // namespace strata::provider::remote
