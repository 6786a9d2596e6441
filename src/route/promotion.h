#pragma once
// Whether a newly learned router may take the place of the one in force: on rows that neither was
// made from it has to beat that one, and the best single model, beyond chance.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learn/bootstrap.h"
#include "route/outcome_rows.h"
#include "route/router.h"

namespace strata::route {

// Fewer held-out rows decide nothing.
inline constexpr std::size_t kPromotionRowsMin = 100;

// The challenger over another policy on the same rows, paired bootstrap, 95 %. It is won when the
// quality is higher beyond doubt; or the cost is lower beyond doubt and the quality beyond doubt
// not lower than the tolerance allows.
struct Contest {
  std::string against;
  learn::Interval quality, cost;
  bool won = false;
};

struct Promotion {
  std::size_t rows = 0;    // held out, with outcomes of every model that is compared
  double share_moved = 0;  // to other models than the strong one
  std::string strong;
  learn::Interval to_strong;      // quality, of the challenger over always-strong
  std::vector<Contest> contests;  // the champion, when there is one; the best single model
  bool promoted = false;
  std::string reason;  // for a person
};

// The best single model is the cheapest that keeps 1 − `tolerance` of the strong one's quality on
// the rows. `champion` may be null.
Promotion JudgeChallenger(const Router& challenger, const Router* champion,
                          std::span<const OutcomeRow> held_out, double tolerance);

}  // namespace strata::route
