#include "base/pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/background.h"
#include "base/caught.h"
#include "base/format_message.h"

namespace strata {

namespace asio = boost::asio;

namespace {

// Work of one urgency. A thread is started when work comes and none is free: most pools of a server
// at rest have none, and a thread's stack and heap cost about 100 KiB.
struct Lane {
  Urgency urgency = Urgency::kInteractive;
  std::string thread_name;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  std::size_t free = 0;  // threads that wait for work
  std::vector<std::thread> threads;
};

}  // namespace

void LowerThreadPriority() {
  // Of the calling thread: on Linux each has a niceness of its own, which it inherits from the one
  // that starts it. So what is lowered is that of the main thread, whose number the process has.
  // Refused, it stays as it is.
  errno = 0;
  const int whole = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid()));
  if (errno == 0) ::setpriority(PRIO_PROCESS, 0, whole + BackgroundNice());
}

struct Pool::State {
  std::size_t threads_max;
  std::size_t waiting_max;
  mutable std::mutex mutex;
  bool closing = false;
  std::array<Lane, 2> lanes;

  Lane& LaneOf(Urgency urgency) { return lanes[static_cast<std::size_t>(urgency)]; }

  // With the lock held. False: there is no thread, and the system gives none. A lowered thread's
  // priority would be inherited, so background work posts no interactive work.
  bool StartThreadFor(Lane& lane, std::size_t waiting) {
    if (lane.free >= waiting || lane.threads.size() >= threads_max) return true;
    try {
      lane.threads.emplace_back([this, &lane] { Loop(lane); });
    } catch (const std::system_error&) {
      return !lane.threads.empty();
    }
    pthread_setname_np(lane.threads.back().native_handle(), lane.thread_name.c_str());
    return true;
  }

  void Loop(Lane& lane) {
    std::optional<BackgroundThread> counted;
    if (lane.urgency == Urgency::kBackground) {
      LowerThreadPriority();
      counted.emplace();
    }
    std::unique_lock lock(mutex);
    while (true) {
      ++lane.free;
      lane.wake.wait(lock, [&] { return closing || !lane.queue.empty(); });
      --lane.free;
      if (lane.queue.empty()) return;
      auto work = std::move(lane.queue.front());
      lane.queue.pop_front();
      lock.unlock();
      CallCaught("base.pool", work);  // else it would end the process
      work = nullptr;
      lock.lock();
    }
  }
};

Pool::Pool(std::string name, std::size_t threads, std::size_t waiting_max)
    : name_(std::move(name)), state_(std::make_unique<State>()) {
  constexpr std::size_t kThreadNameMax = 15;  // of the kernel
  const std::string_view mark = "-bg";
  state_->threads_max = threads;
  state_->waiting_max = waiting_max;
  state_->LaneOf(Urgency::kInteractive).thread_name = name_.substr(0, kThreadNameMax);
  auto& background = state_->LaneOf(Urgency::kBackground);
  background.urgency = Urgency::kBackground;
  background.thread_name = name_.substr(0, kThreadNameMax - mark.size()).append(mark);
}

Pool::~Pool() {
  {
    std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  for (auto& lane : state_->lanes) lane.wake.notify_all();
  for (auto& lane : state_->lanes) {
    for (auto& thread : lane.threads) thread.join();
  }
}

Result<> Pool::Post(std::function<void()> work, Urgency urgency) {
  auto& lane = state_->LaneOf(urgency);
  {
    std::lock_guard lock(state_->mutex);
    if (state_->closing)
      return Fail(Code::kUnavailable, FormatMessage("pool {} is closing", Own(name_)));
    if (lane.queue.size() >= state_->waiting_max) {
      return Fail(Error(Code::kUnavailable, FormatMessage("pool {} has {} items waiting, its limit",
                                                          Own(name_), state_->waiting_max))
                      .RetryAfter(std::chrono::seconds(1)));
    }
    if (!state_->StartThreadFor(lane, lane.queue.size() + 1)) {
      return Fail(Code::kUnavailable, FormatMessage("pool {} cannot start a thread", Own(name_)));
    }
    lane.queue.push_back(std::move(work));
  }
  lane.wake.notify_one();
  return {};
}

std::size_t Pool::waiting() const {
  std::lock_guard lock(state_->mutex);
  return state_->lanes[0].queue.size() + state_->lanes[1].queue.size();
}

Task<Result<>> Pool::Run(std::function<void()> work, Urgency urgency) {
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
        auto posted = Post(
            [&thrown, work = std::move(work), complete] {
              try {
                work();
              } catch (...) {
                thrown = std::current_exception();
              }
              complete();
            },
            urgency);
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
