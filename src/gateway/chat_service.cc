#include "gateway/chat_service.h"

#include <algorithm>

#include "gateway/answer_capture.h"
#include "guard/model_access.h"
#include "route/direct.h"

namespace strata::gateway {
namespace {

// For the trace. A body that we cannot read may still be forwarded: then its question stays
// unknown, and whoever needs the whole request reports the error.
std::string QuestionOf(domain::ChatRequest& request) {
  auto decoded = domain::DecodeWhole(request);
  return decoded.has_value() ? domain::LastUserText(request) : std::string();
}

}  // namespace

Task<void> ChatService::Run(domain::ChatRequest request, RequestContext& ctx,
                            AnswerSink& sink) const {
  auto answered = co_await Answer(std::move(request), ctx, sink);
  if (answered.has_value()) co_return;
  ctx.span.Fail(answered.error());
  co_await sink.Fail(answered.error());
}

Task<Result<>> ChatService::Answer(domain::ChatRequest request, RequestContext& ctx,
                                   AnswerSink& sink) const {
  ctx.model_asked = request.model;
  ctx.subject = request.user;
  for (const auto& [key, value] : request.metadata) ctx.tags.emplace(key, value);
  // An answer in one piece has its first byte at its end.
  if (!request.stream) ctx.deadline = std::min(ctx.deadline, ctx.first_byte_deadline);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(request.model, ctx));

  // The snapshot is kept for the whole answer: a reload behind it changes nothing for this request.
  auto models = registry_.Snapshot();
  STRATA_CO_TRY(auto plan, route::ChooseDirect(*models, request));
  ctx.route = plan.reason;
  ctx.decided_by.router = route::kDirectVersion;
  ctx.span.Set("model_asked", ctx.model_asked);
  ctx.span.Set("route", plan.reason);

  AnswerCapture capture(ctx, ctx.capture_text ? QuestionOf(request) : std::string());
  STRATA_CO_TRY(auto stream, co_await plan.model->Start(std::move(request), ctx));
  STRATA_CO_CHECK_OK(co_await sink.Begin(plan.model->Info()));
  while (true) {
    STRATA_CO_TRY(auto event, co_await stream->Next());
    capture.Add(event);
    bool last = std::holds_alternative<domain::StreamEnd>(event);
    if (last) capture.Record(ctx);
    STRATA_CO_CHECK_OK(co_await sink.Event(event));
    if (last) co_return Result<>{};
  }
}

Task<Result<std::int64_t>> ChatService::CountTokens(domain::ChatRequest request,
                                                    RequestContext& ctx) const {
  ctx.model_asked = request.model;
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(request.model, ctx));
  STRATA_CO_TRY(auto plan, route::ChooseDirect(*registry_.Snapshot(), request));
  co_return co_await plan.model->CountTokens(std::move(request), ctx);
}

}  // namespace strata::gateway
