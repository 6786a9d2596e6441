#pragma once
// RequestContext travels with a request through every layer: who asks, until when, what may leave,
// where the spans go.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/labels.h"
#include "base/result.h"
#include "base/retention.h"
#include "base/span.h"
#include "base/urgency.h"

namespace strata {

// The versions of everything that decided about an answer; pinned in its ledger rows.
struct DecidedBy {
  std::string router;
  std::string guardrail;
  std::string prompt;
  std::string catalog;
  std::string index;  // "kb ID @ generation"
};

// What a request is compared with: prices of another model, pico-USD a token, and how many tokens
// that model is expected to write for one token of the answer.
struct Baseline {
  std::int64_t input_price = 0;
  std::int64_t output_price = 0;
  double output_ratio = 1;
};

// What of a context may be copied: all but its span. Fields are set before the request is handed
// down, except `labels`, `decided_by` and the sums, which only the request's coroutine changes.
struct RequestFacts {
  RequestId request_id;
  WorkspaceId workspace{"default"};
  KeyId key;
  std::string dialect;      // "openai", "anthropic", "bedrock", "cli"
  std::string model_asked;  // the id the caller named
  std::string kb;           // the knowledge base that answers, if any
  std::string route;        // why this model: "asked", "alias gpt-4o", …
  std::string role;         // of calls in a router's plan: "answer", "ask", "escalate"; "" without
  std::string answered_by;  // the model that a router let answer, "" without a router
  // What always asking the router's strongest or its cheapest model would cost; unset: not known.
  std::optional<Baseline> always_strong, always_cheap;
  int calls = 0;  // model calls made so far; numbers the request's ledger rows
  std::vector<std::string>
      principals;   // whose documents may be read: "user:7", "group:hr"; empty: only public ones
  LabelSet labels;  // of everything the request holds so far; grows with retrieved text
  std::vector<std::string> regions_allowed;  // empty: any
  std::optional<Retention> retention_max;    // longest that a provider may keep the request
  std::vector<std::string> models_allowed;   // ids, or prefixes that end in '*'; empty: any
  std::string subject;                       // pseudonymous id of the end user, "" unknown
  std::map<std::string, std::string> tags;   // cost attribution (requestMetadata, x-strata-tag-…)
  std::string session;  // x-strata-session: what should go to the same deployment; "" unknown
  SteadyTime deadline = SteadyTime::max();
  // Until when the caller waits for the first byte; a stream may go on after it.
  SteadyTime first_byte_deadline = SteadyTime::max();
  Urgency urgency = Urgency::kInteractive;  // of ingestion and other work of no client: background
  std::stop_token cancel;                   // stops when the client has gone away; thread-safe
  const Clock* clock = &SystemClock();
  // A header field of the client's request, "" when there is none; unset where no client waits.
  std::function<std::string_view(std::string_view name)> header;
  DecidedBy decided_by;
  // What the model calls so far have cost; calls without a known price are counted, not guessed.
  std::int64_t spent_picousd = 0;
  int unpriced_calls = 0;
  // Left of the provider's rate limit after the last call, 0..1; -1: it did not say.
  double quota_share = -1;

  bool cancelled() const { return cancel.stop_requested(); }
  std::chrono::milliseconds TimeLeft() const;

  // kCancelled or kDeadlineExceeded when it is pointless to go on; checked between stages and in
  // long loops.
  Result<> CheckAlive() const;
};

// Made by the gateway, owned by the request's coroutine, which outlives every call that takes a
// reference to it.
struct RequestContext : RequestFacts {
  Span span;  // the request's current span; children are made from it
};

}  // namespace strata
