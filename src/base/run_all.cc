#include "base/run_all.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>

namespace strata {

namespace asio = boost::asio;

Task<void> RunAll(std::vector<Task<void>> tasks) {
  struct Gathered {
    asio::steady_timer wake;
    std::size_t running;
    std::exception_ptr thrown = nullptr;
  };
  auto executor = co_await asio::this_coro::executor;
  // Shared, as the tasks may outlive this frame when the process stops.
  auto all = std::make_shared<Gathered>(asio::steady_timer(executor), tasks.size());
  for (auto& task : tasks) {
    asio::co_spawn(executor, std::move(task), [all](std::exception_ptr thrown) {
      if (thrown) all->thrown = std::move(thrown);
      --all->running;
      all->wake.cancel();
    });
  }
  while (all->running > 0) {
    all->wake.expires_after(std::chrono::hours(24));
    boost::system::error_code ignored;
    co_await all->wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (all->thrown) std::rethrow_exception(all->thrown);
}

}  // namespace strata
