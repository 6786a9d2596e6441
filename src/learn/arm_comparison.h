#pragma once
// Whether one of two versions does better, said so that it may be looked at at any time.

#include <span>

namespace strata::learn {

struct ArmComparison {
  double mean_a = 0, mean_b = 0;
  double difference = 0;      // b − a
  double low = -1, high = 1;  // confidence sequence at 1 − alpha
  double p = 1;               // always valid: small at any one look is small beyond chance
  bool decided = false;       // p ≤ alpha
};

// Fewer units in either arm say nothing.
inline constexpr std::size_t kArmUnitsMin = 30;

// Outcomes in [0, 1], one a unit (a session, a user): units must be independent, what one of them
// says several times is not. The mixture sequential probability ratio test for a difference of two
// means, with its confidence interval (Johari, Koomen, Pekelis, Walsh 2022, "Always Valid
// Inference: Continuous Monitoring of A/B Tests"): looking often does not make it err more often.
// Valid asymptotically, as variances are estimated.
ArmComparison CompareArms(std::span<const double> a, std::span<const double> b,
                          double alpha = 0.05);

}  // namespace strata::learn
