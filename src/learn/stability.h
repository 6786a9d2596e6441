#pragma once
// Whether a distribution over a few bins is still what it was.

#include <span>

namespace strata::learn {

// The population stability index, Σ (q − p) · ln(q / p) over bins, half a count added to each.
//
// With nothing changed, index / (1/n + 1/m) follows χ² with bins − 1 degrees of freedom (Yurdakul,
// Naranjo 2020): `shifted` when it is beyond the 99 % quantile, so that small samples raise no
// alarm, and the index is at least 0.1, so that large ones raise none over trifles (the usual
// reading: below 0.1 stable, above 0.25 another population).
struct Stability {
  double index = 0;
  bool shifted = false;
};

// Counts by bin, of as many bins; 0 and not shifted without counts on either side.
Stability StabilityOf(std::span<const double> before, std::span<const double> after);

}  // namespace strata::learn
