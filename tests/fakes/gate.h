#pragma once
// A gate in a fake's script: whoever reaches it waits until the test opens it, so that tests order
// events without sleeping.

#include <memory>

#include "base/context.h"
#include "base/task.h"

namespace strata::fakes {

// Thread-safe; copies share one gate.
class Gate {
 public:
  Gate();
  void Open();

  // Returns once open. kCancelled or kDeadlineExceeded when `ctx` ends first.
  Task<Result<>> Pass(RequestContext& ctx) const;

  // Blocks the calling (test) thread until somebody waits at the gate.
  void AwaitArrival() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace strata::fakes
