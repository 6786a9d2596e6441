#include "learn/linear.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "base/check.h"

namespace strata::learn {
namespace {

using Vector = std::vector<double>;

double DotOf(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Eight sums side by side, so that the compiler may use vector registers.
double DotFloat(const float* a, const float* b, std::size_t size) {
  float sums[8] = {};
  std::size_t k = 0;
  for (; k + 8 <= size; k += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += a[k + lane] * b[k + lane];
  }
  double sum = 0;
  for (float s : sums) sum += static_cast<double>(s);
  for (; k < size; ++k) sum += static_cast<double>(a[k] * b[k]);
  return sum;
}

// Weights in one vector: the sparse indices in use, renumbered, then dense, then the intercept.
class Problem {
 public:
  Problem(const Design& design, std::span<const std::uint32_t> rows,
          std::span<const double> targets, const FitOptions& options)
      : design_(design), rows_(rows), targets_(targets), options_(options) {
    number_.assign(design.sparse_size(), kUnused);
    for (auto row : rows) {
      for (const auto& entry : design.Sparse(row)) {
        if (number_[entry.index] != kUnused) continue;
        number_[entry.index] = static_cast<std::uint32_t>(used_.size());
        used_.push_back(entry.index);
      }
    }
  }

  std::size_t size() const { return used_.size() + design_.dense_size() + 1; }

  // Value and gradient at `weights`. Dense parts in single precision, flushed to double every few
  // rows: they are most of the work.
  double Evaluate(const Vector& weights, Vector& gradient) {
    const std::size_t dense_at = used_.size();
    const std::size_t dense_size = design_.dense_size();
    const std::size_t last = size() - 1;
    double value = 0;
    std::ranges::fill(gradient, 0.0);
    dense_weights_.assign(weights.begin() + static_cast<std::ptrdiff_t>(dense_at),
                          weights.end() - 1);
    dense_slope_.assign(dense_size, 0.0F);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      auto sparse = design_.Sparse(rows_[i]);
      const float* dense = design_.Dense(rows_[i]).data();
      double score = weights[last] + DotFloat(dense, dense_weights_.data(), dense_size);
      for (const auto& e : sparse) {
        score += weights[number_[e.index]] * static_cast<double>(e.value);
      }
      double slope = 0;
      if (options_.loss == Loss::kLogistic) {
        // log(1 + e^s) − t·s, without overflow.
        value +=
            std::max(score, 0.0) + std::log1p(std::exp(-std::abs(score))) - targets_[i] * score;
        slope = Sigmoid(score) - targets_[i];
      } else {
        slope = score - targets_[i];
        value += 0.5 * slope * slope;
      }
      for (const auto& e : sparse) {
        gradient[number_[e.index]] += slope * static_cast<double>(e.value);
      }
      const auto slope_float = static_cast<float>(slope);
      for (std::size_t k = 0; k < dense_size; ++k) dense_slope_[k] += slope_float * dense[k];
      gradient[last] += slope;
      if (i % 64 == 63 || i + 1 == rows_.size()) {
        for (std::size_t k = 0; k < dense_size; ++k) {
          gradient[dense_at + k] += static_cast<double>(dense_slope_[k]);
          dense_slope_[k] = 0;
        }
      }
    }
    for (std::size_t k = 0; k < last; ++k) {
      value += 0.5 * options_.l2 * weights[k] * weights[k];
      gradient[k] += options_.l2 * weights[k];
    }
    return value;
  }

  LinearModel Unpack(const Vector& weights) const {
    LinearModel model;
    model.sparse.assign(design_.sparse_size(), 0.0F);
    for (std::size_t k = 0; k < used_.size(); ++k) {
      model.sparse[used_[k]] = static_cast<float>(weights[k]);
    }
    for (std::size_t k = 0; k < design_.dense_size(); ++k) {
      model.dense.push_back(static_cast<float>(weights[used_.size() + k]));
    }
    model.intercept = weights.back();
    return model;
  }

 private:
  static constexpr std::uint32_t kUnused = ~std::uint32_t{0};
  const Design& design_;
  std::span<const std::uint32_t> rows_;
  std::span<const double> targets_;
  const FitOptions& options_;
  std::vector<std::uint32_t> number_;
  std::vector<std::uint32_t> used_;
  std::vector<float> dense_weights_, dense_slope_;
};

struct Correction {
  Vector step;
  Vector change;  // of the gradient
  double rho = 0;
};

// −H·gradient by the two-loop recursion.
Vector Direction(const std::deque<Correction>& memory, const Vector& gradient) {
  Vector q = gradient;
  std::vector<double> alpha(memory.size());
  for (std::size_t i = memory.size(); i-- > 0;) {
    alpha[i] = memory[i].rho * DotOf(memory[i].step, q);
    for (std::size_t k = 0; k < q.size(); ++k) q[k] -= alpha[i] * memory[i].change[k];
  }
  double scale = 1;
  if (!memory.empty()) {
    const auto& last = memory.back();
    scale = 1 / (last.rho * DotOf(last.change, last.change));
  }
  for (double& x : q) x *= scale;
  for (std::size_t i = 0; i < memory.size(); ++i) {
    double beta = memory[i].rho * DotOf(memory[i].change, q);
    for (std::size_t k = 0; k < q.size(); ++k) q[k] += (alpha[i] - beta) * memory[i].step[k];
  }
  for (double& x : q) x = -x;
  return q;
}

Vector Minimise(Problem& problem, const FitOptions& options) {
  constexpr std::size_t kMemory = 8;
  Vector weights(problem.size(), 0.0);
  Vector gradient(problem.size());
  Vector trial(problem.size());
  Vector trial_gradient(problem.size());
  double value = problem.Evaluate(weights, gradient);
  const double first = std::sqrt(DotOf(gradient, gradient));
  std::deque<Correction> memory;
  for (int iteration = 0; iteration < options.iterations_max; ++iteration) {
    double norm = std::sqrt(DotOf(gradient, gradient));
    if (!(norm > options.tolerance * first)) break;
    Vector direction = Direction(memory, gradient);
    double slope = DotOf(direction, gradient);
    if (!(slope < 0)) break;
    double length = memory.empty() ? std::min(1.0, 1 / norm) : 1.0;
    double trial_value = value;
    bool found = false;
    for (int halving = 0; halving < 30 && !found; ++halving, length /= 2) {
      for (std::size_t k = 0; k < weights.size(); ++k) {
        trial[k] = weights[k] + length * direction[k];
      }
      trial_value = problem.Evaluate(trial, trial_gradient);
      found = trial_value <= value + 1e-4 * length * slope;
    }
    if (!found) break;
    Correction next{.step = Vector(weights.size()), .change = Vector(weights.size())};
    for (std::size_t k = 0; k < weights.size(); ++k) {
      next.step[k] = trial[k] - weights[k];
      next.change[k] = trial_gradient[k] - gradient[k];
    }
    double curvature = DotOf(next.step, next.change);
    weights.swap(trial);
    gradient.swap(trial_gradient);
    value = trial_value;
    if (curvature > 1e-12) {
      next.rho = 1 / curvature;
      memory.push_back(std::move(next));
      if (memory.size() > kMemory) memory.pop_front();
    }
  }
  return weights;
}

}  // namespace

void Design::Append(std::span<const SparseEntry> sparse, std::span<const float> dense) {
  STRATA_CHECK(dense.size() == dense_size_, "a row has another number of dense features");
  for (const auto& entry : sparse) {
    STRATA_CHECK(entry.index < sparse_size_, "a sparse index is out of range");
  }
  sparse_.insert(sparse_.end(), sparse.begin(), sparse.end());
  dense_.insert(dense_.end(), dense.begin(), dense.end());
  starts_.push_back(sparse_.size());
}

double LinearModel::Score(std::span<const SparseEntry> sparse_row,
                          std::span<const float> dense_row) const {
  double score = intercept +
                 DotFloat(dense.data(), dense_row.data(), std::min(dense.size(), dense_row.size()));
  for (const auto& e : sparse_row) {
    if (e.index < sparse.size()) score += static_cast<double>(sparse[e.index] * e.value);
  }
  return score;
}

LinearModel FitLinear(const Design& design, std::span<const std::uint32_t> rows,
                      std::span<const double> targets, const FitOptions& options) {
  STRATA_CHECK(!rows.empty() && rows.size() == targets.size(), "one target a row, at least one");
  Problem problem(design, rows, targets, options);
  return problem.Unpack(Minimise(problem, options));
}

double Sigmoid(double logit) {
  if (logit >= 0) return 1 / (1 + std::exp(-logit));
  double e = std::exp(logit);
  return e / (1 + e);
}

double Logit(double probability) {
  double p = std::clamp(probability, 1e-6, 1 - 1e-6);
  return std::log(p / (1 - p));
}

}  // namespace strata::learn
