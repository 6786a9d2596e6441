#pragma once
// What an evaluation run says: each target's quality, cost and latency with intervals, against the
// first target on the same rows; how far models that judge agree with people; rows to learn from.

#include <optional>
#include <string>
#include <vector>

#include "job/eval_runs.h"
#include "learn/agreement.h"
#include "learn/bootstrap.h"

namespace strata::job {

struct TargetReport {
  std::string target;
  std::size_t cases = 0;
  std::size_t failed = 0;    // no answer; their quality is 0
  std::size_t unjudged = 0;  // no judge could; they are in no mean
  learn::Interval quality;   // mean, with a bootstrap interval over rows
  // Against the first target, over the rows that both were judged on.
  std::size_t paired = 0;
  learn::Interval difference;  // of the means
  learn::Interval ratio;       // of the sums; 1 without a first target's quality
  // USD; of the cases whose price is known.
  double usd = 0;
  std::size_t unpriced = 0;
  std::optional<learn::Interval> cost_ratio;  // over the rows where both prices are known
  std::int64_t latency_ms_p50 = 0, latency_ms_p95 = 0;
  std::vector<std::optional<double>> judges;  // mean of each judge of the plan, where it could
};

// Of a judge that is a model.
struct JudgeReport {
  std::string judge;
  std::size_t silent = 0;      // cases that it gave no grade
  learn::Agreement people;     // on the rows' graded answers, good from 0.5 on
  bool judges_itself = false;  // it is one of the targets, and models prefer their own answers
};

struct EvalReport {
  std::vector<TargetReport> targets;
  std::vector<JudgeReport> judges;
  double judge_usd = 0;
};

// `cases` need no texts. Deterministic.
EvalReport ReportOf(const EvalPlan& plan, std::span<const EvalCase> cases,
                    std::span<const HumanCheck> checks);

// Rows that `strata route train` reads (route/outcome_rows.h), one a row that any target answered
// and a judge could judge; their source is the set. `cases` are sorted by row id.
std::string RoutingRows(const EvalPlan& plan, std::span<const EvalRow> rows,
                        std::span<const EvalCase> cases);

}  // namespace strata::job
