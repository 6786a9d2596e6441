#pragma once
// Io threads for programs that run no Server: the command line, tools and tests. And Sleep, for
// any coroutine.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/task.h"

namespace strata::net {

// Waits on the caller's io thread. kCancelled as soon as `cancel` stops.
Task<Result<>> Sleep(std::chrono::milliseconds duration, std::stop_token cancel = {});

// Owns io threads with one io_context each. Thread-safe. The destructor stops the threads and
// destroys coroutines that still wait, so destroy what they use afterwards.
class Runtime {
 public:
  explicit Runtime(std::size_t threads = 1);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Runs `task` on an io thread and blocks the calling thread until it ends. An exception of the
  // task is rethrown here. Must not be called on an io thread.
  template <class T>
  T Run(Task<T> task) {
    std::optional<T> out;
    RunToEnd(Store<T>(std::move(task), &out));
    return std::move(*out);
  }
  void Run(Task<void> task) { RunToEnd(std::move(task)); }

  // Runs `task` on an io thread without waiting. An exception is logged.
  void Spawn(Task<void> task);

 private:
  template <class T>
  static Task<void> Store(Task<T> task, std::optional<T>* out) {
    out->emplace(co_await std::move(task));
  }
  void RunToEnd(Task<void> task);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::net
