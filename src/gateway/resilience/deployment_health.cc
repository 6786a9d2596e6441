#include "gateway/deployment_health.h"

#include <algorithm>
#include <cmath>

#include "base/encoding.h"

namespace strata::gateway {
namespace {

using std::chrono::milliseconds;

constexpr double kDecayUs = 10e6;
constexpr std::int64_t kSecondUs = 1'000'000;
// How long the one attempt of a half-open breaker may hold its place before another may try.
constexpr std::int64_t kProbeLeaseUs = 30 * kSecondUs;
// A refused key does not heal by itself: it is tried again less often than a fault.
constexpr int kRefusedKeyFactor = 2;
constexpr std::int64_t kThrottledDefaultUs = kSecondUs;
constexpr std::int64_t kQuotaFreshUs = 60 * kSecondUs;  // limits are per minute
constexpr std::size_t kDeploymentsMax = 4096;
constexpr auto kRelaxed = std::memory_order_relaxed;

milliseconds Until(std::int64_t then_us, std::int64_t now_us) {
  return milliseconds(then_us > now_us ? (then_us - now_us + 999) / 1000 : 0);
}

}  // namespace

std::string_view BreakerName(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return "closed";
    case BreakerState::kOpen:
      return "open";
    case BreakerState::kHalfOpen:
      break;
  }
  return "half_open";
}

void PeakEwma::Observe(std::int64_t micros, std::int64_t now_us) {
  auto old = value_.load(kRelaxed);
  auto decayed = At(now_us);
  stamp_us_.store(now_us, kRelaxed);
  auto next = micros;
  if (micros < old) {
    double kept = static_cast<double>(decayed) / static_cast<double>(old);
    next = decayed + static_cast<std::int64_t>((1 - kept) * static_cast<double>(micros));
  }
  value_.store(std::max<std::int64_t>(next, 1), kRelaxed);
}

std::int64_t PeakEwma::At(std::int64_t now_us) const {
  auto value = value_.load(kRelaxed);
  if (value == 0) return 0;
  auto age = std::max<std::int64_t>(now_us - stamp_us_.load(kRelaxed), 0);
  return static_cast<std::int64_t>(static_cast<double>(value) *
                                   std::exp(-static_cast<double>(age) / kDecayUs));
}

void FaultWindow::Add(bool fault, std::int64_t now_us) {
  auto second = static_cast<std::uint64_t>(now_us / kSecondUs) & 0xffff'ffff;
  auto& slot = slots_[second % kSlots];
  auto seen = slot.load(kRelaxed);
  std::uint64_t next = 0;
  do {
    std::uint64_t counts = seen >> 32 == second ? seen & 0xffff'ffff : 0;
    auto attempts = std::min<std::uint64_t>((counts >> 16) + 1, 0xffff);
    auto faults = std::min<std::uint64_t>((counts & 0xffff) + (fault ? 1 : 0), 0xffff);
    next = second << 32 | attempts << 16 | faults;
  } while (!slot.compare_exchange_weak(seen, next, kRelaxed));
}

void FaultWindow::Clear() {
  for (auto& slot : slots_) slot.store(0, kRelaxed);
}

FaultWindow::Sum FaultWindow::Of(std::int64_t now_us) const {
  auto second = static_cast<std::uint64_t>(now_us / kSecondUs) & 0xffff'ffff;
  Sum sum;
  for (const auto& slot : slots_) {
    auto seen = slot.load(kRelaxed);
    if (second - (seen >> 32) >= kSlots) continue;
    sum.attempts += static_cast<int>(seen >> 16 & 0xffff);
    sum.faults += static_cast<int>(seen & 0xffff);
  }
  return sum;
}

DeploymentHealth::DeploymentHealth(std::string id, std::string provider,
                                   const BreakerOptions& options, const Clock& clock)
    : id_(std::move(id)), provider_(std::move(provider)), clock_(clock), options_(options) {}

void DeploymentHealth::SetBreaker(const BreakerOptions& options) {
  std::lock_guard lock(mutex_);
  options_ = options;
}

BreakerOptions DeploymentHealth::Breaker() const {
  std::lock_guard lock(mutex_);
  return options_;
}

std::int64_t DeploymentHealth::NowUs() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(clock_.Steady().time_since_epoch())
      .count();
}

DeploymentHealth::Ticket::Ticket(std::shared_ptr<DeploymentHealth> health, bool probe)
    : health_(std::move(health)), start_us_(health_->NowUs()), probe_(probe) {
  health_->in_flight_.fetch_add(1, kRelaxed);
}

DeploymentHealth::Ticket& DeploymentHealth::Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  End(AttemptOutcome::kCancelled);
  health_ = std::move(other.health_);
  start_us_ = other.start_us_;
  probe_ = other.probe_;
  repeats_ = other.repeats_;
  answered_ = other.answered_;
  return *this;
}

DeploymentHealth::Ticket::~Ticket() { End(AttemptOutcome::kCancelled); }

milliseconds DeploymentHealth::Ticket::Elapsed() const {
  return milliseconds(health_ ? (health_->NowUs() - start_us_) / 1000 : 0);
}

void DeploymentHealth::Ticket::FirstToken(bool streamed) {
  if (!health_ || answered_) return;
  answered_ = true;
  auto now = health_->NowUs();
  (streamed ? health_->first_token_ : health_->whole_).Observe(now - start_us_, now);
  if (streamed) health_->NoteQuiet(now - start_us_);
  health_->NoteUsual(streamed, now - start_us_, now);
  health_->Succeeded(probe_);
  // That has decided. A stream may go on for minutes: how it ends is one answer among others.
  probe_ = false;
}

void DeploymentHealth::Ticket::End(AttemptOutcome outcome,
                                   std::optional<milliseconds> retry_after) {
  if (!health_) return;
  auto health = std::move(health_);
  health_ = nullptr;
  health->in_flight_.fetch_sub(1, kRelaxed);
  health->outcomes_[static_cast<std::size_t>(outcome)].fetch_add(1, kRelaxed);
  auto now = health->NowUs();
  if (outcome == AttemptOutcome::kThrottled) {
    auto wait = retry_after ? retry_after->count() * 1000 : kThrottledDefaultUs;
    health->throttled_until_us_.store(now + wait, kRelaxed);
  }
  if (IsFault(outcome)) {
    if (repeats_) return;
    health->window_.Add(true, now);
    return health->Failed(outcome, probe_);
  }
  if (outcome == AttemptOutcome::kOk || outcome == AttemptOutcome::kCallers) {
    // It answered, whatever it thought of the request.
    health->window_.Add(false, now);
    return health->Succeeded(probe_);
  }
  // Nothing was learnt: the next one may be the probe.
  if (probe_) health->probe_until_us_.store(0, kRelaxed);
}

std::optional<DeploymentHealth::Ticket> DeploymentHealth::Admit() {
  auto until = open_until_us_.load(std::memory_order_acquire);
  if (until == 0) return Ticket(shared_from_this(), false);
  auto now = NowUs();
  if (now < until) return std::nullopt;
  auto probe = probe_until_us_.load(kRelaxed);
  if (now < probe) return std::nullopt;
  if (!probe_until_us_.compare_exchange_strong(probe, now + kProbeLeaseUs, kRelaxed)) {
    return std::nullopt;
  }
  return Ticket(shared_from_this(), true);
}

void DeploymentHealth::Count(Kind kind) {
  kinds_[static_cast<std::size_t>(kind)].fetch_add(1, kRelaxed);
}

void DeploymentHealth::Succeeded(bool probe) {
  in_row_.store(0, kRelaxed);
  if (!probe) return;  // it began before the breaker opened, so it says nothing of now
  trips_.store(0, kRelaxed);
  window_.Clear();
  open_until_us_.store(0, std::memory_order_release);
  probe_until_us_.store(0, kRelaxed);
}

void DeploymentHealth::Failed(AttemptOutcome outcome, bool probe) {
  auto until = open_until_us_.load(std::memory_order_acquire);
  auto in_row = in_row_.fetch_add(1, kRelaxed) + 1;
  if (until != 0 && !probe) return;
  auto sum = window_.Of(NowUs());
  const auto breaker = Breaker();
  bool share = sum.attempts >= breaker.attempts_min &&
               sum.faults >= breaker.fault_share * static_cast<double>(sum.attempts);
  if (probe || outcome == AttemptOutcome::kRefusedKey || in_row >= breaker.faults_in_row || share) {
    Trip(until, outcome);
  }
}

void DeploymentHealth::Trip(std::int64_t seen_open_until, AttemptOutcome why) {
  constexpr int kDoublingsMax = 16;
  auto trips = trips_.load(kRelaxed);
  const auto breaker = Breaker();
  milliseconds wait = breaker.open * (1LL << std::min(trips, kDoublingsMax));
  if (why == AttemptOutcome::kRefusedKey) wait *= kRefusedKeyFactor;
  wait = std::min(wait, breaker.open_max);
  // Up to a tenth less, so that deployments which failed together are not tried together.
  auto spread = Hash64(id_ + std::to_string(trips)) % 100;
  auto micros = wait.count() * (1000 - static_cast<std::int64_t>(spread));
  if (!open_until_us_.compare_exchange_strong(seen_open_until, NowUs() + micros,
                                              std::memory_order_acq_rel)) {
    return;  // another thread opened it at the same moment
  }
  trips_.store(trips + 1, kRelaxed);
  last_fault_.store(why, kRelaxed);
  in_row_.store(0, kRelaxed);
  window_.Clear();
  probe_until_us_.store(0, kRelaxed);
  opened_.fetch_add(1, kRelaxed);
}

void DeploymentHealth::Probed(AttemptOutcome outcome) {
  auto until = open_until_us_.load(std::memory_order_acquire);
  if (outcome == AttemptOutcome::kOk) {
    // Half open from now on; a request has the last word.
    if (until > NowUs()) open_until_us_.compare_exchange_strong(until, 1);
    return;
  }
  if (!IsFault(outcome)) return;
  window_.Add(true, NowUs());
  Failed(outcome, until != 0 && NowUs() >= until);
}

BreakerState DeploymentHealth::State() const {
  auto until = open_until_us_.load(std::memory_order_acquire);
  if (until == 0) return BreakerState::kClosed;
  return NowUs() < until ? BreakerState::kOpen : BreakerState::kHalfOpen;
}

milliseconds DeploymentHealth::OpenFor() const { return Until(open_until_us_.load(), NowUs()); }
AttemptOutcome DeploymentHealth::LastFault() const { return last_fault_.load(kRelaxed); }
bool DeploymentHealth::Throttled() const {
  const auto until = throttled_until_us_.load(kRelaxed);
  return until != 0 && until > NowUs();
}
milliseconds DeploymentHealth::ThrottledFor() const {
  return Until(throttled_until_us_.load(kRelaxed), NowUs());
}

double DeploymentHealth::Cost(bool streamed) const {
  auto latency = (streamed ? first_token_ : whole_).At(NowUs());
  return static_cast<double>(latency) * static_cast<double>(in_flight() + 1);
}

double DeploymentHealth::QuotaShare() const {
  auto fresh_us = quota_until_us_.load(kRelaxed) - NowUs();
  if (fresh_us <= 0) return -1;
  auto refilled = 1 - static_cast<double>(fresh_us) / static_cast<double>(kQuotaFreshUs);
  return std::min(quota_share_.load(kRelaxed) + refilled, 1.0);
}

// Follows faster times at once and slower ones by a hundredth, so that it forgets a luckier past.
void DeploymentHealth::NoteQuiet(std::int64_t first_token_us) {
  auto quiet = quiet_us_.load(kRelaxed);
  if (quiet > 0 && first_token_us > quiet) first_token_us = quiet + (first_token_us - quiet) / 100;
  quiet_us_.store(std::max<std::int64_t>(first_token_us, 1), kRelaxed);
}

// The other way round: follows slower times at once, so that one slow answer teaches patience, and
// forgets them over some dozens of faster ones.
void DeploymentHealth::NoteUsual(bool streamed, std::int64_t micros, std::int64_t now_us) {
  auto& usual = usual_us_[streamed ? 1 : 0];
  auto before = usual.load(kRelaxed);
  usual.store(micros >= before ? micros : before - (before - micros) / 20, kRelaxed);
  answered_us_.store(std::max<std::int64_t>(now_us, 1), kRelaxed);
}

milliseconds DeploymentHealth::Usual(bool streamed) const {
  return milliseconds(usual_us_[streamed ? 1 : 0].load(kRelaxed) / 1000);
}

bool DeploymentHealth::AnsweredWithin(milliseconds time) const {
  auto at = answered_us_.load(kRelaxed);
  return at != 0 && NowUs() - at < time.count() * 1000;
}

double DeploymentHealth::Queue() const {
  // Prompts of different lengths alone make first tokens differ by some times.
  constexpr double kUsualTimes = 4;
  constexpr double kFullTimes = 32;
  auto quiet = quiet_us_.load(kRelaxed);
  auto now = first_token_.At(NowUs());
  if (in_flight() < 2 || quiet == 0 || now <= quiet) return 0;
  double times = static_cast<double>(now) / static_cast<double>(quiet);
  return std::clamp(std::log(times / kUsualTimes) / std::log(kFullTimes / kUsualTimes), 0.0, 1.0);
}

void DeploymentHealth::SetQuotaShare(double share) {
  if (!(share >= 0)) return;
  quota_share_.store(std::min(share, 1.0), kRelaxed);
  quota_until_us_.store(NowUs() + kQuotaFreshUs, kRelaxed);
}

DeploymentReport DeploymentHealth::Report() const {
  auto now = NowUs();
  DeploymentReport out;
  out.id = id_;
  out.provider = provider_;
  out.breaker = State();
  out.last_fault = LastFault();
  out.open_for = OpenFor();
  out.throttled_for = ThrottledFor();
  out.in_flight = in_flight();
  out.first_token_us = first_token_.At(now);
  out.whole_us = whole_.At(now);
  out.quota_share = QuotaShare();
  for (const auto& kind : kinds_) out.attempts += kind.load(kRelaxed);
  out.retries = kinds_[static_cast<std::size_t>(Kind::kRetry)].load(kRelaxed);
  out.fallbacks = kinds_[static_cast<std::size_t>(Kind::kFallback)].load(kRelaxed);
  out.hedges = kinds_[static_cast<std::size_t>(Kind::kHedge)].load(kRelaxed);
  out.opened = opened_.load(kRelaxed);
  for (std::size_t i = 0; i < kAttemptOutcomes; ++i) out.outcomes[i] = outcomes_[i].load(kRelaxed);
  return out;
}

std::shared_ptr<DeploymentHealth> HealthBoard::Of(const std::string& id,
                                                  const std::string& provider) {
  std::lock_guard lock(mutex_);
  if (auto at = entries_.find(id); at != entries_.end()) return at->second.health;
  if (entries_.size() >= kDeploymentsMax) {
    std::erase_if(entries_, [](const auto& entry) { return entry.second.health.use_count() == 1; });
  }
  auto health = std::make_shared<DeploymentHealth>(id, provider, options_, clock_);
  if (entries_.size() < kDeploymentsMax) entries_.emplace(id, Entry{provider, health});
  return health;
}

void HealthBoard::SetBreaker(const BreakerOptions& options) {
  std::lock_guard lock(mutex_);
  options_ = options;
  for (auto& [id, entry] : entries_) entry.health->SetBreaker(options);
}

std::vector<DeploymentReport> HealthBoard::List() const {
  std::lock_guard lock(mutex_);
  std::vector<DeploymentReport> out;
  out.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) out.push_back(entry.health->Report());
  return out;
}

std::vector<std::shared_ptr<DeploymentHealth>> HealthBoard::OfProvider(
    std::string_view provider) const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<DeploymentHealth>> out;
  for (const auto& [id, entry] : entries_) {
    if (entry.provider == provider) out.push_back(entry.health);
  }
  return out;
}

}  // namespace strata::gateway
