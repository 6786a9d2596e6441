#include "gateway/judge_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/format_message.h"
#include "guard/model_access.h"
#include "route/direct.h"

namespace strata::gateway {
namespace {

void NoteRoute(const domain::ModelInfo& info, const std::string& asked, RequestContext& ctx) {
  ctx.route =
      info.id == asked ? "named by the caller" : fmt::format("'{}' stands for {}", asked, info.id);
  ctx.decided_by.router = route::kDirectVersion;
}

}  // namespace

Task<Result<>> JudgeService::Judge(std::vector<std::string*> texts, RequestContext& ctx) const {
  auto guardrails = guardrails_ ? guardrails_() : nullptr;
  if (!guardrails) co_return Result<>{};
  ctx.decided_by.guardrail = guardrails->names();
  co_return co_await guardrails->JudgeTexts(texts, ctx);
}

Task<Result<domain::Reranking>> JudgeService::Rerank(std::string model,
                                                     domain::RerankRequest request,
                                                     RequestContext& ctx) const {
  ctx.model_asked = model;
  ctx.deadline = std::min(ctx.deadline, ctx.first_byte_deadline);  // it comes in one piece
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(model, ctx));
  std::vector<std::string*> texts = {&request.query};
  for (auto& document : request.documents) texts.push_back(&document);
  STRATA_CO_CHECK_OK(co_await Judge(std::move(texts), ctx));
  STRATA_CO_TRY(auto reranker, registry_.Rerank(model));
  NoteRoute(reranker->Info(), model, ctx);
  co_return co_await reranker->Rerank(std::move(request), ctx);
}

Task<Result<domain::Moderation>> JudgeService::Moderate(std::string model,
                                                        domain::ModerationRequest request,
                                                        RequestContext& ctx) const {
  ctx.model_asked = model;
  ctx.deadline = std::min(ctx.deadline, ctx.first_byte_deadline);
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(model, ctx));
  std::vector<std::string*> texts;
  for (auto& input : request.inputs) {
    if (auto* text = std::get_if<domain::TextBlock>(&input)) texts.push_back(&text->text);
  }
  STRATA_CO_CHECK_OK(co_await Judge(std::move(texts), ctx));
  auto moderator = registry_.Moderate(model);
  if (!moderator.has_value() && moderator.error().code() == Code::kNotFound) {
    co_return Fail(Error(Code::kNotFound,
                         FormatMessage("no provider serves the moderation model '{}'; add one that "
                                       "does: set OPENAI_API_KEY, or configure a provider of kind "
                                       "openai and name PROVIDER/MODEL",
                                       model.substr(0, 128)))
                       .AtField("model"));
  }
  if (!moderator.has_value()) co_return Fail(std::move(moderator.error()));
  NoteRoute((*moderator)->Info(), model, ctx);
  co_return co_await (*moderator)->Moderate(std::move(request), ctx);
}

}  // namespace strata::gateway
