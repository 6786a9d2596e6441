#include "gateway/embed_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/format_message.h"
#include "dialect/json_value.h"
#include "gateway/long_text.h"
#include "guard/model_access.h"
#include "provider/cut_vectors.h"
#include "route/direct.h"

namespace strata::gateway {
namespace {

Error NeedsText(const dialect::EmbedRequest& request) {
  return InvalidArgument(dialect::PathOfText(request, 0),
                         "a guardrail reads what is embedded, and cannot read token numbers; send "
                         "text");
}

// What only OpenAI's dialect says is for its own providers.
Result<> CheckForm(const dialect::EmbedRequest& request, const provider::Embedder& embedder) {
  if (embedder.SpeaksOpenAi()) return {};
  const auto& id = embedder.Info().id;
  if (request.tokens) {
    return Fail(InvalidArgument(
        dialect::PathOfText(request, 0),
        fmt::format("{} takes text only, no token numbers, which are those of another model's "
                    "tokenizer; send text",
                    id)));
  }
  if (request.extra.empty()) return {};
  STRATA_TRY(auto extra, dialect::ParseJson(request.extra));
  return Fail(InvalidArgument(
      extra.object()->front().key,
      fmt::format("this member means nothing to {}; leave it out or name another model", id)));
}

}  // namespace

Task<Result<EmbedAnswer>> EmbedService::Run(dialect::EmbedRequest request,
                                            RequestContext& ctx) const {
  const auto& model = request.model;
  ctx.model_asked = model;
  ctx.deadline = std::min(ctx.deadline, ctx.first_byte_deadline);  // vectors come in one piece
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(model, ctx));
  if (auto guardrails = guardrails_ ? guardrails_() : nullptr) {
    ctx.decided_by.guardrail = guardrails->names();
    std::vector<std::string*> judged;
    for (auto& text : request.texts) judged.push_back(&text);
    // Of members that we do not know the whole is judged; what stands in numbers nobody can judge.
    auto extra = request.extra;
    if (!extra.empty()) judged.push_back(&extra);
    if (request.tokens && guardrails->Judges(guard::Side::kInput))
      co_return Fail(NeedsText(request));
    STRATA_CO_CHECK_OK(co_await guardrails->JudgeTexts(judged, ctx));
    if (extra != request.extra) {
      co_return Fail(Code::kBlocked, "a guardrail masks a member that has no place here");
    }
  }
  STRATA_CO_TRY(auto embedder, registry_.Embed(model));
  const auto& info = embedder->Info();
  STRATA_CO_CHECK_OK(CheckForm(request, *embedder));
  const int dimensions = request.dimensions.value_or(0);
  if (dimensions > info.dimensions && info.dimensions > 0) {
    co_return Fail(
        InvalidArgument("dimensions", FormatMessage("{} has {} dimensions, {} were asked for",
                                                    Own(info.id), info.dimensions, dimensions)));
  }
  ctx.route =
      info.id == model ? "named by the caller" : fmt::format("'{}' stands for {}", model, info.id);
  ctx.decided_by.router = route::kDirectVersion;
  STRATA_CO_CHECK_OK(co_await FitTexts(*embedder, request, ctx));
  const provider::EmbedPurpose purpose{.role = request.input == dialect::EmbedInput::kQuery
                                                   ? provider::EmbedRole::kQuery
                                                   : provider::EmbedRole::kDocument,
                                       .long_text = request.long_text,
                                       .tokens = request.tokens,
                                       .extra = request.extra};
  STRATA_CO_TRY(auto vectors, co_await embedder->Embed(std::move(request.texts), purpose, ctx));
  if (dimensions > 0 && dimensions < vectors.dimensions) provider::CutVectors(vectors, dimensions);
  co_return EmbedAnswer{.vectors = std::move(vectors), .model = info.id};
}

}  // namespace strata::gateway
