#include "job/eval_asker.h"

#include <algorithm>

#include "base/utf8.h"
#include "gateway/access.h"
#include "gateway/collect_sink.h"
#include "gateway/constraints.h"
#include "net/runtime.h"

namespace strata::job {
namespace {

constexpr int kTriesMax = 3;
constexpr std::chrono::milliseconds kWaitMax{60'000};
constexpr std::size_t kAnswerBytesMax = 256 * 1024;
constexpr std::size_t kErrorBytesMax = 1000;

bool MayHelpToRepeat(Code code) {
  return code == Code::kUnavailable || code == Code::kRateLimited ||
         code == Code::kDeadlineExceeded;
}

LabelSet LabelsOf(const EvalRow& row) {
  LabelSet labels;
  for (const auto& label : row.labels) labels.Add(label);
  return labels;
}

}  // namespace

// What came of all tries.
struct EvalAsker::Asked {
  std::optional<Error> error;
  domain::ChatResponse answer;
  std::string model;
  std::string trace;
  LabelSet labels;  // of the answer: those of what was sent, and of what it was made from
  std::chrono::milliseconds latency{0};
  std::int64_t picousd = 0;
  bool priced = true;
};

Task<void> EvalAsker::AskOnce(const EvalRun& run, domain::ChatRequest request,
                              const LabelSet& labels, std::string_view part, std::stop_token stop,
                              Asked& asked) const {
  auto settings = parts_.settings();
  gateway::RequestScope scope(parts_.trace_sinks, "job.eval", "eval", settings.timeout,
                              std::move(stop), settings.texts);
  auto& ctx = scope.ctx();
  ctx.workspace = run.workspace;
  gateway::CollectSink sink;
  if (auto granted = gateway::ApplyNow(parts_.keys, run.key, ctx); !granted.has_value()) {
    asked.error = std::move(granted.error());
    co_return;
  }
  if (auto narrowed = gateway::Narrow(run.constraints, ctx); !narrowed.has_value()) {
    asked.error = std::move(narrowed.error());
    co_return;
  }
  ctx.labels.AddAll(labels);
  ctx.tags["eval"] = run.id;
  ctx.tags["eval_part"] = part;
  auto from = ctx.clock->Steady();
  co_await parts_.chat.Run(std::move(request), ctx, sink);
  asked.latency = std::chrono::duration_cast<std::chrono::milliseconds>(ctx.clock->Steady() - from);
  asked.error = std::move(sink.failure);
  asked.answer = sink.answer.Take();
  asked.model = sink.answering.id;
  asked.trace = ctx.request_id.value;
  asked.labels = ctx.labels;
  asked.picousd += ctx.spent_picousd;
  asked.priced = asked.priced && ctx.unpriced_calls == 0;
}

Task<Result<EvalAsker::Asked>> EvalAsker::Ask(const EvalRun& run, domain::ChatRequest request,
                                              LabelSet labels, std::string_view part,
                                              std::stop_token stop) const {
  Asked asked;
  std::chrono::milliseconds wait{1000};
  for (int tries = 1;; ++tries) {
    auto copy = request;
    co_await AskOnce(run, std::move(copy), labels, part, stop, asked);
    if (stop.stop_requested()) co_return Fail(Code::kCancelled, "the run was stopped");
    if (!asked.error || tries == kTriesMax || !MayHelpToRepeat(asked.error->code())) {
      co_return asked;
    }
    auto least = asked.error->retry_after().value_or(wait);
    STRATA_CO_CHECK_OK(co_await net::Sleep(std::min(std::max(wait, least), kWaitMax), stop));
    wait *= 4;
  }
}

Task<Result<>> EvalAsker::HaveJudged(const EvalRun& run, const EvalRow& row, Asked asked,
                                     std::stop_token stop, EvalCase& out) const {
  const auto& judges = run.plan.judges;
  out.scores.resize(judges.size());
  out.reasons.resize(judges.size());
  auto compute = [&]() -> Result<> {
    for (std::size_t j = 0; j < judges.size(); ++j) {
      if (!CanJudge(judges[j], row)) continue;
      if (asked.error) {
        out.scores[j] = 0;
      } else if (judges[j].kind != JudgeKind::kModel) {
        out.scores[j] = Score(judges[j], row, asked.answer, parts_.embedder.get());
      }
    }
    return {};
  };
  STRATA_CO_CHECK_OK(co_await RunBlocking(parts_.pool, std::move(compute)));
  for (std::size_t j = 0; j < judges.size() && !asked.error; ++j) {
    if (judges[j].kind != JudgeKind::kModel) continue;
    auto request = JudgementRequest(row, domain::TextOf(asked.answer.content), judges[j].model);
    STRATA_CO_TRY(auto judged, co_await Ask(run, std::move(request), asked.labels, "judge", stop));
    out.judge_picousd += judged.picousd;
    if (judged.error) {
      out.reasons[j] = Utf8Prefix(judged.error->message(), kErrorBytesMax);
      continue;
    }
    auto grade = ReadJudgement(domain::TextOf(judged.answer.content));
    if (!grade) {
      out.reasons[j] = "it gave no grade";
      continue;
    }
    out.scores[j] = grade->score;
    out.reasons[j] = std::move(grade->reason);
  }
  auto first =
      std::ranges::find_if(out.scores, [](const auto& score) { return score.has_value(); });
  if (first != out.scores.end()) out.quality = *first;
  co_return Result<>{};
}

Task<Result<EvalCase>> EvalAsker::Run(const EvalRun& run, const EvalRow& row, std::size_t target,
                                      std::stop_token stop) const {
  const auto& model = run.plan.targets.at(target);
  auto schema = SchemaGoesAlong::kNo;
  if (auto found = parts_.registry.Chat(model); found.has_value()) {
    if ((*found)->Info().can.json_schema) schema = SchemaGoesAlong::kYes;
  }
  auto request = RequestOf(row, model, schema);
  Asked asked;
  auto ready = parts_.as_prompt ? parts_.as_prompt(request, row, run.workspace) : Result<>();
  if (ready.has_value()) {
    STRATA_CO_TRY(asked, co_await Ask(run, std::move(request), LabelsOf(row), "answer", stop));
  } else {
    asked.error = std::move(ready.error());
  }
  EvalCase out;
  out.row = row.id;
  out.target = target;
  out.answer = Utf8Prefix(domain::TextOf(asked.answer.content), kAnswerBytesMax);
  if (asked.error) out.error = Utf8Prefix(asked.error->message(), kErrorBytesMax);
  out.model = asked.model;
  out.trace = asked.trace;
  out.input_tokens = asked.answer.usage.PromptTokens();
  out.output_tokens = asked.answer.usage.output_tokens;
  if (asked.priced) out.cost_picousd = asked.picousd;
  out.latency_ms = asked.latency.count();
  STRATA_CO_CHECK_OK(co_await HaveJudged(run, row, std::move(asked), stop, out));
  co_return out;
}

Task<Result<EvalAsker::Checked>> EvalAsker::Check(const EvalRun& run, const EvalRow& row,
                                                  std::size_t judge, std::size_t answer,
                                                  std::stop_token stop) const {
  const auto& graded = row.graded.at(answer);
  Checked out;
  out.check.row = row.id;
  out.check.judge = judge;
  out.check.answer = answer;
  out.check.human = graded.score;
  auto request = JudgementRequest(row, graded.answer, run.plan.judges.at(judge).model);
  STRATA_CO_TRY(auto judged, co_await Ask(run, std::move(request), LabelsOf(row), "judge", stop));
  out.picousd = judged.picousd;
  if (judged.error) co_return out;
  if (auto grade = ReadJudgement(domain::TextOf(judged.answer.content))) {
    out.check.model = grade->score;
  }
  co_return out;
}

}  // namespace strata::job
