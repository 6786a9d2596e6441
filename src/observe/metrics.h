#pragma once
// Metrics in Prometheus' text form, and the counters of requests and model calls behind them.
//
// Counting a request takes no lock: each thread adds to a shard of its own, and a scrape sums the
// shards. Model calls are counted from the rows that the journal hands to the ledger, off the
// request path and once a row.
//
// The number of series is bounded: requests have one a route, models beyond kModelsMax share the
// label "other".

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/call_row.h"

namespace strata::observe {

// Upper bounds of the buckets in seconds; one more bucket takes the rest.
inline constexpr std::array<double, 15> kLatencyBounds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120};

// One histogram's counts at one moment, not cumulative.
struct HistogramReading {
  std::array<std::uint64_t, kLatencyBounds.size() + 1> counts{};
  double sum_s = 0;
};

// Adding is lock-free; readings taken meanwhile may lack the latest additions.
class LatencyHistogram {
 public:
  void Add(std::chrono::nanoseconds latency);
  void AddTo(HistogramReading& reading) const;

 private:
  std::array<std::atomic<std::uint64_t>, kLatencyBounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

// Writes the text form (version 0.0.4). Families are declared before their samples.
class PrometheusText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  void Family(std::string_view name, std::string_view type, std::string_view help);
  void Sample(std::string_view name, Labels labels, double value);
  void Histogram(std::string_view name, Labels labels, const HistogramReading& reading);
  // A family with one sample.
  void Gauge(std::string_view name, std::string_view help, double value);
  void Counter(std::string_view name, std::string_view help, double value);

  std::string Take() { return std::move(text_); }
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  void Line(std::string_view name, std::string_view suffix, Labels labels, std::string_view le,
            double value);
  std::string text_;
};

struct FinishedRequest {
  std::size_t slot = 0;      // of the route; below the `slots` of RequestMetrics
  std::string_view dialect;  // both of static life, the same for every request of a slot
  std::string_view operation;
  int status = 0;  // 0: the client left before an answer
  std::chrono::nanoseconds latency{};
  std::optional<std::chrono::nanoseconds> first_token;
};

// Thread-safe.
class RequestMetrics {
 public:
  explicit RequestMetrics(std::size_t slots);
  ~RequestMetrics();

  void Begin();
  void End(const FinishedRequest& request);
  std::int64_t InFlight() const;
  void Write(PrometheusText& out) const;

 private:
  static constexpr std::size_t kShards = 8;
  static constexpr std::size_t kStatusClasses = 6;
  struct Series;
  struct alignas(64) Running {
    std::atomic<std::int64_t> count{0};
  };
  Series& SeriesOf(const FinishedRequest& request);

  std::vector<std::atomic<Series*>> series_;  // made at a slot's first request
  std::array<Running, kShards> running_;
};

// Thread-safe; written by the journal's drain thread.
class CallMetrics {
 public:
  static constexpr std::size_t kModelsMax = 200;

  void Add(std::span<const store::CallRow> rows);
  void Write(PrometheusText& out) const;

 private:
  struct Deployment {
    std::map<std::string, std::uint64_t, std::less<>> by_outcome;  // "ok", or the error's code
    domain::Usage tokens;
    std::int64_t cost_picousd = 0;
    std::uint64_t unpriced = 0;
    LatencyHistogram latency;
    LatencyHistogram first_token;
  };
  using Name = std::pair<std::string, std::string>;  // provider, model

  mutable std::mutex mutex_;
  std::map<Name, std::unique_ptr<Deployment>> deployments_;
};

// The process's own: resident memory, processor time, open files, start time.
void WriteProcessMetrics(PrometheusText& out);

}  // namespace strata::observe
