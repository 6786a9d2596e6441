#pragma once
// RequestContext travels with a request through every layer: who asks, until when, what may leave,
// where the spans go.

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/labels.h"
#include "base/result.h"
#include "base/span.h"

namespace strata {

// The versions of everything that decided about an answer; pinned in its ledger rows.
struct DecidedBy {
  std::string router;
  std::string guardrail;
  std::string prompt;
  std::string catalog;
  std::string index;  // "kb ID @ generation"
};

// Made by the gateway, owned by the request's coroutine, which outlives every call that takes a
// reference to it. Fields are set before the request is handed down, except `labels`, `span` and
// `decided_by`, which only that coroutine changes.
struct RequestContext {
  RequestId request_id;
  WorkspaceId workspace{"default"};
  KeyId key;
  std::vector<std::string>
      principals;   // whose documents may be read: "user:7", "group:hr"; empty: only public ones
  LabelSet labels;  // of everything the request holds so far; grows with retrieved text
  std::vector<std::string> regions_allowed;  // empty: any
  std::map<std::string, std::string> tags;   // cost attribution (requestMetadata, x-strata-tag-…)
  SteadyTime deadline = SteadyTime::max();
  std::stop_token cancel;  // stops when the client has gone away; thread-safe
  const Clock* clock = &SystemClock();
  Span span;  // the request's current span; children are made from it
  DecidedBy decided_by;

  bool cancelled() const { return cancel.stop_requested(); }
  std::chrono::milliseconds TimeLeft() const;

  // kCancelled or kDeadlineExceeded when it is pointless to go on; checked between stages and in
  // long loops.
  Result<> CheckAlive() const;
};

}  // namespace strata
