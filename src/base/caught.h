#pragma once
// The last catch of work that no request waits for: a job, a round of a loop, a task of its own.
// What it throws becomes a line in the log and an Error, so that its owner goes on.

#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/task.h"

namespace strata {

// What an exception says of itself: for the log.
std::string WhatThrown(const std::exception_ptr& thrown);

// Logs what was thrown, and says as kInternal that `work` ("kb.sync") failed: without the
// exception's text, as owners show the error to callers.
Error ThrownError(std::string_view work, const std::exception_ptr& thrown);

// Runs `task` to its end; kInternal, logged, when it throws. `work` is a literal.
template <class T>
Task<Result<T>> Caught(std::string_view work, Task<Result<T>> task) {
  std::exception_ptr thrown;
  try {
    co_return co_await std::move(task);
  } catch (...) {
    thrown = std::current_exception();
  }
  co_return Fail(ThrownError(work, thrown));
}

// The same of a task that has no errors of its own.
template <class T>
Task<Result<T>> Caught(std::string_view work, Task<T> task) {
  auto as_result = [](Task<T> inner) -> Task<Result<T>> {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(inner);
      co_return Result<>{};
    } else {
      co_return co_await std::move(inner);
    }
  };
  co_return co_await Caught(work, as_result(std::move(task)));
}

// Calls `work_of`, which waits for nothing.
template <class F>
void CallCaught(std::string_view work, F&& work_of) {
  try {
    std::forward<F>(work_of)();
  } catch (...) {
    ThrownError(work, std::current_exception());
  }
}

// For co_spawn, where nobody waits for the end.
struct LogThrown {
  std::string_view work;  // a literal
  void operator()(const std::exception_ptr& thrown) const {
    if (thrown) ThrownError(work, thrown);
  }
};

}  // namespace strata
