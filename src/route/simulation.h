#pragma once
// What cascades would have done on rows whose outcomes carry answers: every call that they make is
// paid, the saving is against always asking the strong model.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "learn/bootstrap.h"
#include "route/router.h"

namespace strata::route {

struct CascadeFigures {
  double saving = 0;
  learn::Interval ratio;    // of quality to the strong model's, paired bootstrap, 95 %
  double strong_calls = 0;  // share of rows
};

struct Simulation {
  std::string name;  // the source, or "all"
  std::size_t rows = 0;
  CascadeFigures plain;       // two cheap models, the strong one where they disagree
  CascadeFigures planned;     // and a third one where the router says so
  CascadeFigures learned;     // and straight to the strong one where the cheap step is not worth it
  double skipped = 0;         // share of rows, of `learned`
  CascadeFigures hindsight;   // planned, if it were known where the cheap step does not settle
  CascadeFigures first_only;  // the better cheap model alone
};

// Models by name, in place of the router's own plan: then `planned` and `learned` equal `plain`.
struct CascadeNames {
  std::string strong, first, second;
};

// Errors: kInvalidArgument (the router has no cascade and none is named; a name that it does not
// know; no row has the answers). Groups by source, "all" last when there are several.
Result<std::vector<Simulation>> SimulateCascade(const Router& router,
                                                std::span<const OutcomeRow> rows,
                                                const std::optional<CascadeNames>& names);

// A table in Markdown.
std::string FormatSimulations(std::span<const Simulation> simulations);

}  // namespace strata::route
