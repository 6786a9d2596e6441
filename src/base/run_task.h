#pragma once
// Runs a Task to its end on the calling thread: for start-up, commands and tests, never on an io
// thread. Includes Asio: for .cc files only.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/task.h"

namespace strata {

// Blocks; rethrows what the task throws. Not from within a task. The io_context lives as long as
// the thread: a pool's thread may still be returning from waking it when the task has ended.
template <class T>
T RunTask(Task<T> task) {
  static thread_local boost::asio::io_context io;
  std::optional<T> out;
  std::exception_ptr thrown;
  auto done = [&](std::exception_ptr error, std::optional<T> value) {
    thrown = std::move(error);
    out = std::move(value);
  };
  // co_spawn default-constructs its result, which T need not allow.
  auto boxed = [](Task<T> inner) -> Task<std::optional<T>> { co_return co_await std::move(inner); };
  boost::asio::co_spawn(io, boxed(std::move(task)), done);
  io.restart();
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*out);
}

}  // namespace strata
