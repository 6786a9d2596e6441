#include "knowledge/base/worker.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "base/caught.h"
#include "base/log.h"

namespace strata::knowledge {
namespace {

namespace asio = boost::asio;

// A job whose process died is taken over after the lease; a live one renews it thrice in that time.
constexpr std::chrono::seconds kLease{15};
constexpr std::chrono::seconds kBeat{5};
constexpr std::chrono::milliseconds kIdle{1000};

// Shared by a running job and the coroutine that keeps its lease.
struct Running {
  explicit Running(asio::io_context& io) : timer(io) {}
  asio::steady_timer timer;
  std::stop_source cancel;
  bool woken = false;  // look at the queue now, not at the next beat
  bool asked = false;  // somebody cancelled the job
  bool lost = false;   // the lease is another worker's
  bool ended = false;
};

// However its job ends, the lease is not renewed any more.
struct Ending {
  std::shared_ptr<Running>& running;
  ~Ending() {
    running->ended = true;
    running->timer.cancel();
    running.reset();
  }
};

}  // namespace

class Worker::Impl {
 public:
  Impl(store::JobQueue& jobs, std::vector<std::string> kinds, JobHandler handler)
      : jobs_(jobs), kinds_(std::move(kinds)), handler_(std::move(handler)), idle_(io_) {}

  void Start() {
    if (thread_.joinable()) return;
    asio::co_spawn(io_, Loop(), LogThrown{"kb.worker"});
    thread_ = std::thread([this] { io_.run(); });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      stopping_ = true;
      idle_.cancel();
      if (running_) running_->cancel.request_stop();
    });
    thread_.join();
  }

  void Wake() {
    asio::post(io_, [this] {
      woken_ = true;
      idle_.cancel();
      if (!running_) return;
      running_->woken = true;
      running_->timer.cancel();
    });
  }

 private:
  Task<void> Loop() {
    while (!stopping_) {
      woken_ = false;
      auto ran = co_await Caught("kb.worker", RunNext());
      if (ran.has_value() && *ran) continue;
      if (!ran.has_value()) {
        Log(Level::kWarning, "kb.worker.lease_failed", {{"error", ran.error().message()}});
      }
      if (!stopping_ && !woken_) co_await Wait(idle_, kIdle);
    }
  }

  // False: there was no job.
  Task<Result<bool>> RunNext() {
    auto kinds = kinds_;
    STRATA_CO_TRY(auto leased, co_await jobs_.Lease(std::move(kinds), kLease));
    if (!leased) co_return false;
    co_await RunJob(std::move(*leased));
    co_return true;
  }

  static Task<void> Wait(asio::steady_timer& timer, std::chrono::milliseconds time) {
    timer.expires_after(time);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  Task<void> RunJob(store::Job job) {
    auto running = std::make_shared<Running>(io_);
    auto outcome = co_await RunLeased(job, running);
    if (running->lost) co_return;
    if (!outcome.has_value()) {
      outcome = JobOutcome{.kind = JobOutcome::Kind::kFailed, .error = outcome.error().message()};
    }
    co_await Settle(std::move(job), std::move(*outcome));
  }

  Task<Result<JobOutcome>> RunLeased(const store::Job& job, std::shared_ptr<Running> running) {
    running_ = running;
    const Ending ending{running_};
    if (stopping_) running->cancel.request_stop();
    asio::co_spawn(io_, KeepLease(job, running), LogThrown{"kb.keep_lease"});
    std::function<bool()> asked = [running] { return running->asked; };
    auto handled = handler_(job, running->cancel.get_token(), std::move(asked));
    co_return co_await Caught("kb.job", std::move(handled));
  }

  Task<void> KeepLease(store::Job job, std::shared_ptr<Running> running) {
    while (!running->ended) {
      if (!running->woken) co_await Wait(running->timer, kBeat);
      running->woken = false;
      if (running->ended) co_return;
      auto beat = co_await Caught("kb.keep_lease", jobs_.Heartbeat(job, JsonText{"{}"}, kLease));
      if (beat.has_value()) continue;
      if (beat.error().code() == Code::kCancelled) running->asked = true;
      if (beat.error().code() == Code::kConflict) running->lost = true;
      if (running->asked || running->lost) {
        running->cancel.request_stop();
        co_return;
      }
    }
  }

  Task<void> Settle(store::Job job, JobOutcome outcome) {
    using Kind = JobOutcome::Kind;
    using Retry = store::JobQueue::Retry;
    Result<> settled;
    switch (outcome.kind) {
      case Kind::kDone:
        settled = co_await jobs_.Complete(std::move(job), JsonText{"{}"});
        break;
      case Kind::kStopped:
        settled = co_await jobs_.Cancelled(std::move(job));
        break;
      case Kind::kFailed:
        settled = co_await jobs_.Fail(std::move(job), std::move(outcome.error), Retry::kPermanent);
        break;
      case Kind::kRetry:
        settled = co_await jobs_.Fail(std::move(job), std::move(outcome.error), Retry::kYes);
        break;
      case Kind::kGiveBack:
        settled = co_await jobs_.GiveBack(std::move(job));
        break;
    }
    if (!settled.has_value()) {
      Log(Level::kWarning, "kb.worker.settle_failed", {{"error", settled.error().message()}});
    }
  }

  store::JobQueue& jobs_;
  const std::vector<std::string> kinds_;
  const JobHandler handler_;
  asio::io_context io_;
  asio::steady_timer idle_;
  std::thread thread_;
  // Of the thread of io_ only.
  bool stopping_ = false;
  bool woken_ = false;
  std::shared_ptr<Running> running_;
};

Worker::Worker(store::JobQueue& jobs, std::vector<std::string> kinds, JobHandler handler)
    : impl_(std::make_unique<Impl>(jobs, std::move(kinds), std::move(handler))) {}
Worker::~Worker() { Stop(); }
void Worker::Start() { impl_->Start(); }
void Worker::Stop() { impl_->Stop(); }
void Worker::Wake() { impl_->Wake(); }

}  // namespace strata::knowledge
