#include "net/runtime.h"

#include <pthread.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "base/caught.h"
#include "net/internal/event.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

struct Sleeper {
  explicit Sleeper(const asio::any_io_executor& executor) : timer(executor), event(executor) {}
  asio::steady_timer timer;
  Event event;
  bool elapsed = false;
};

}  // namespace

Task<Result<>> Sleep(std::chrono::milliseconds duration, std::stop_token cancel) {
  auto executor = co_await asio::this_coro::executor;
  // The timer's handler owns the sleeper, and the sleeper the waiting coroutine: when the
  // io_context ends, all go together.
  auto sleeper = std::make_shared<Sleeper>(executor);
  sleeper->timer.expires_after(duration);
  sleeper->timer.async_wait([sleeper](boost::system::error_code error) {
    sleeper->elapsed = !error;
    sleeper->event.Notify();
  });
  std::stop_callback on_cancel(cancel, [weak = std::weak_ptr(sleeper), executor] {
    asio::post(executor, [weak] {
      if (auto alive = weak.lock()) alive->timer.cancel();
    });
  });
  co_await sleeper->event.Wait();
  if (!sleeper->elapsed) co_return Fail(Code::kCancelled, "cancelled while waiting");
  co_return Result<>{};
}

struct Runtime::State {
  struct Thread {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
  };
  std::vector<std::unique_ptr<Thread>> threads;
  std::atomic<std::size_t> next = 0;

  asio::io_context& Next() {
    return threads[next.fetch_add(1, std::memory_order_relaxed) % threads.size()]->context;
  }
};

Runtime::Runtime(std::size_t threads) : state_(std::make_unique<State>()) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, threads); ++i) {
    auto& added = *state_->threads.emplace_back(std::make_unique<State::Thread>());
    added.thread = std::thread([&context = added.context] { context.run(); });
    pthread_setname_np(added.thread.native_handle(), ("net-rt-" + std::to_string(i)).c_str());
  }
}

Runtime::~Runtime() {
  for (auto& each : state_->threads) each->context.stop();
  for (auto& each : state_->threads) each->thread.join();
}

void Runtime::RunToEnd(Task<void> task) {
  std::promise<void> ended;
  asio::co_spawn(state_->Next(), std::move(task), [&ended](std::exception_ptr thrown) {
    if (thrown) {
      ended.set_exception(thrown);
    } else {
      ended.set_value();
    }
  });
  ended.get_future().get();
}

void Runtime::Spawn(Task<void> task) {
  asio::co_spawn(state_->Next(), std::move(task), LogThrown{"net.background_task"});
}

}  // namespace strata::net
