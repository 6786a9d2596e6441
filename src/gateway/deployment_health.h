#pragma once
// The health of deployments: what is under way, how long answers take, which are not asked for now
// and why. Shared by all io threads; the request path takes no lock.
//
//   auto ticket = health->Admit();            // nullopt: the breaker is open
//   … ticket->FirstToken(streamed); … ticket->End(AttemptOutcome::kOk);

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "gateway/attempt_outcome.h"

namespace strata::gateway {

// When a deployment stops being asked. Two rules, as in Envoy's outlier detection: faults in a row,
// and the share of faults among the attempts of the last ten seconds. A request counts with one
// fault, however often it repeats its attempt: one that nobody can answer must not close a model
// for everybody. It is asked again after `open`, which doubles with each time that the first
// attempt fails again, up to `open_max`.
struct BreakerOptions {
  int faults_in_row = 5;
  double fault_share = 0.5;
  int attempts_min = 20;  // in ten seconds, before the share counts
  std::chrono::milliseconds open{5'000};
  std::chrono::milliseconds open_max{120'000};
};

enum class BreakerState : std::uint8_t { kClosed, kOpen, kHalfOpen };
std::string_view BreakerName(BreakerState state);  // "closed", "open", "half_open"

// One deployment at one moment, for `strata provider list` and /metrics.
struct DeploymentReport {
  std::string id;        // "openai/gpt-4o"
  std::string provider;  // "openai"
  BreakerState breaker = BreakerState::kClosed;
  AttemptOutcome last_fault = AttemptOutcome::kOk;  // what opened the breaker last; kOk: nothing
  std::chrono::milliseconds open_for{0};            // until it is asked again
  std::chrono::milliseconds throttled_for{0};       // of the provider's Retry-After
  std::int64_t in_flight = 0;
  std::int64_t first_token_us = 0;  // peak EWMA; 0: no answer yet
  std::int64_t whole_us = 0;        // the same of answers in one piece
  double quota_share = -1;          // left of the provider's rate limit; -1: it does not say
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;    // attempts that repeat one at the same model
  std::uint64_t fallbacks = 0;  // attempts of requests that were meant for another model
  std::uint64_t hedges = 0;     // attempts that ran beside a slow one
  std::uint64_t opened = 0;     // times that the breaker opened
  std::array<std::uint64_t, kAttemptOutcomes> outcomes{};
};

// Peak-sensitive moving average of latencies: rises at once, sinks with time constant 10 s.
// Source: Finagle's PeakEwma, com.twitter.finagle.loadbalancer.PeakEwma (its default decay time),
// which linkerd uses too. Races between observers lose a sample, never the order of magnitude.
class PeakEwma {
 public:
  void Observe(std::int64_t micros, std::int64_t now_us);
  std::int64_t At(std::int64_t now_us) const;  // 0: nothing seen, or long ago

 private:
  std::atomic<std::int64_t> value_{0};
  std::atomic<std::int64_t> stamp_us_{0};
};

// Attempts and faults of the last ten seconds, a second a slot.
class FaultWindow {
 public:
  void Add(bool fault, std::int64_t now_us);
  void Clear();
  struct Sum {
    int attempts = 0;
    int faults = 0;
  };
  Sum Of(std::int64_t now_us) const;

 private:
  static constexpr std::size_t kSlots = 10;
  // Second in the upper half, attempts and faults in 16 bits each, so that a slot changes whole.
  std::array<std::atomic<std::uint64_t>, kSlots> slots_{};
};

// Thread-safe. `clock` outlives it.
class DeploymentHealth : public std::enable_shared_from_this<DeploymentHealth> {
 public:
  DeploymentHealth(std::string id, std::string provider, const BreakerOptions& options,
                   const Clock& clock);

  // One attempt under way. Moved, not copied; destroyed without End it was cancelled.
  class Ticket {
   public:
    Ticket(std::shared_ptr<DeploymentHealth> health, bool probe);
    Ticket(Ticket&&) noexcept = default;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket();

    // The provider has begun to answer; the breaker takes that as success.
    void FirstToken(bool streamed);
    // `retry_after`: of a throttled attempt.
    void End(AttemptOutcome outcome,
             std::optional<std::chrono::milliseconds> retry_after = std::nullopt);
    // Its fault will not count: the same request has had one here. One that decides whether an open
    // breaker closes always counts.
    void Repeats() { repeats_ = !probe_; }
    bool probe() const { return probe_; }
    std::chrono::milliseconds Elapsed() const;

   private:
    std::shared_ptr<DeploymentHealth> health_;  // null: ended or moved from
    std::int64_t start_us_ = 0;
    bool probe_ = false;
    bool repeats_ = false;
    bool answered_ = false;
  };

  // nullopt while the breaker is open. After that time one attempt at a time is let through.
  std::optional<Ticket> Admit();

  enum class Kind : std::uint8_t { kFirst, kRetry, kFallback, kHedge };
  void Count(Kind kind);

  const std::string& id() const { return id_; }
  BreakerState State() const;
  std::chrono::milliseconds OpenFor() const;
  AttemptOutcome LastFault() const;
  bool Throttled() const;
  std::chrono::milliseconds ThrottledFor() const;
  std::int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  // Peak EWMA × (attempts under way + 1), as Finagle weighs a node. 0: unknown.
  double Cost(bool streamed) const;
  // -1: the provider does not say. What it said has been refilled since, wholly after a minute.
  double QuotaShare() const;
  // How full its queue is, 0..1: requests wait when first tokens take a multiple of the time that
  // they take when it is quiet. 0 while one request at most is under way.
  double Queue() const;
  void SetQuotaShare(double share);
  // How long an answer (streamed: its first token) takes here when it takes long; 0: none has come.
  std::chrono::milliseconds Usual(bool streamed) const;
  // Whether a request was answered in the time before now.
  bool AnsweredWithin(std::chrono::milliseconds time) const;

  // What a health probe found. A success lets the next request through an open breaker; a failure
  // counts as one of a request.
  void Probed(AttemptOutcome outcome);

  // From the next fault on.
  void SetBreaker(const BreakerOptions& options);

  DeploymentReport Report() const;

 private:
  BreakerOptions Breaker() const;
  std::int64_t NowUs() const;
  void NoteQuiet(std::int64_t first_token_us);
  void NoteUsual(bool streamed, std::int64_t micros, std::int64_t now_us);
  void Succeeded(bool probe);
  void Failed(AttemptOutcome outcome, bool probe);
  void Trip(std::int64_t seen_open_until, AttemptOutcome why);

  const std::string id_;
  const std::string provider_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // of options_, which are read when an attempt has failed
  BreakerOptions options_;

  std::atomic<std::int64_t> in_flight_{0};
  PeakEwma first_token_;
  PeakEwma whole_;
  std::atomic<std::int64_t> quiet_us_{0};  // to a first token when nothing waits; 0: unknown
  std::array<std::atomic<std::int64_t>, 2> usual_us_{};  // of whole answers, of first tokens
  std::atomic<std::int64_t> answered_us_{0};             // when one came last; 0: never
  FaultWindow window_;
  std::atomic<int> in_row_{0};
  std::atomic<std::int64_t> open_until_us_{0};   // 0: closed; passed: half open
  std::atomic<std::int64_t> probe_until_us_{0};  // the half-open breaker's one attempt is out
  std::atomic<int> trips_{0};                    // since it was closed last
  std::atomic<AttemptOutcome> last_fault_{AttemptOutcome::kOk};
  std::atomic<std::int64_t> throttled_until_us_{0};
  std::atomic<std::int64_t> quota_until_us_{0};
  std::atomic<double> quota_share_{-1};
  std::array<std::atomic<std::uint64_t>, 4> kinds_{};
  std::atomic<std::uint64_t> opened_{0};
  std::array<std::atomic<std::uint64_t>, kAttemptOutcomes> outcomes_{};
};

// The health of every deployment that was asked, by id. Thread-safe; `clock` outlives it.
class HealthBoard {
 public:
  explicit HealthBoard(const BreakerOptions& options, const Clock& clock = SystemClock())
      : clock_(clock), options_(options) {}

  // The same object for the same id, until more ids are known than are kept: callers may name any
  // model of a provider. Then those that nobody holds are forgotten.
  std::shared_ptr<DeploymentHealth> Of(const std::string& id, const std::string& provider);

  std::vector<DeploymentReport> List() const;  // by id
  // Those of one provider account.
  std::vector<std::shared_ptr<DeploymentHealth>> OfProvider(std::string_view provider) const;

  void SetBreaker(const BreakerOptions& options);  // of all, known and to come

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  BreakerOptions options_;
  struct Entry {
    std::string provider;
    std::shared_ptr<DeploymentHealth> health;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace strata::gateway
