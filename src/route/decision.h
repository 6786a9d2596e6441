#pragma once
// What a router decided about one request, and everything that it looked at: for the trace, for
// `strata route explain`, and for what the request is compared with.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/span.h"
#include "domain/money.h"

namespace strata::route {

struct CandidateView {
  std::string model;     // as the definition names it
  std::string left_out;  // why it does not take part; "": it does
  // Predicted, with a 90 % interval; unset without a learned router that knows the model.
  std::optional<double> quality, low, high;
  double output_tokens = 0;       // expected of it
  std::optional<double> cost;     // dollars expected, nothing cached; unset: prices unknown
  std::optional<double> seconds;  // to the end of its answer; unset: too few calls of late
  // What of its capacity is left, and what that adds for this request, in units of the objective
  // (dollars; quality points where quality is sought). Unset: its deployments say nothing.
  std::optional<double> quota_left, queue, quota_price;
  domain::Price price;
};

// A labelled request that is like this one.
struct NearestRow {
  std::string id;
  double similarity = 0;
};

struct Decision {
  std::string router;   // its name
  std::string version;  // "router/mix:3": what ledger rows pin
  std::vector<CandidateView> candidates;
  std::size_t chosen = 0;  // of candidates: answers, or is escalated to
  // "rule", "learned", "cheapest", "session", "fallback".
  std::string decided_by;
  std::string reason;      // one sentence
  std::string instead_of;  // whom prices of quotas moved the request away from; "": nobody
  // A learned router in shadow: what it would have chosen, and why.
  std::string advised, advised_reason;
  std::optional<double> unfamiliar;  // 0 to 1; unset without a learned router
  std::vector<NearestRow> nearest;
  std::string guardrails;               // that judged the request, and what they found
  std::map<std::string, double> spent;  // that rules looked at: "key this month", dollars
  std::vector<std::string> ask;         // of a cascade, before the chosen one
  std::string tie_break;
  std::string check;  // of what they answer: "agree", "sql", "hook NAME", …; "" without a cascade
  std::size_t strong = 0;            // always-strong: the fallback, or what stands in for it
  std::optional<std::size_t> cheap;  // always-cheap; unset: no prices are known

  const std::string& model() const { return candidates[chosen].model; }
};

// The whole, as one JSON object.
JsonText DecisionJson(const Decision& decision);

}  // namespace strata::route
