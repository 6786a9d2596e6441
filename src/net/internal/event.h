#pragma once
// Lets one coroutine wait for something that a callback on the same io thread reports. Only for
// .cc files: it needs Asio.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "base/task.h"

namespace strata::net {

// Auto-reset, one waiter. Used on one thread. A notification without a waiter is kept for the next
// Wait, so wait in a loop that tests the condition itself.
//
// Waiting takes no coroutine frame and no allocation: the waiter's stack of coroutines is taken off
// Asio's hands and put back, as use_awaitable does, with the same part of Asio that it uses.
class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // co_await it in a Task.
  auto Wait() {
    return [this](Frame* frame) -> Coroutines* {
      // Left where it is, the coroutine goes on at once.
      if (!std::exchange(signalled_, false)) waiter_.emplace(std::move(*frame->detach_thread()));
      return nullptr;
    };
  }

  // Resumes the waiter from the executor's queue, never from within this call.
  void Notify() {
    if (!waiter_) {
      signalled_ = true;
      return;
    }
    boost::asio::post(executor_, [waiter = Take()]() mutable { waiter.launch(); });
  }

  // Resumes the waiter within this call, which may destroy the event's owner: the last thing that a
  // callback does.
  void NotifyNow() {
    if (!waiter_) {
      signalled_ = true;
      return;
    }
    auto waiter = Take();
    waiter.launch();
  }

  // Destroys a coroutine that waits (it is unwound from the executor's queue).
  void Abandon() { waiter_.reset(); }

  const boost::asio::any_io_executor& executor() const { return executor_; }

 private:
  using Frame = boost::asio::detail::awaitable_frame_base<boost::asio::any_io_executor>;
  using Coroutines = boost::asio::detail::awaitable_thread<boost::asio::any_io_executor>;

  Coroutines Take() {
    Coroutines taken = std::move(*waiter_);
    waiter_.reset();
    return taken;
  }

  boost::asio::any_io_executor executor_;
  std::optional<Coroutines> waiter_;
  bool signalled_ = false;
};

}  // namespace strata::net
