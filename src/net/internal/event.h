#pragma once
// Lets one coroutine wait for something that a callback on the same io thread reports. Only for
// .cc files: it needs Asio.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <utility>

#include "base/task.h"

namespace strata::net {

// Auto-reset, one waiter. Used on one thread. A notification without a waiter is kept for the next
// Wait, so wait in a loop that tests the condition itself.
class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  Task<void> Wait() {
    if (!std::exchange(signalled_, false)) {
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
          [this](auto handler) { waiter_ = std::move(handler); }, boost::asio::use_awaitable);
    }
  }

  // Resumes the waiter from the executor's queue, never from within this call.
  void Notify() {
    if (waiter_) {
      boost::asio::post(executor_, std::exchange(waiter_, nullptr));
    } else {
      signalled_ = true;
    }
  }

  // Destroys a coroutine that waits (it is unwound from the executor's queue).
  void Abandon() { std::exchange(waiter_, nullptr); }

  const boost::asio::any_io_executor& executor() const { return executor_; }

 private:
  boost::asio::any_io_executor executor_;
  std::move_only_function<void()> waiter_;
  bool signalled_ = false;
};

}  // namespace strata::net
