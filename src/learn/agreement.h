#pragma once
// How far two judges of the same things agree, beyond what chance would give.

#include <span>

#include "learn/bootstrap.h"

namespace strata::learn {

// Shares of n things that both judged, each as good or bad.
struct Agreement {
  std::size_t n = 0;
  // Of the same opinion, with Wilson's interval (1927).
  Interval share;
  // Cohen's kappa (1960), (observed − by chance) / (1 − by chance), with a bootstrap interval over
  // things; 0 where one judge never varies, as nothing then tells agreement from habit.
  Interval kappa;
};

// Scores from `good` on are good. Deterministic for a seed.
Agreement AgreementOf(std::span<const double> a, std::span<const double> b, double good = 0.5,
                      const BootstrapOptions& options = {});

}  // namespace strata::learn
