#pragma once
// Thresholds with a guarantee: the most saving setting whose loss is controlled, found on labelled
// rows.
//
// Sources: Angelopoulos, Bates, Candès, Jordan, Lei 2021, "Learn then Test" (a p-value a setting,
// fixed-sequence testing); Angelopoulos, Bates, Fisch, Lei, Schuster 2022, "Conformal Risk Control"
// (the same for the expected loss); Waudby-Smith, Ramdas 2020, "Estimating means of bounded random
// variables by betting" (the p-value: valid for every sample size, and narrow when the variance is
// small).

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace strata::learn {

// P-value of "the mean of `values` is at most `mean`", valid for every number of independent values
// in [0, 1]; 1 when there are none. The order of the values matters to the p-value but not to its
// validity.
double BettingPValue(std::span<const double> values, double mean);

// A choice between two answers of one labelled row: the score says how much the row needs the
// strong one (larger: more).
struct PairOutcome {
  double need = 0;
  double strong = 0;  // quality in [0, 1]
  double cheap = 0;
};

// What a threshold does on some rows: rows with need < threshold go to the cheap model.
struct PairReport {
  double share_moved = 0;
  double ratio = 1;  // mean quality over that of always-strong
};
PairReport Measure(std::span<const PairOutcome> rows, double threshold);

struct Guarantee {
  double tolerance = 0.03;   // quality may fall to 1 − tolerance of always-strong
  double confidence = 0.95;  // over the draw of the labelled rows
};

// What a setting gave on one row, and what always-strong gave.
struct PolicyOutcome {
  double policy = 0;
  double strong = 0;
};

// Learn-then-test in fixed sequence: the number of leading settings (0, 1, …) for which "quality is
// below 1 − tolerance of always-strong" was rejected at level 1 − confidence before the first that
// was not. Order the settings from careful to bold; they must not depend on these outcomes. The
// rows are taken in one fixed shuffled order, as files are often sorted by topic. O(rows ·
// settings).
std::size_t CertifySequence(
    std::size_t rows, std::size_t settings, const Guarantee& guarantee,
    const std::function<PolicyOutcome(std::size_t row, std::size_t setting)>& outcome);

// About how many labelled rows would certify a setting with these outcomes; empty when no number
// would, because it loses more than the tolerance.
std::optional<std::size_t> RowsToCertify(std::span<const PolicyOutcome> rows,
                                         const Guarantee& guarantee);

struct CertifiedThreshold {
  // Empty: no setting could be certified, everything goes to the strong model.
  std::optional<double> threshold;
  double share_moved = 0;  // of the labelled rows, at the threshold
  double ratio = 1;        // as observed there, at the threshold
  // About how many labelled rows would certify moving a fifth of the traffic; 0 when already so,
  // empty when no number would (the loss there is larger than the tolerance).
  std::optional<std::size_t> rows_for_a_fifth;
};

// Learn-then-test along shares moved of 10/100, 11/100, …: the largest share up to which every
// hypothesis "quality is below 1 − tolerance of always-strong" was rejected at level 1 −
// confidence. The result does not depend on the order of the rows beyond a fixed shuffle. O(rows ·
// 90).
CertifiedThreshold CertifyPair(std::vector<PairOutcome> rows, const Guarantee& guarantee);

}  // namespace strata::learn
