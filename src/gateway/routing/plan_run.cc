#include "gateway/routing/plan_run.h"

#include <fmt/format.h>

#include <cmath>

#include "dialect/responses_wire.h"
#include "route/agreement.h"
#include "route/citation_check.h"
#include "route/decision.h"
#include "route/schema_check.h"

namespace strata::gateway {
namespace {

using provider::ChatStream;

// Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning", sample at 0.5 to 0.7.
constexpr double kSecondSampleTemperature = 0.7;

// The geometric mean of the probabilities that a model gave its own tokens; nullopt: it says none.
std::optional<double> ConfidenceOf(const domain::ChatResponse& answer) {
  double sum = 0;
  std::size_t tokens = 0;
  for (const auto& block : answer.content) {
    const auto* text = std::get_if<domain::TextBlock>(&block);
    if (text == nullptr) continue;
    for (const auto& token : text->logprobs) sum += token.logprob;
    tokens += text->logprobs.size();
  }
  if (tokens == 0) return std::nullopt;
  return std::exp(sum / static_cast<double>(tokens));
}

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

std::string Failures(const std::vector<std::shared_ptr<Step>>& steps) {
  std::string out;
  for (const auto& step : steps) {
    if (!step->error()) continue;
    out += fmt::format("{}{} failed: {}", out.empty() ? "" : "; ", step->model().Info().id,
                       CodeName(step->error()->code()));
  }
  return out;
}

}  // namespace

PlanRun::PlanRun(route::Plan plan, std::shared_ptr<const vector::StaticEmbedder> embedder,
                 SessionNote note, std::shared_ptr<RouterRecord> record,
                 std::shared_ptr<const guard::Guardrails> guardrails, RequestContext& ctx)
    : plan_(std::move(plan)),
      embedder_(std::move(embedder)),
      note_(std::move(note)),
      record_(std::move(record)),
      guardrails_(std::move(guardrails)),
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
  std::string why;
  auto settled = co_await Settle(request, why);
  if (settled != nullptr && guardrails_) settled = co_await Guarded(std::move(settled), why);
  STRATA_CO_CHECK_OK(ctx_.CheckAlive());
  auto note = ctx_.span.Child("gateway.settle");
  note.Set("outcome", settled ? "settled" : "escalated");
  note.Set("why", why);
  note.End();
  if (!settled) {
    ctx_.route += "; escalated: " + why;
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
                  fmt::format("{}: {}", plan_.model->Info().id, started.error().message()));
    ctx_.role = "fallback";
    ctx_.answered_by = plan_.fallback->Info().id;
    note_.table = nullptr;
    started = co_await plan_.fallback->Start(std::move(request), ctx_);
  }
  if (!started.has_value()) co_return std::unexpected(std::move(started.error()));
  co_return RoutedStream(std::move(*started), ctx_, std::move(note_));
}

Task<std::shared_ptr<Step>> PlanRun::Settle(const domain::ChatRequest& request, std::string& why) {
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
  co_return co_await SettleByAgreement(steps, request, why);
}

Task<std::shared_ptr<Step>> PlanRun::SettleByAgreement(const Steps& steps,
                                                       const domain::ChatRequest& request,
                                                       std::string& why) {
  why = Failures(steps);
  if (!why.empty()) {
    for (const auto& step : steps) step->Settle(step->error() ? "failed" : "alone");
    co_return nullptr;
  }
  auto a = route::ComparableOf(steps[0]->answer());
  auto b = route::ComparableOf(steps[1]->answer());
  auto stands = [&](const std::shared_ptr<Step>& step, std::string_view reason) {
    why = reason;
    for (const auto& each : steps) each == step ? each->Stand() : each->Settle("agrees");
    return step;
  };
  if (route::Agree(a, b, embedder_.get())) co_return stands(steps[0], "both say the same");
  why = "their answers differ";
  if (plan_.tie_break != nullptr && ctx_.CheckAlive().has_value()) {
    Steps third = {std::make_shared<Step>(plan_.tie_break, "tie_break", ctx_)};
    third[0]->CompareWith(std::nullopt, std::nullopt);
    co_await Step::RunAll(third, request);
    auto c = third[0]->error() ? route::Comparable() : route::ComparableOf(third[0]->answer());
    third[0]->Settle(third[0]->error() ? "failed" : "breaks the tie");
    auto id = third[0]->model().Info().id;
    for (const auto& [step, said] : {std::pair(steps[0], &a), std::pair(steps[1], &b)}) {
      if (!route::Agree(c, *said, embedder_.get())) continue;
      why = id + " breaks the tie";
      for (const auto& each : steps) each == step ? each->Stand() : each->Settle("differs");
      co_return step;
    }
    why += " and " + id + " agrees with neither";
  }
  for (const auto& step : steps) step->Settle("differs");
  co_return nullptr;
}

std::shared_ptr<Step> PlanRun::SettleBySchema(const Steps& steps,
                                              const domain::ChatRequest& request,
                                              std::string& why) const {
  const auto& step = steps.front();
  why = Failures(steps);
  if (why.empty()) {
    const auto& answer = step->answer();
    auto form = route::ComparableOf(answer).form;
    if (form == route::AnswerForm::kNone) {
      why = "the answer is not whole";
    } else if (form != route::AnswerForm::kCalls) {
      why = route::AnswerProblem(domain::TextOf(answer.content), request.json_output->schema.text);
    }
  }
  if (!why.empty()) {
    step->Settle("fails the check");
    return nullptr;
  }
  step->Stand();
  why = "the answer fits the schema";
  return step;
}

std::shared_ptr<Step> PlanRun::SettleByConfidence(const Steps& steps, std::string& why) const {
  const auto& step = steps.front();
  why = Failures(steps);
  auto confidence = step->error() ? std::nullopt : ConfidenceOf(step->answer());
  const bool enough = confidence && *confidence >= plan_.confidence;
  if (why.empty()) {
    why = confidence ? fmt::format("its tokens' mean probability is {:.3f}, {} {:.3f}", *confidence,
                                   enough ? "at least" : "below", plan_.confidence)
                     : "it gives no log-probabilities";
  }
  enough ? step->Stand() : step->Settle("is not confident");
  return enough ? step : nullptr;
}

std::shared_ptr<Step> PlanRun::SettleByCitations(const Steps& steps, std::string& why) const {
  const auto& step = steps.front();
  why = Failures(steps);
  bool enough = false;
  if (why.empty()) {
    const bool whole = route::ComparableOf(step->answer()).form != route::AnswerForm::kNone;
    const auto sentences = route::CountCited(step->answer());
    const auto share = sentences.all == 0 ? 0
                                          : static_cast<double>(sentences.cited) /
                                                static_cast<double>(sentences.all);
    enough = whole && sentences.cited > 0 && share >= plan_.supported;
    why = !whole ? "the answer is not whole"
                 : fmt::format("{} of its {} sentences are supported by what they cite",
                               sentences.cited, sentences.all);
  }
  enough ? step->Stand() : step->Settle("is not supported");
  return enough ? step : nullptr;
}

Task<std::shared_ptr<Step>> PlanRun::Guarded(std::shared_ptr<Step> step, std::string& why) {
  const auto text = domain::TextOf(step->answer().content);
  auto judged = co_await guardrails_->Judge(text, guard::Side::kOutput, ctx_);
  if (judged.has_value() || judged.error().code() != Code::kBlocked) co_return step;
  why = fmt::format("a guardrail blocks what {} says", step->model().Info().id);
  co_return nullptr;
}

}  // namespace strata::gateway
