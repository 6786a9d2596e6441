#include "net/client/call_guard.h"

#include <boost/asio/post.hpp>

namespace strata::net {

void CallGuard::OnStop::operator()() const {
  boost::asio::post(executor, [guard = guard, call = call] {
    auto self = guard.lock();
    if (!self || !self->in_call_ || self->call_ != call) return;
    self->Interrupt(Error(Code::kCancelled, "cancelled during an upstream call"));
  });
}

void CallGuard::BeginCall(SteadyTime deadline, std::stop_token cancel) {
  ++call_;
  in_call_ = true;
  deadline_ = deadline;
  if (deadline < armed_) Arm(deadline);
  if (cancel.stop_possible()) {
    on_stop_.emplace(std::move(cancel), OnStop{weak_from_this(), executor_, call_});
  }
}

void CallGuard::EndCall() {
  in_call_ = false;
  on_stop_.reset();
}

void CallGuard::Arm(SteadyTime at) {
  armed_ = at;
  timer_.expires_at(at);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    auto self = error ? nullptr : weak.lock();
    if (!self) return;
    self->armed_ = SteadyTime::max();
    if (!self->in_call_) return;
    if (self->deadline_ > std::chrono::steady_clock::now()) return self->Arm(self->deadline_);
    self->Interrupt(Error(Code::kDeadlineExceeded, "the deadline passed during an upstream call"));
  });
}

void CallGuard::Interrupt(Error error) {
  if (!interrupted_) interrupted_ = std::move(error);
  OnInterrupted();
  event_.Notify();
}

}  // namespace strata::net
