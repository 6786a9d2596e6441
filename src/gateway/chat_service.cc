#include "gateway/chat_service.h"

#include <algorithm>

#include "gateway/answer_capture.h"
#include "gateway/guarded_stream.h"
#include "gateway/wire_texts.h"
#include "guard/model_access.h"
#include "route/direct.h"

namespace strata::gateway {
namespace {

// For the trace. A body that we cannot read may still be forwarded: then its question stays
// unknown, and whoever needs the whole request reports the error.
std::string CaptureQuestion(domain::ChatRequest& request, RequestContext& ctx) {
  if (!ctx.span.keeps_texts() || !domain::DecodeWhole(request).has_value()) return {};
  RecordConversation(ctx, request);
  return domain::LastUserText(request);
}

// Whether nothing is found in what a provider said when it refused: it may repeat anything.
Task<bool> MayLeave(const guard::Guardrails& guardrails, const Error& error, std::string_view body,
                    RequestContext& ctx) {
  auto texts = WireTexts(body);
  texts.push_back(error.message());
  for (const auto& text : texts) {
    auto findings = co_await guardrails.Judge(text, guard::Side::kOutput, ctx);
    if (!findings.has_value() || !findings->empty()) co_return false;
  }
  co_return true;
}

Error Withheld(const Error& error) {
  Error out(error.code(), "the provider refused; a guardrail blocks what it said");
  if (error.retry_after()) std::move(out).RetryAfter(*error.retry_after());
  return out;
}

}  // namespace

Task<void> ChatService::Run(domain::ChatRequest&& request, RequestContext& ctx,
                            AnswerSink& sink) const {
  auto refusal = std::make_shared<domain::Refusal>();
  request.refusal = refusal;
  auto answered = co_await Answer(std::move(request), ctx, sink);
  if (answered.has_value()) co_return;
  const auto& error = answered.error();
  ctx.span.Fail(error);
  // What the last attempt was told, if that is what ended the request.
  const bool refused = refusal->status != 0 && refusal->status == error.upstream_status();
  auto guardrails = guardrails_ ? guardrails_() : nullptr;
  const bool judged = guardrails && guardrails->Judges(guard::Side::kOutput) &&
                      (refused || error.upstream_status() != 0);
  if (judged && !co_await MayLeave(*guardrails, error, refused ? refusal->body : "", ctx)) {
    co_await sink.Fail(Withheld(error));
  } else if (refused) {
    co_await sink.Refuse(error, std::move(*refusal));
  } else {
    co_await sink.Fail(error);
  }
}

Task<Result<std::shared_ptr<const guard::Guardrails>>> ChatService::GuardInput(
    domain::ChatRequest& request, RequestContext& ctx) const {
  auto guardrails = guardrails_ ? guardrails_() : nullptr;
  if (!guardrails) co_return nullptr;
  ctx.decided_by.guardrail = guardrails->names();
  STRATA_CO_CHECK_OK(co_await guardrails->JudgeRequest(request, ctx));
  if (!guardrails->Judges(guard::Side::kOutput)) co_return nullptr;
  if (request.choices > 1) {
    co_return strata::Fail(
        InvalidArgument("n", "guardrails judge one answer; several at once cannot be asked for"));
  }
  request.answer_is_read = true;
  co_return std::move(guardrails);
}

Task<Result<>> ChatService::Answer(domain::ChatRequest&& request, RequestContext& ctx,
                                   AnswerSink& sink) const {
  ctx.model_asked = request.model;
  if (!request.user.empty()) ctx.subject = request.user;
  for (const auto& [key, value] : request.metadata) ctx.tags.emplace(key, value);
  // An answer in one piece has its first byte at its end.
  if (!request.stream) ctx.deadline = std::min(ctx.deadline, ctx.first_byte_deadline);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(request.model, ctx));

  std::shared_ptr<const guard::Guardrails> guardrails;
  if (guardrails_ && guardrails_()) {
    STRATA_CO_TRY(guardrails, co_await GuardInput(request, ctx));
  }
  // The snapshot is kept for the whole answer: a reload behind it changes nothing for this request.
  auto models = registry_.Snapshot();
  STRATA_CO_TRY(auto plan, route::ChooseDirect(*models, request));
  ctx.route = std::move(plan.reason);
  ctx.decided_by.router = route::kDirectVersion;
  ctx.span.Set("model_asked", ctx.model_asked);
  ctx.span.Set("route", ctx.route);

  AnswerCapture capture(ctx, CaptureQuestion(request, ctx));
  STRATA_CO_TRY(auto stream, co_await plan.model->Start(std::move(request), ctx));
  request = {};  // the answer may take its time
  if (guardrails) stream = Guarded(std::move(stream), std::move(guardrails), ctx);
  // A router's answer is that of the model which it let answer.
  auto answering = plan.model;
  if (!ctx.answered_by.empty()) {
    if (auto found = models->Chat(ctx.answered_by); found.has_value()) answering = *found;
  }
  STRATA_CO_CHECK_OK(co_await sink.Begin(answering->Info()));
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
  // A remote provider counts for us: text leaves.
  if (auto guardrails = guardrails_ ? guardrails_() : nullptr) {
    STRATA_CO_CHECK_OK(co_await guardrails->JudgeRequest(request, ctx));
  }
  STRATA_CO_TRY(auto plan, route::ChooseDirect(*registry_.Snapshot(), request));
  co_return co_await plan.model->CountTokens(std::move(request), ctx);
}

}  // namespace strata::gateway
