#pragma once
// How long models take to answer, as the calls of late say: a line through time and tokens written,
// in which newer calls count more. Of models behind the network and in the process alike.

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/call_row.h"

namespace strata::observe {

// Thread-safe.
class Latencies {
 public:
  static constexpr std::size_t kModelsMax = 4096;  // callers may name any model of a provider
  static constexpr int kCallsMin = 5;              // fewer say nothing

  // Chat calls that were answered; others are left out.
  void Add(std::span<const store::CallRow> rows);

  // Seconds from asking to the end of an answer of so many tokens. `model`: the id of what was
  // called. nullopt: not known.
  std::optional<double> Seconds(std::string_view model, double output_tokens) const;

 private:
  // Sums that sink by a factor with each call: least squares, weighted exponentially.
  struct Line {
    int calls = 0;
    double weight = 0, tokens = 0, seconds = 0, squares = 0, products = 0;
    void Add(double x, double y);
    double At(double x) const;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Line, std::less<>> lines_;
};

}  // namespace strata::observe
