#pragma once
// What a router's owner writes down: candidates, objective, rules, cascade. docs/routers.md shows
// one whole, as YAML; here it comes as the same tree in JSON.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "route/plan.h"
#include "route/rules.h"
#include "route/sql_check.h"

namespace strata::dialect {
class JsonValue;
}

namespace strata::route {

struct CandidateSpec {
  std::string model;       // an id that the registry knows when requests come
  std::string learned_as;  // its name in the labelled rows; "": the id, or what follows its slash
};

enum class Objective : std::uint8_t {
  kCost,      // the cheapest that is good enough; without predictions, the fallback
  kQuality,   // the best predicted one, less what it costs and takes (Weights)
  kCheapest,  // the cheapest that can serve, whatever it is worth
};
std::string_view ObjectiveName(Objective objective);

enum class LearnedMode : std::uint8_t { kActive, kShadow };

struct CascadeSpec {
  std::vector<std::string> ask;  // one or two candidates; one twice is asked twice
  std::string tie_break;         // "": none
  std::string escalate;          // default: the fallback
  Check check = Check::kAgree;
  double confidence = 0;                 // of kConfidence; must be given
  double supported = 1;                  // of kCitations: least share of the answer's sentences
  std::shared_ptr<const SqlSample> sql;  // of kSql; must be given
  std::string hook;                      // of kHook; must be given
  Condition when;                        // default: always
};

// A share of the requests is answered by another candidate too, behind the caller's back and on the
// owner's account, so that there are labels to learn from.
struct LabelSpec {
  double share = 0.01;
  double usd_per_day = 0;  // of that router; must be given
  std::string judge;       // a model that grades both answers; "": whether they say the same
};

// What a dollar and a second of an answer are worth, in quality.
struct Weights {
  double per_usd = 0;
  double per_second = 0;
};

// Candidates that are expected to cost or to take more do not take part.
struct Limits {
  std::optional<double> usd, seconds;
};

struct RouterDefinition {
  std::string description;
  std::vector<CandidateSpec> candidates;  // strongest first
  std::string fallback;                   // default: the first candidate
  Objective objective = Objective::kCost;
  Weights weights;  // of kQuality: quality − per_usd · dollars − per_second · seconds
  Limits limits;
  double tolerance = 0.03;  // share of the strongest model's quality that may be given up
  LearnedMode learned = LearnedMode::kActive;
  std::vector<Rule> rules;
  std::optional<CascadeSpec> cascade;
  std::optional<LabelSpec> labels;  // unset: no shadow labels
  bool sessions = true;             // a conversation stays with its model unless leaving it pays

  const CandidateSpec* Find(std::string_view model) const;
};

// Errors: kInvalidArgument with the member's place.
Result<RouterDefinition> DecodeDefinition(const dialect::JsonValue& tree);

// 1 to 64 letters, digits, '-', '_', '.' and single spaces between; what `router/NAME` may be.
Result<> CheckRouterName(std::string_view name);

}  // namespace strata::route
