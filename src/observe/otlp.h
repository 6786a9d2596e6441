#pragma once
// Sends finished traces to any OTLP backend: OTLP/HTTP 1.x, JSON encoding (Content-Type
// application/json, the protobuf JSON mapping), with the GenAI attributes of OpenTelemetry's
// semantic conventions. Bounded, batched, retried; a request never waits for it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/options.h"
#include "base/task.h"
#include "net/client.h"
#include "observe/trace_store.h"

namespace strata::observe {

struct OtlpOptions {
  std::string endpoint;  // full URL of the traces endpoint ("…/v1/traces"); "": off
  std::vector<std::pair<std::string, std::string>> headers;
  std::string service_name = "strata";
  std::size_t queue_max = 2048;  // traces
  std::size_t batch_max = 128;   // traces a request
  int attempts_max = 5;          // then the batch is dropped and counted
  std::chrono::milliseconds batch_wait{1000};
  std::chrono::milliseconds timeout{10'000};
  std::chrono::milliseconds retry_first{500};  // doubled each time, Retry-After wins
};
// From `otlp.*` (/v1/traces is added to its base URL); endpoint and headers fall back to
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS.
// kInvalidArgument: a bad URL or header.
Result<OtlpOptions> OtlpOptionsOf(const Options& options);

// The body of one export request. Traces and spans whose ids are not hex are left out.
std::string OtlpJson(const std::vector<FinishedTrace>& traces, std::string_view service_name);

// Thread-safe.
class OtlpExporter {
 public:
  static OptionTable OtlpOptionTable();
  static std::shared_ptr<OtlpExporter> Create(OtlpOptions options,
                                              std::shared_ptr<net::Client> client);
  ~OtlpExporter();

  // Never blocks; drops and counts when the queue is full.
  void Submit(FinishedTrace trace);

  // Sends until Stop. Spawn it once on an io thread; it keeps itself alive.
  Task<> Run();
  // Sends what is queued (one attempt), then Run returns. Thread-safe.
  void Stop();

  struct Counters {
    std::uint64_t exported = 0;
    std::uint64_t dropped = 0;
    std::uint64_t retries = 0;
  };
  Counters counters() const;

 private:
  struct State;
  explicit OtlpExporter(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace strata::observe
