#include "gateway/routing/plan_run.h"

#include <fmt/format.h>

#include <cmath>

#include "base/format_message.h"
#include "dialect/responses_wire.h"
#include "route/decision.h"

namespace strata::gateway {
namespace {

using provider::ChatStream;

// Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning", sample at 0.5 to 0.7.
constexpr double kSecondSampleTemperature = 0.7;

// Prices of one candidate, for tokens that another one has written.
std::optional<Baseline> BaselineOf(const route::CandidateView& view, double output_tokens) {
  if (!view.price.input || !view.price.output) return std::nullopt;
  Baseline out{.input_price = *view.price.input, .output_price = *view.price.output};
  if (view.quality && output_tokens > 0) out.output_ratio = view.output_tokens / output_tokens;
  return out;
}

// Whether another model may be asked after that: the request itself was not at fault, nor what the
// caller may do. A provider that refuses our key is at fault itself.
bool MayFallBack(const Error& error, const RequestContext& ctx) {
  if (!ctx.CheckAlive().has_value()) return false;
  if (error.upstream_status() == 401 || error.upstream_status() == 403) return true;
  return error.code() == Code::kUnavailable || error.code() == Code::kRateLimited ||
         error.code() == Code::kDeadlineExceeded;
}

}  // namespace

PlanRun::PlanRun(route::Plan plan, PlanTools tools, SessionNote note,
                 std::shared_ptr<RouterRecord> record, RequestContext& ctx)
    : plan_(std::move(plan)),
      tools_(std::move(tools)),
      note_(std::move(note)),
      record_(std::move(record)),
      ctx_(ctx) {}

void PlanRun::CompareWith(RequestContext& ctx, std::string_view model) const {
  const auto& decision = *plan_.decision;
  double output_tokens = 0;
  for (const auto& view : decision.candidates) {
    if (view.model == model && view.quality) output_tokens = view.output_tokens;
  }
  ctx.always_strong = BaselineOf(decision.candidates[decision.strong], output_tokens);
  ctx.always_cheap = decision.cheap
                         ? BaselineOf(decision.candidates[*decision.cheap], output_tokens)
                         : std::nullopt;
}

Task<Result<std::unique_ptr<ChatStream>>> PlanRun::Start(domain::ChatRequest&& request) {
  // What can only be forwarded has answers that nobody compares.
  if (plan_.first.empty() || dialect::responses::OnlyAsWire(request))
    co_return co_await StartModel(std::move(request), "answer");
  // Answers are compared, so they are read as events, not as their provider's bytes.
  request.wire.reset();
  auto why = CannotCheck();
  std::shared_ptr<Step> settled;
  if (why.empty()) settled = co_await Settle(request, why);
  if (settled != nullptr && tools_.guardrails) settled = co_await Guarded(std::move(settled), why);
  STRATA_CO_CHECK_OK(ctx_.CheckAlive());
  auto note = ctx_.span.Child("gateway.settle");
  note.Set("check", plan_.decision->check);
  note.Set("outcome", settled ? "settled" : "escalated");
  note.Set("why", why);
  if (!detail_.empty()) note.SetText("detail", detail_);
  note.End();
  if (!settled) {
    ctx_.route += "; escalated: " + why.own();
    co_return co_await StartModel(std::move(request), "escalate");
  }
  ctx_.answered_by = settled->model().Info().id;
  co_return ReplayStream(std::move(settled), ctx_);
}

Task<Result<std::unique_ptr<ChatStream>>> PlanRun::StartModel(domain::ChatRequest&& request,
                                                              std::string_view role) {
  ctx_.role = role;
  ctx_.answered_by = plan_.model->Info().id;
  CompareWith(ctx_, plan_.decision->model());
  if (plan_.fallback == nullptr) {
    STRATA_CO_TRY(auto stream, co_await plan_.model->Start(std::move(request), ctx_));
    co_return RoutedStream(std::move(stream), ctx_, std::move(note_));
  }
  auto copy = request;
  auto started = co_await plan_.model->Start(std::move(copy), ctx_);
  const bool fall_back = !started.has_value() && MayFallBack(started.error(), ctx_);
  record_->NoteStart(fall_back);
  if (fall_back) {
    ctx_.span.Set("fell_back",
                  FormatMessage("{}: {}", Own(plan_.model->Info().id), started.error().words()));
    ctx_.role = "fallback";
    ctx_.answered_by = plan_.fallback->Info().id;
    note_.table = nullptr;
    started = co_await plan_.fallback->Start(std::move(request), ctx_);
  }
  if (!started.has_value()) co_return std::unexpected(std::move(started.error()));
  co_return RoutedStream(std::move(*started), ctx_, std::move(note_));
}

Task<std::shared_ptr<Step>> PlanRun::Settle(const domain::ChatRequest& request, Message& why) {
  Steps steps;
  for (std::size_t i = 0; i < plan_.first.size(); ++i) {
    steps.push_back(std::make_shared<Step>(plan_.first[i], "ask", ctx_));
  }
  CompareWith(ctx_, plan_.decision->ask.front());
  steps.front()->CompareWith(ctx_.always_strong, ctx_.always_cheap);
  if (plan_.check == route::Check::kConfidence) steps.front()->AskForLogprobs();
  if (steps.size() == 2 && plan_.first[0] == plan_.first[1]) {
    steps.back()->SampleAtLeastAt(kSecondSampleTemperature);
  }
  co_await Step::RunAll(steps, request);
  if (plan_.check == route::Check::kSchema) co_return SettleBySchema(steps, request, why);
  if (plan_.check == route::Check::kConfidence) co_return SettleByConfidence(steps, why);
  if (plan_.check == route::Check::kCitations) co_return SettleByCitations(steps, why);
  if (plan_.check == route::Check::kHook) co_return co_await SettleByHook(steps, request, why);
  if (plan_.check == route::Check::kSql && steps.size() == 1) {
    co_return co_await SettleBySql(steps, why);
  }
  co_return co_await SettleByAgreement(steps, request, why);
}

Task<std::shared_ptr<Step>> PlanRun::Guarded(std::shared_ptr<Step> step, Message& why) {
  const auto text = domain::TextOf(step->answer().content);
  auto judged = co_await tools_.guardrails->Judge(text, guard::Side::kOutput, ctx_);
  if (judged.has_value() || judged.error().code() != Code::kBlocked) co_return step;
  why = FormatMessage("a guardrail blocks what {} says", Own(step->model().Info().id));
  co_return nullptr;
}

}  // namespace strata::gateway
