#include "base/context.h"

#include <algorithm>

namespace strata {

std::chrono::milliseconds RequestFacts::TimeLeft() const {
  if (deadline == SteadyTime::max()) return std::chrono::hours(24);
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock->Steady());
  return std::max(left, std::chrono::milliseconds(0));
}

Result<> RequestFacts::CheckAlive() const {
  if (cancelled()) return Fail(Code::kCancelled, "the client has gone away");
  if (deadline != SteadyTime::max() && clock->Steady() >= deadline) {
    return Fail(Code::kDeadlineExceeded, "the request's deadline has passed");
  }
  return {};
}

}  // namespace strata
