#pragma once
// What every upstream call waits under. Only for .cc files: it needs Asio.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "base/result.h"
#include "net/internal/event.h"

namespace strata::net {

// Puts a call (BeginCall … EndCall) under a deadline and a stop token: either makes the coroutine
// that waits on event() see interrupted(). Lives on one io thread; the token may stop on any.
class CallGuard : public std::enable_shared_from_this<CallGuard> {
 public:
  explicit CallGuard(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)), event_(executor_), timer_(executor_) {}
  virtual ~CallGuard() { EndCall(); }

  void BeginCall(SteadyTime deadline, std::stop_token cancel);
  void EndCall();

  // Why the call ended before its answer did.
  const std::optional<Error>& interrupted() const { return interrupted_; }
  Event& event() { return event_; }
  const boost::asio::any_io_executor& executor() const { return executor_; }

  // Destroys the coroutine that waits.
  virtual void Abandon() { event_.Abandon(); }

 protected:
  // The call was just interrupted: stop what it does.
  virtual void OnInterrupted() {}
  bool in_call() const { return in_call_; }

 private:
  struct OnStop {
    std::weak_ptr<CallGuard> guard;
    boost::asio::any_io_executor executor;
    std::uint64_t call;
    void operator()() const;
  };
  void Interrupt(Error error);
  void Arm(SteadyTime at);

  boost::asio::any_io_executor executor_;
  Event event_;
  // Set for the earliest deadline so far and left alone by calls that end later: a call on a kept
  // connection costs no timer.
  boost::asio::steady_timer timer_;
  SteadyTime armed_ = SteadyTime::max();
  SteadyTime deadline_ = SteadyTime::max();
  std::optional<std::stop_callback<OnStop>> on_stop_;
  std::optional<Error> interrupted_;
  std::uint64_t call_ = 0;  // tells a late stop from this call's own
  bool in_call_ = false;
};

}  // namespace strata::net
