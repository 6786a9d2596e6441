#pragma once
// Curves of quality against cost, and the figures that are read off them.

#include <cstddef>
#include <span>
#include <vector>

namespace strata::learn {

// Performance gap recovered (PGR) as ever more rows go to the strong model, those with the largest
// need first. Source: Ong et al. 2024, "RouteLLM: Learning to Route LLMs with Preference Data": PGR
// is (quality − cheap) / (strong − cheap), APGR its mean over the share of strong calls, CPT(x) the
// share at which PGR reaches x. Here over every row instead of ten levels.
struct PairCurve {
  std::vector<double> recovered;  // after 0, 1, …, n strong calls
  double average = 0;             // APGR; 0.5 is random
  // Smallest share of strong calls with at least `level` recovered; 1 when only all do.
  double ShareNeededFor(double level) const;
};
// Rows with equal need keep their order. All zeros when both models are equally good in sum.
PairCurve DrawPairCurve(std::span<const double> need, std::span<const double> strong,
                        std::span<const double> cheap);

struct CostQuality {
  double cost = 0;
  double quality = 0;
};

// The upper convex hull of `points` in ascending order of cost, quality never falling: what can be
// reached by mixing them. Empty for no points.
std::vector<CostQuality> QualityHull(std::vector<CostQuality> points);

// Average improvement in quality: the area under the hull between two costs, over their difference
// (flat beyond the last point, 0 before the first). Source: Hu et al. 2024, "RouterBench". The
// hull's quality at `cost_low` when both costs are equal.
double AverageQuality(std::span<const CostQuality> hull, double cost_low, double cost_high);

// Quality of the hull at a cost; 0 left of the first point.
double QualityAt(std::span<const CostQuality> hull, double cost);

}  // namespace strata::learn
