#pragma once
// One request from arrival to finished trace: owns its context and root span, and hands the trace
// to the store and the exporter when it goes out of scope, on every exit path.

#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>

#include "base/context.h"
#include "net/http.h"
#include "observe/otlp.h"
#include "observe/trace_store.h"

namespace strata::gateway {

// Where finished traces go. Pointers outlive the scopes; `otlp` may be null.
struct TraceSinks {
  observe::TraceStore* store = nullptr;
  observe::OtlpExporter* otlp = nullptr;
  bool export_text = false;  // whether texts that traces keep go to `otlp` too
  const Clock* clock = &SystemClock();
};

// Not thread-safe; lives in the request's coroutine.
class RequestScope {
 public:
  // `name`: of the root span, "gateway.chat". A W3C traceparent header of the caller is recorded as
  // a field, so that its own traces can be joined; our trace id stays the request id.
  RequestScope(const TraceSinks& sinks, std::string_view name, std::string_view dialect,
               std::chrono::milliseconds timeout, std::stop_token client_gone, Texts texts);
  ~RequestScope();
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

  RequestContext& ctx() { return ctx_; }

  // Nothing is handed on: for requests that say nothing about an answer (pages, listings,
  // strangers).
  void Discard() { discarded_ = true; }

  // Called with the spans of all that happened when the scope ends, also when they are discarded;
  // the rest of the trace stands in the context. What it refers to outlives the scope.
  using Report = std::function<void(const observe::FinishedTrace&, const RequestContext&)>;
  void AtEnd(Report report) { report_ = std::move(report); }

  // Time since arrival.
  std::chrono::milliseconds Elapsed() const;

 private:
  void End();

  const TraceSinks& sinks_;
  std::shared_ptr<Trace> trace_;
  SteadyTime start_;
  RequestContext ctx_;
  bool discarded_ = false;
  Report report_;
};

// What headers say beside the key:
//
//   x-strata-tag-NAME       a cost tag, UTF-8; at most 16, 256 bytes each, more are ignored
//   x-strata-labels         labels of what is sent, comma separated; they only add
//   x-strata-regions        regions that it may go to; they only narrow what the key allows
//   x-strata-retention      longest that a provider may keep it ("none", "30d"); only shorter
//                           (several lines of these three are one list)
//   x-strata-session        what should go to the same deployment
//   x-strata-subject        pseudonymous id of the end user, for dialects that have no place for
//   it;
//                           what the body says goes first
//   x-strata-timeout-ms     the request's deadline, from its arrival
//   x-stainless-timeout     seconds (OpenAI's and Anthropic's SDKs): how long the caller waits for
//                           the first byte; not a number is ignored, as it is not ours to judge
//   x-strata-hops           set by servers: how many the request came through (base/hops.h)
//   traceparent             the caller's W3C trace context, kept as a field of the root span so
//   that
//                           both traces can be joined
//
// Taken after the key's grant. Errors: kInvalidArgument naming the header; kPermissionDenied when
// the key allows none of the regions; CalledInCircle after too many servers.
Result<> TakeHeaders(const net::Headers& headers, RequestContext& ctx);

}  // namespace strata::gateway
