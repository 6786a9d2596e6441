#include "job/eval_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json_text.h"
#include "base/utf8.h"
#include "route/agreement.h"
#include "route/signals.h"

namespace strata::job {
namespace {

constexpr double kPicousd = 1e12;
constexpr std::size_t kAnswerBytesMax = 160;

double Usd(std::int64_t picousd) { return static_cast<double>(picousd) / kPicousd; }

learn::Interval MeanOf(std::span<const double> values) {
  std::vector<double> ones(values.size(), 1.0);
  auto out = learn::PairedRatio(values, ones);
  if (values.empty()) out = {};
  return out;
}

std::int64_t Quantile(std::vector<std::int64_t>& values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

using ByRow = std::map<std::string_view, const EvalCase*>;

// Both targets' figures on the rows that have both.
struct Pairs {
  std::vector<double> first, own;
  void Add(const std::optional<double>& a, const std::optional<double>& b) {
    if (!a || !b) return;
    first.push_back(*a);
    own.push_back(*b);
  }
};

void Compare(const ByRow& first, const ByRow& own, TargetReport& out) {
  Pairs quality, cost;
  auto usd = [](const EvalCase& c) {
    return c.cost_picousd ? std::optional(Usd(*c.cost_picousd)) : std::nullopt;
  };
  for (const auto& [row, c] : own) {
    auto at = first.find(row);
    if (at == first.end()) continue;
    quality.Add(at->second->quality, c->quality);
    cost.Add(usd(*at->second), usd(*c));
  }
  out.paired = quality.own.size();
  std::vector<double> difference(quality.own.size());
  std::ranges::transform(quality.own, quality.first, difference.begin(), std::minus());
  out.difference = MeanOf(difference);
  out.ratio = learn::PairedRatio(quality.own, quality.first);
  if (!cost.own.empty()) out.cost_ratio = learn::PairedRatio(cost.own, cost.first);
}

void AddFigures(const EvalPlan& plan, const ByRow& cases, TargetReport& out) {
  std::vector<double> quality;
  std::vector<std::int64_t> latency;
  std::vector<double> sums(plan.judges.size());
  std::vector<std::size_t> counts(plan.judges.size());
  for (const auto& [row, c] : cases) {
    ++out.cases;
    if (!c->error.empty()) ++out.failed;
    if (c->error.empty()) latency.push_back(c->latency_ms);
    if (c->quality) quality.push_back(*c->quality);
    if (!c->quality) ++out.unjudged;
    if (c->cost_picousd) out.usd += Usd(*c->cost_picousd);
    if (!c->cost_picousd) ++out.unpriced;
    for (std::size_t j = 0; j < std::min(sums.size(), c->scores.size()); ++j) {
      if (!c->scores[j]) continue;
      sums[j] += *c->scores[j];
      ++counts[j];
    }
  }
  out.quality = MeanOf(quality);
  out.latency_ms_p50 = Quantile(latency, 0.5);
  out.latency_ms_p95 = Quantile(latency, 0.95);
  for (std::size_t j = 0; j < sums.size(); ++j) {
    out.judges.push_back(counts[j] == 0 ? std::nullopt
                                        : std::optional(sums[j] / static_cast<double>(counts[j])));
  }
}

JudgeReport JudgeReportOf(const EvalPlan& plan, std::size_t judge, std::span<const EvalCase> cases,
                          std::span<const HumanCheck> checks) {
  JudgeReport out;
  out.judge = plan.judges[judge].Name();
  out.judges_itself =
      std::ranges::find(plan.targets, plan.judges[judge].model) != plan.targets.end();
  for (const auto& c : cases) {
    if (judge < c.scores.size() && !c.scores[judge]) ++out.silent;
  }
  std::vector<double> model, human;
  for (const auto& check : checks) {
    if (check.judge != judge || !check.model) continue;
    model.push_back(*check.model);
    human.push_back(check.human);
  }
  out.people = learn::AgreementOf(model, human);
  return out;
}

// The part of an answer that carries its meaning, for cascades that compare.
std::string FinalAnswer(const std::string& text) {
  domain::ChatResponse response;
  domain::TextBlock block;
  block.text = text;
  response.content.emplace_back(std::move(block));
  auto comparable = route::ComparableOf(response);
  const auto& shown = comparable.form == route::AnswerForm::kFinal ? comparable.value : text;
  return std::string(Utf8Prefix(shown, kAnswerBytesMax));
}

// What a router decides by when the row is asked.
std::string DecidingText(const EvalRow& row) {
  auto request = RequestOf(row, "", SchemaGoesAlong::kNo);
  RequestContext ctx;
  return route::Signals(request, ctx).text();
}

std::string OutcomeJson(const EvalCase& c) {
  auto out =
      fmt::format(R"({{"quality":{},"input_tokens":{},"output_tokens":{},"tokens":"measured")",
                  *c.quality, c.input_tokens, c.output_tokens);
  if (c.cost_picousd) out += fmt::format(",\"cost\":{}", Usd(*c.cost_picousd));
  return out + ",\"answer\":" + JsonString(FinalAnswer(c.answer)) + "}";
}

}  // namespace

EvalReport ReportOf(const EvalPlan& plan, std::span<const EvalCase> cases,
                    std::span<const HumanCheck> checks) {
  std::vector<ByRow> by_target(plan.targets.size());
  EvalReport report;
  for (const auto& c : cases) {
    if (c.target < by_target.size()) by_target[c.target].emplace(c.row, &c);
    report.judge_usd += Usd(c.judge_picousd);
  }
  for (std::size_t t = 0; t < plan.targets.size(); ++t) {
    TargetReport target;
    target.target = plan.targets[t];
    AddFigures(plan, by_target[t], target);
    Compare(by_target.front(), by_target[t], target);
    report.targets.push_back(std::move(target));
  }
  for (std::size_t j = 0; j < plan.judges.size(); ++j) {
    if (plan.judges[j].kind != JudgeKind::kModel) continue;
    report.judges.push_back(JudgeReportOf(plan, j, cases, checks));
  }
  return report;
}

std::string RoutingRows(const EvalPlan& plan, std::span<const EvalRow> rows,
                        std::span<const EvalCase> cases) {
  std::string out;
  for (const auto& row : rows) {
    auto its = std::ranges::equal_range(cases, row.id, {}, &EvalCase::row);
    std::string outcomes;
    for (const auto& c : its) {
      if (!c.error.empty() || !c.quality || c.target >= plan.targets.size()) continue;
      outcomes += fmt::format("{}{}:{}", outcomes.empty() ? "" : ",",
                              JsonString(plan.targets[c.target]), OutcomeJson(c));
    }
    if (outcomes.empty()) continue;
    out += fmt::format(
        R"({{"id":{},"source":{},"domain":{},"split":"{}","prompt":{},"outcomes":{{{}}}}})",
        JsonString(plan.set + "/" + row.id), JsonString(plan.set),
        JsonString(row.tags.empty() ? "" : row.tags.front()), SplitName(SplitOf(row)),
        JsonString(DecidingText(row)), outcomes);
    out += '\n';
  }
  return out;
}

}  // namespace strata::job
