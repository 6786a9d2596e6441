#include "provider/remote/stall_watch.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "base/format_message.h"

namespace strata::provider::remote {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

}  // namespace

// Shared with the timer's handler, which may run once more after the watch is gone.
struct StallWatch::State : std::enable_shared_from_this<State> {
  State(const asio::any_io_executor& executor, std::shared_ptr<Cancel> call, milliseconds longest)
      : timer(executor), cancel(std::move(call)), limit(longest) {}

  void Wait() {
    waiting_since = steady_clock::now();
    waiting = true;
    if (!armed) Arm(limit);
  }

  void Arm(milliseconds wait) {
    armed = true;
    timer.expires_after(wait);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      self->armed = false;
      if (!error && self->waiting) self->Look();
    });
  }

  void Look() {
    const auto left =
        limit - std::chrono::duration_cast<milliseconds>(steady_clock::now() - waiting_since);
    if (left > milliseconds(0)) return Arm(left);
    stalled = true;
    cancel->source.request_stop();
  }

  asio::steady_timer timer;
  const std::shared_ptr<Cancel> cancel;
  const milliseconds limit;
  steady_clock::time_point waiting_since;
  bool waiting = false;
  bool armed = false;
  bool stalled = false;
};

StallWatch::~StallWatch() {
  if (!state_) return;
  state_->waiting = false;
  state_->timer.cancel();
}

Task<Result<std::string_view>> StallWatch::Read(net::ClientResponse& response) {
  if (!begun_ || cancel_ == nullptr || limit_.count() == 0) {
    begun_ = true;
    co_return co_await response.Read();
  }
  if (!state_) {
    state_ = std::make_shared<State>(co_await asio::this_coro::executor, cancel_, limit_);
  }
  state_->Wait();
  auto bytes = co_await response.Read();
  state_->waiting = false;
  if (!bytes.has_value() && state_->stalled) {
    co_return Fail(Code::kUnavailable, FormatMessage("the answer stopped: nothing came for {} ms "
                                                     "(provider.stream_idle_ms)",
                                                     limit_.count()));
  }
  co_return bytes;
}

}  // namespace strata::provider::remote
