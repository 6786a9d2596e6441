#include "base/pool.h"

#include <fmt/format.h>
#include <pthread.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace strata {

namespace asio = boost::asio;

// A thread is started when work comes and none is free: most pools of a server at rest have none,
// and a thread's stack and heap cost about 100 KiB.
struct Pool::State {
  std::string name;
  std::size_t threads_max;
  std::size_t waiting_max;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  bool closing = false;
  std::size_t free = 0;  // threads that wait for work
  std::vector<std::thread> threads;

  // With the lock held. False: there is no thread, and the system gives none.
  bool StartThreadFor(std::size_t waiting) {
    if (free >= waiting || threads.size() >= threads_max) return true;
    try {
      threads.emplace_back([this] { Loop(); });
    } catch (const std::system_error&) {
      return !threads.empty();
    }
    pthread_setname_np(threads.back().native_handle(), name.substr(0, 15).c_str());
    return true;
  }

  void Loop() {
    std::unique_lock lock(mutex);
    while (true) {
      ++free;
      wake.wait(lock, [&] { return closing || !queue.empty(); });
      --free;
      if (queue.empty()) return;
      auto work = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }
};

Pool::Pool(std::string name, std::size_t threads, std::size_t waiting_max)
    : name_(std::move(name)), state_(std::make_unique<State>()) {
  state_->name = name_;
  state_->threads_max = threads;
  state_->waiting_max = waiting_max;
}

Pool::~Pool() {
  {
    std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

Result<> Pool::Post(std::function<void()> work) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->closing) return Fail(Code::kUnavailable, fmt::format("pool {} is closing", name_));
    if (state_->queue.size() >= state_->waiting_max) {
      return Fail(Error(Code::kUnavailable, fmt::format("pool {} has {} items waiting, its limit",
                                                        name_, state_->waiting_max))
                      .RetryAfter(std::chrono::seconds(1)));
    }
    if (!state_->StartThreadFor(state_->queue.size() + 1)) {
      return Fail(Code::kUnavailable, fmt::format("pool {} cannot start a thread", name_));
    }
    state_->queue.push_back(std::move(work));
  }
  state_->wake.notify_one();
  return {};
}

std::size_t Pool::waiting() const {
  std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

Task<Result<>> Pool::Run(std::function<void()> work) {
  std::exception_ptr thrown;
  std::optional<Error> refused;
  // The initiating function runs inside the caller's coroutine frame, which outlives the operation.
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [&](auto handler) {
        auto executor = asio::get_associated_executor(handler);
        using Guard = asio::executor_work_guard<decltype(executor)>;
        struct Pending {
          decltype(handler) resume;
          Guard guard;
        };
        auto pending = std::make_shared<Pending>(Pending{std::move(handler), Guard(executor)});
        // Moves on what it resumes: afterwards the pool's thread holds nothing of an io_context
        // that may end with this coroutine.
        auto complete = [pending, executor] {
          asio::post(executor,
                     [taken = std::move(*pending)]() mutable { std::move(taken.resume)(); });
        };
        auto posted = Post([&thrown, work = std::move(work), complete] {
          try {
            work();
          } catch (...) {
            thrown = std::current_exception();
          }
          complete();
        });
        if (!posted.has_value()) {
          refused = std::move(posted.error());
          complete();
        }
      },
      asio::use_awaitable);
  if (refused) co_return std::unexpected(std::move(*refused));
  if (thrown) std::rethrow_exception(thrown);
  co_return Result<>{};
}

}  // namespace strata
