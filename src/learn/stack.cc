#include "learn/stack.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "base/check.h"
#include "learn/linear.h"

namespace strata::learn {
namespace {

constexpr int kRoundsMax = 200;
constexpr double kStepMax = 2;

// One Newton step along one coordinate at a time: there are two or three of them, and the loss is
// convex.
class Descent {
 public:
  Descent(std::span<const std::vector<double>> scores, std::span<const double> outcomes,
          std::span<const double> prior, double strength)
      : scores_(scores), outcomes_(outcomes), prior_(prior), strength_(strength) {
    const auto n = static_cast<double>(outcomes.size());
    double mean = std::accumulate(outcomes.begin(), outcomes.end(), 0.0) / n;
    // Towards one half by two rows: outcomes that are all alike have a finite logit.
    stack_ = {.weights = {prior.begin(), prior.end()}, .offset = Logit((mean * n + 1) / (n + 2))};
    logits_.assign(outcomes.size(), stack_.offset);
    for (std::size_t m = 0; m < scores.size(); ++m) {
      for (std::size_t i = 0; i < logits_.size(); ++i) logits_[i] += prior[m] * scores[m][i];
    }
  }

  Stack Run() {
    for (int round = 0; round < kRoundsMax; ++round) {
      double moved = std::abs(MoveOffset());
      for (std::size_t m = 0; m < scores_.size(); ++m) moved += std::abs(MoveWeight(m));
      if (moved < 1e-7) break;
    }
    return std::move(stack_);
  }

 private:
  double MoveOffset() {
    double slope = 0, curve = 1e-3;
    for (std::size_t i = 0; i < logits_.size(); ++i) {
      double p = Sigmoid(logits_[i]);
      slope += p - outcomes_[i];
      curve += p * (1 - p);
    }
    double step = std::clamp(-slope / curve, -kStepMax, kStepMax);
    stack_.offset += step;
    for (double& logit : logits_) logit += step;
    return step;
  }

  double MoveWeight(std::size_t m) {
    const auto& score = scores_[m];
    double& weight = stack_.weights[m];
    double slope = strength_ * (weight - prior_[m]);
    double curve = strength_ + 1e-3;
    for (std::size_t i = 0; i < logits_.size(); ++i) {
      double p = Sigmoid(logits_[i]);
      slope += (p - outcomes_[i]) * score[i];
      curve += p * (1 - p) * score[i] * score[i];
    }
    double step = std::max(std::clamp(-slope / curve, -kStepMax, kStepMax), -weight);
    weight += step;
    for (std::size_t i = 0; i < logits_.size(); ++i) logits_[i] += step * score[i];
    return step;
  }

  std::span<const std::vector<double>> scores_;
  std::span<const double> outcomes_;
  std::span<const double> prior_;
  const double strength_;
  Stack stack_;
  std::vector<double> logits_;
};

}  // namespace

Stack FitStack(std::span<const std::vector<double>> scores, std::span<const double> outcomes,
               std::span<const double> prior, double strength) {
  STRATA_CHECK(!outcomes.empty() && scores.size() == prior.size(), "one prior weight a model");
  for (const auto& list : scores) {
    STRATA_CHECK(list.size() == outcomes.size(), "one score an outcome");
  }
  return Descent(scores, outcomes, prior, strength).Run();
}

}  // namespace strata::learn
