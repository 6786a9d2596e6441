#pragma once
// Bounded, named thread pools for work that blocks (SQLite, parsing, inference): io threads only
// cross over to them by co_await.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "base/task.h"

namespace strata {

// Thread-safe. The destructor refuses new work, lets what was accepted finish, and joins its
// threads, so destroy pools before the io_contexts whose coroutines wait on them.
class Pool {
 public:
  // `threads` >= 1; `waiting_max`: work items that may wait beside the running ones; one more is
  // refused.
  Pool(std::string name, std::size_t threads, std::size_t waiting_max);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Runs `work` on the pool without anybody waiting for it. kUnavailable when the queue is full or
  // closing.
  Result<> Post(std::function<void()> work);

  // Runs `work` on the pool and resumes the caller on its own executor. An exception of `work` is
  // rethrown there. kUnavailable when the queue is full. `work` is not run in that case.
  Task<Result<>> Run(std::function<void()> work);

  std::size_t waiting() const;
  const std::string& name() const { return name_; }

 private:
  struct State;
  std::string name_;
  std::unique_ptr<State> state_;
};

// `work` returns a Result<T>; so does the Task. `work` is kept alive until it has run; what it
// captures by reference must be too (locals of the awaiting coroutine are).
template <class F>
Task<std::invoke_result_t<F>> RunBlocking(Pool& pool, F work) {
  std::optional<std::invoke_result_t<F>> out;
  auto accepted = co_await pool.Run([&] { out.emplace(work()); });
  if (!accepted.has_value()) co_return std::unexpected(std::move(accepted.error()));
  co_return std::move(*out);
}

}  // namespace strata
