#pragma once
// Cascades on evidence: two cheap models of different families are asked at once; where their final
// answers agree, that is the answer, else the strong model is asked. All calls are paid. What is
// learned: which two, for which kinds of request a third cheap model should break a tie before the
// strong one is asked, and for which requests the cheap step never pays.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learn/bootstrap.h"
#include "learn/calibration.h"
#include "learn/linear.h"
#include "route/outcome_rows.h"

namespace strata::route {

// The part of a final answer that carries its meaning: numbers in one spelling (1,234 → 1234,
// \frac{1}{2} → 0.5), LaTeX dressing, case and spaces gone. Empty when nothing is left.
std::string NormalizeAnswer(std::string_view answer);
// Both say something, and the same.
bool SameAnswer(std::string_view a, std::string_view b);

// Candidates by their number in a router.
struct CascadeState {
  std::uint32_t strong = 0;
  std::uint32_t first = 0, second = 0;
  std::vector<std::int32_t> third;  // of each kind of request; −1: none
  learn::LinearModel settled;       // logit of "the cheap step settles it"
  learn::PlattScale scale;
};

// One labelled row as a cascade sees it; by candidate, NaN and "" where not measured.
struct CascadeRow {
  std::uint32_t kind = 0;
  std::vector<double> quality, cost;
  std::vector<std::string> answer;  // normalised
};
CascadeRow MakeCascadeRow(const OutcomeRow& row, std::span<const std::string> models);

struct CascadeResult {
  double quality = 0;
  double cost = 0;
  bool settled = false;  // without the strong model
};
// `third`: −1 for none. The row has answers of all models named.
CascadeResult RunCascade(const CascadeRow& row, const CascadeState& plan, std::int32_t third);

// The pair and the third models that save most while the rows keep `ratio_min` of the strong
// model's quality; the strong model is the best of those with answers. Empty when there are fewer
// than 50 rows with answers of three models, or no pair of different families keeps it. Leaves
// `settled` unfitted.
std::optional<CascadeState> PlanCascade(std::span<const CascadeRow> rows,
                                        std::span<const std::string> models, std::size_t kinds,
                                        double ratio_min);

// "gpt", "gemini", "claude", …: the letters a model's name begins with.
std::string_view FamilyOf(std::string_view model);

}  // namespace strata::route
