#include "observe/latencies.h"

#include <algorithm>

namespace strata::observe {
namespace {

constexpr double kKept = 0.97;  // of what earlier calls say, with each further one
constexpr double kMilli = 1e-3;

}  // namespace

void Latencies::Line::Add(double x, double y) {
  for (double* sum : {&weight, &tokens, &seconds, &squares, &products}) *sum *= kKept;
  ++calls;
  weight += 1;
  tokens += x;
  seconds += y;
  squares += x * x;
  products += x * y;
}

double Latencies::Line::At(double x) const {
  const double mean_x = tokens / weight;
  const double mean_y = seconds / weight;
  // One token's variance more: answers of one length say nothing of others.
  const double variance = std::max(squares / weight - mean_x * mean_x, 0.0) + 1;
  double per_token = std::max((products / weight - mean_x * mean_y) / variance, 0.0);
  double first = mean_y - per_token * mean_x;
  if (first < 0) {  // through nought: no answer begins before it is asked for
    first = 0;
    per_token = mean_x > 0 ? mean_y / mean_x : 0;
  }
  return first + per_token * x;
}

void Latencies::Add(std::span<const store::CallRow> rows) {
  std::lock_guard lock(mutex_);
  for (const auto& row : rows) {
    if (row.outcome.status != store::CallStatus::kOk || row.intent.operation != "chat") continue;
    auto at = lines_.find(row.intent.model);
    if (at == lines_.end()) {
      if (lines_.size() >= kModelsMax) continue;
      at = lines_.emplace(row.intent.model, Line()).first;
    }
    at->second.Add(static_cast<double>(row.outcome.usage.output_tokens),
                   kMilli * static_cast<double>(row.outcome.latency_ms));
  }
}

std::optional<double> Latencies::Seconds(std::string_view model, double output_tokens) const {
  std::lock_guard lock(mutex_);
  auto at = lines_.find(model);
  if (at == lines_.end() || at->second.calls < kCallsMin) return std::nullopt;
  return at->second.At(output_tokens);
}

}  // namespace strata::observe
