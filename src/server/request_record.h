#pragma once
// What is counted and logged of one request when its answer has ended: the metrics, and one wide
// line without secrets or text.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/context.h"
#include "net/server.h"
#include "observe/metrics.h"
#include "observe/trace_store.h"
#include "server/live_config.h"
#include "server/router.h"
#include "server/trace_links.h"

namespace strata::server {

// Stands between handlers and the connection: remembers the status, adds cross-origin headers and
// the address of the trace. Lives in the request's coroutine.
class Outgoing final : public net::ResponseWriter {
 public:
  // `cors` is null when the answer needs none; everything outlives this.
  Outgoing(net::ResponseWriter& inner, const Cors* cors, std::string_view origin)
      : inner_(inner), cors_(cors), origin_(origin) {}

  // From now on answers whose trace is kept say where it is, whoever writes them. All outlives
  // this.
  void NameTrace(const Exchange& exchange, Face face, const TraceLinks& links);

  Task<Result<>> Send(int status, net::Headers headers, std::string body) override;
  Task<Result<>> Start(int status, net::Headers headers) override;
  Task<Result<>> Write(std::string_view bytes) override { return inner_.Write(bytes); }
  Task<Result<>> Finish() override { return inner_.Finish(); }
  void Abort() override { inner_.Abort(); }
  bool started() const override { return inner_.started(); }

  int status() const { return status_; }  // 0: nothing was sent

 private:
  void Complete(int status, net::Headers& headers);

  net::ResponseWriter& inner_;
  const Cors* cors_;
  std::string_view origin_;
  const Exchange* exchange_ = nullptr;
  Face face_ = Face::kStrata;
  const TraceLinks* links_ = nullptr;
  int status_ = 0;
};

// Whether the trace of a request is kept. Traces are for answers: strangers would flood the store,
// and listings and the console's own pages say nothing.
bool KeepsTrace(const Exchange& exchange, Face face, bool failed);

// Counts the request as running while it lives, and as finished when destroyed, on every exit path.
class RequestRecord {
 public:
  struct About {
    std::size_t slot = 0;      // of the route, for the metrics
    std::string_view dialect;  // both of static life
    std::string_view operation;
    bool probe = false;  // health and metrics: logged at debug
  };
  // All references outlive it.
  RequestRecord(observe::RequestMetrics& metrics, const Settings& settings, const About& about,
                const Outgoing& outgoing);
  ~RequestRecord();
  RequestRecord(const RequestRecord&) = delete;
  RequestRecord& operator=(const RequestRecord&) = delete;

  // What the request came to, from its spans; writes the line. For RequestScope::AtEnd.
  void Finish(const observe::FinishedTrace& trace, const RequestContext& ctx);

 private:
  struct Calls;
  void WriteLine(const Calls& calls, const RequestContext& ctx) const;

  observe::RequestMetrics& metrics_;
  const Settings& settings_;
  const About about_;
  const Outgoing& outgoing_;
  const SteadyTime start_;
  std::optional<std::chrono::nanoseconds> first_token_;
};

}  // namespace strata::server
