#pragma once
// What the tests of this folder share: the shipped models' paths, and running a coroutine.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include "base/task.h"
#include "provider/llama/backend.h"
#include "provider/llama/shipped.h"

namespace strata::provider::llama::testing {

// Fails the test when the file is missing: setup always makes it.
inline std::string ShippedModel(std::string_view file) {
  auto started = StartBackends(DefaultBackendFolder());
  EXPECT_TRUE(started.has_value()) << started.error().message();
  auto path = std::filesystem::path(DefaultModelsFolder()) / file;
  EXPECT_TRUE(std::filesystem::exists(path)) << path << ": build the target strata_models";
  return path.string();
}

// An io_context that outlives every model, as the models ask for: their threads post to it. Leaked,
// so that it also outlives static ones.
inline boost::asio::io_context& TestIo() {
  static auto* io = new boost::asio::io_context();
  io->restart();
  return *io;
}

// Runs `task` to its end.
template <class T>
T RunTask(Task<T> task) {
  auto& io = TestIo();
  std::optional<T> out;
  std::exception_ptr thrown;
  auto body = [&]() -> Task<void> { out.emplace(co_await std::move(task)); };
  boost::asio::co_spawn(io, body, [&](std::exception_ptr e) { thrown = e; });
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*out);
}

}  // namespace strata::provider::llama::testing
