#include "tests/fakes/gate.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace strata::fakes {

namespace asio = boost::asio;

struct Gate::State {
  using Timer = std::shared_ptr<asio::steady_timer>;
  std::mutex mutex;
  std::condition_variable arrived;
  bool open = false;
  bool reached = false;
  std::vector<Timer> waiting;

  // A timer is touched on its own thread only.
  static void Wake(const Timer& timer) {
    asio::post(timer->get_executor(), [timer] { timer->cancel(); });
  }
};

Gate::Gate() : state_(std::make_shared<State>()) {}

void Gate::Open() {
  std::lock_guard lock(state_->mutex);
  state_->open = true;
  for (const auto& timer : state_->waiting) State::Wake(timer);
  state_->waiting.clear();
}

Task<Result<>> Gate::Pass(RequestContext& ctx) const {
  auto state = state_;
  auto executor = co_await asio::this_coro::executor;
  auto timer = std::make_shared<asio::steady_timer>(executor, ctx.deadline);
  bool open = false;
  {
    std::lock_guard lock(state->mutex);
    open = state->open;
    state->reached = true;
    if (!open) state->waiting.push_back(timer);
  }
  state->arrived.notify_all();
  if (!open) {
    auto wake = [timer] { State::Wake(timer); };
    std::stop_callback on_cancel(ctx.cancel, wake);
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    // A timer must not outlive its io_context, which the gate may.
    std::lock_guard lock(state->mutex);
    std::erase(state->waiting, timer);
  }
  co_return ctx.CheckAlive();
}

void Gate::AwaitArrival() const {
  std::unique_lock lock(state_->mutex);
  state_->arrived.wait(lock, [&] { return state_->reached; });
}

}  // namespace strata::fakes
