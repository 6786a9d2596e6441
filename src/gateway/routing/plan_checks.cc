// Whether what was asked first may stand: the checks of a plan.

#include <fmt/format.h>

#include <cmath>

#include "base/format_message.h"
#include "gateway/routing/plan_run.h"
#include "route/citation_check.h"
#include "route/decision.h"
#include "route/schema_check.h"
#include "route/sql_check.h"

namespace strata::gateway {
namespace {

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

Message Failures(const std::vector<std::shared_ptr<Step>>& steps) {
  std::string out;
  for (const auto& step : steps) {
    if (!step->error()) continue;
    out += fmt::format("{}{} failed: {}", out.empty() ? "" : "; ", step->model().Info().id,
                       CodeName(step->error()->code()));
  }
  return Message::Ours(std::move(out));
}

// What the caller said last.
std::string LastWords(const domain::ChatRequest& request) {
  for (auto at = request.messages.rbegin(); at != request.messages.rend(); ++at) {
    if (at->role == domain::Role::kUser) return domain::TextOf(at->content);
  }
  return {};
}

}  // namespace

Message PlanRun::CannotCheck() const {
  if (plan_.check != route::Check::kHook) return {};
  const auto hook = FindHook(tools_.hooks.get(), plan_.hook);
  if (hook == nullptr || tools_.client == nullptr) {
    return FormatMessage("the configuration has no hook {}", Own(plan_.hook));
  }
  auto may = hook->MayAsk(ctx_);
  return may.has_value() ? Message()
                         : FormatMessage("hook {}: {}", Own(plan_.hook), may.error().words());
}

Task<route::Comparable> PlanRun::Read(const Step& step, std::string& problems) {
  if (plan_.check != route::Check::kSql) co_return route::ComparableOf(step.answer());
  auto work = [&]() -> Result<route::SqlVerdict> {
    return route::TryAnswer(step.answer(), *plan_.sql);
  };
  Result<route::SqlVerdict> tried = route::SqlVerdict();
  if (tools_.pool != nullptr) {
    tried = co_await RunBlocking(*tools_.pool, std::move(work));
  } else {
    tried = work();
  }
  if (!tried.has_value()) {
    problems += fmt::format("; {}: {}", step.model().Info().id, tried.error().words().own());
    co_return route::Comparable();
  }
  if (!tried->problem.empty()) {
    problems += fmt::format("; {}: {}", step.model().Info().id, tried->problem);
  }
  if (!tried->detail.empty()) {
    detail_ +=
        fmt::format("{}{}: {}", detail_.empty() ? "" : "; ", step.model().Info().id, tried->detail);
  }
  co_return std::move(tried->value);
}

Task<std::shared_ptr<Step>> PlanRun::SettleByAgreement(const Steps& steps,
                                                       const domain::ChatRequest& request,
                                                       Message& why) {
  why = Failures(steps);
  if (!why.empty()) {
    for (const auto& step : steps) step->Settle(step->error() ? "failed" : "alone");
    co_return nullptr;
  }
  std::string problems;
  auto a = co_await Read(*steps[0], problems);
  auto b = co_await Read(*steps[1], problems);
  auto stands = [&](const std::shared_ptr<Step>& step, std::string_view reason) {
    why = Message::Ours(std::string(reason));
    for (const auto& each : steps) each == step ? each->Stand() : each->Settle("agrees");
    return step;
  };
  if (route::Agree(a, b, tools_.embedder.get())) co_return stands(steps[0], "both say the same");
  auto differ = "their answers differ" + problems;
  if (plan_.tie_break != nullptr && ctx_.CheckAlive().has_value()) {
    Steps third = {std::make_shared<Step>(plan_.tie_break, "tie_break", ctx_)};
    third[0]->CompareWith(std::nullopt, std::nullopt);
    co_await Step::RunAll(third, request);
    route::Comparable c;
    std::string its_problems;
    if (!third[0]->error()) c = co_await Read(*third[0], its_problems);
    third[0]->Settle(third[0]->error() ? "failed" : "breaks the tie");
    auto id = third[0]->model().Info().id;
    for (const auto& [step, said] : {std::pair(steps[0], &a), std::pair(steps[1], &b)}) {
      if (!route::Agree(c, *said, tools_.embedder.get())) continue;
      why = Message::Ours(id + " breaks the tie");
      for (const auto& each : steps) each == step ? each->Stand() : each->Settle("differs");
      co_return step;
    }
    differ += " and " + id + " agrees with neither" + its_problems;
  }
  why = Message::Ours(std::move(differ));
  for (const auto& step : steps) step->Settle("differs");
  co_return nullptr;
}

std::shared_ptr<Step> PlanRun::SettleBySchema(const Steps& steps,
                                              const domain::ChatRequest& request,
                                              Message& why) const {
  const auto& step = steps.front();
  why = Failures(steps);
  if (why.empty()) {
    const auto& answer = step->answer();
    auto form = route::ComparableOf(answer).form;
    if (form == route::AnswerForm::kNone) {
      why = "the answer is not whole";
    } else if (form != route::AnswerForm::kCalls) {
      auto problem =
          route::AnswerProblem(domain::TextOf(answer.content), request.json_output->schema.text);
      // It names members as the answer and the schema do.
      if (!problem.empty()) why = Message(std::move(problem), "the answer does not fit the schema");
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

std::shared_ptr<Step> PlanRun::SettleByConfidence(const Steps& steps, Message& why) const {
  const auto& step = steps.front();
  why = Failures(steps);
  auto confidence = step->error() ? std::nullopt : ConfidenceOf(step->answer());
  const bool enough = confidence && *confidence >= plan_.confidence;
  if (why.empty()) {
    why = confidence
              ? FormatMessage("its tokens' mean probability is {:.3f}, {} {:.3f}", *confidence,
                              Own(enough ? "at least" : "below"), plan_.confidence)
              : Message("it gives no log-probabilities");
  }
  enough ? step->Stand() : step->Settle("is not confident");
  return enough ? step : nullptr;
}

std::shared_ptr<Step> PlanRun::SettleByCitations(const Steps& steps, Message& why) const {
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
    why = !whole ? Message("the answer is not whole")
                 : FormatMessage("{} of its {} sentences are supported by what they cite",
                                 sentences.cited, sentences.all);
  }
  enough ? step->Stand() : step->Settle("is not supported");
  return enough ? step : nullptr;
}

Task<std::shared_ptr<Step>> PlanRun::SettleBySql(const Steps& steps, Message& why) {
  const auto& step = steps.front();
  why = Failures(steps);
  if (why.empty()) {
    std::string problems;
    auto read = co_await Read(*step, problems);
    if (read.form != route::AnswerForm::kRows)
      why = Message::Ours(problems.substr(std::min(problems.size(), 2UZ)));
  }
  if (!why.empty()) {
    step->Settle("fails the check");
    co_return nullptr;
  }
  step->Stand();
  why = plan_.sql->rows.empty() ? Message("the statement holds with the schema")
                                : Message("the statement runs on the sample");
  co_return step;
}

Task<std::shared_ptr<Step>> PlanRun::SettleByHook(const Steps& steps,
                                                  const domain::ChatRequest& request,
                                                  Message& why) {
  const auto& step = steps.front();
  why = Failures(steps);
  bool passes = false;
  if (why.empty() && route::ComparableOf(step->answer()).form == route::AnswerForm::kNone) {
    why = "the answer is not whole";
  }
  if (why.empty()) {
    const auto hook = FindHook(tools_.hooks.get(), plan_.hook);
    const CheckHook::Question question{.router = plan_.decision->version,
                                       .model = step->model().Info().id,
                                       .question = LastWords(request),
                                       .answer = step->answer()};
    auto verdict = co_await hook->Ask(*tools_.client, question, ctx_);
    passes = verdict.passes;
    why = std::move(verdict.why);
    detail_ = std::move(verdict.reason);
  }
  passes ? step->Stand() : step->Settle("fails the check");
  co_return passes ? step : nullptr;
}

}  // namespace strata::gateway
