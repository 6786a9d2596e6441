#pragma once
// Bounded, named thread pools for work that blocks (SQLite, parsing, inference): io threads only
// cross over to them by co_await. Interactive work never waits for background work.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "base/task.h"
#include "base/urgency.h"

namespace strata {

// Lets the calling thread, and the processes it starts, run behind others: about a tenth of a core
// that others want, all of one that is free. For its whole life, as the way back needs privileges.
void LowerThreadPriority();

// A pool has a lane for each urgency, with threads and a queue of its own. The background lane's
// threads have lowered priority, so the operating system shares out the cores: neither lane holds
// up the other's queue, and background work goes on however busy the other lane is.
//
// Thread-safe. The destructor refuses new work, lets what was accepted finish, and joins its
// threads, so destroy pools before the io_contexts whose coroutines wait on them.
class Pool {
 public:
  // `threads` >= 1; `waiting_max`: work items that may wait beside the running ones; one more is
  // refused. Both are of one lane.
  Pool(std::string name, std::size_t threads, std::size_t waiting_max);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Runs `work` on the pool without anybody waiting for it: an exception of it is logged.
  // kUnavailable when the queue is full or closing.
  Result<> Post(std::function<void()> work, Urgency urgency = Urgency::kInteractive);

  // Runs `work` on the pool and resumes the caller on its own executor. An exception of `work` is
  // rethrown there. kUnavailable when the queue is full. `work` is not run in that case.
  Task<Result<>> Run(std::function<void()> work, Urgency urgency = Urgency::kInteractive);

  std::size_t waiting() const;  // in both lanes
  const std::string& name() const { return name_; }

 private:
  struct State;
  std::string name_;
  std::unique_ptr<State> state_;
};

// `work` returns a Result<T>; so does the Task. `work` is kept alive until it has run; what it
// captures by reference must be too (locals of the awaiting coroutine are).
template <class F>
Task<std::invoke_result_t<F>> RunBlocking(Pool& pool, F work,
                                          Urgency urgency = Urgency::kInteractive) {
  std::optional<std::invoke_result_t<F>> out;
  auto accepted = co_await pool.Run([&] { out.emplace(work()); }, urgency);
  if (!accepted.has_value()) co_return std::unexpected(std::move(accepted.error()));
  co_return std::move(*out);
}

}  // namespace strata
