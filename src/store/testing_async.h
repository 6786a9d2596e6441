#pragma once
// Runs a Task to its end on an io_context of its own. Includes Asio: for test sources only.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

#include "base/task.h"

namespace strata::store {

template <class T>
T RunTask(Task<T> task) {
  boost::asio::io_context io;
  std::optional<T> out;
  std::exception_ptr thrown;
  auto done = [&](std::exception_ptr error, std::optional<T> value) {
    thrown = error;
    out = std::move(value);
  };
  auto wrap = [](Task<T> inner) -> Task<std::optional<T>> { co_return co_await std::move(inner); };
  boost::asio::co_spawn(io, wrap(std::move(task)), done);
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*out);
}

}  // namespace strata::store
