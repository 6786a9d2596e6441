#pragma once
// Work of one owner that can wait, done step by step on a pool that it shares with others, so that
// each gets its turn and the owner can go at any time.

#include <functional>
#include <memory>
#include <string_view>

#include "base/pool.h"

namespace strata {

// Thread-safe. The destructor waits for the step that runs; none begins after it.
class BackgroundSteps {
 public:
  // `step` does a piece of the work, some 100 ms, and says whether there is more. One runs at a
  // time; what it throws is logged. `name` is a literal. `pool` outlives this object; null: nothing
  // is ever done.
  BackgroundSteps(Pool* pool, std::string_view name, std::function<bool()> step);
  ~BackgroundSteps();
  BackgroundSteps(const BackgroundSteps&) = delete;
  BackgroundSteps& operator=(const BackgroundSteps&) = delete;

  // There may be work.
  void Wake();
  // Whether the owner waits for the running step to end: what takes long stops then.
  bool closing() const;
  bool possible() const;  // there is a pool

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace strata
