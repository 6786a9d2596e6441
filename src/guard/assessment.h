#pragma once
// What guardrails found while they judged one call, for a caller that asked to be told.

#include <string>
#include <string_view>
#include <vector>

#include "guard/policy.h"

namespace strata::guard {

struct Assessed {
  std::string policy;
  std::string match;  // the words as they stood
  Action action = Action::kBlock;
  friend bool operator==(const Assessed&, const Assessed&) = default;
};

// Belongs to the coroutine of one request.
class Assessment {
 public:
  // What is found twice, as where windows of a stream overlap, is kept once; further findings than
  // a caller can make use of are left out.
  void Note(std::string_view policy, Side side, std::string_view match, Action action);

  const std::vector<Assessed>& Of(Side side) const {
    return side == Side::kInput ? input_ : output_;
  }
  // Whether anything was blocked or masked.
  bool intervened() const;

 private:
  std::vector<Assessed> input_;
  std::vector<Assessed> output_;
};

}  // namespace strata::guard
