#include "guard/assessment.h"

#include <algorithm>

namespace strata::guard {
namespace {

constexpr std::size_t kFindingsMax = 100;  // of one side

bool Acts(const Assessed& found) { return found.action != Action::kNote; }

}  // namespace

void Assessment::Note(std::string_view policy, Side side, std::string_view match, Action action) {
  auto& list = side == Side::kInput ? input_ : output_;
  Assessed found{.policy = std::string(policy), .match = std::string(match), .action = action};
  if (list.size() >= kFindingsMax || std::ranges::find(list, found) != list.end()) return;
  list.push_back(std::move(found));
}

bool Assessment::intervened() const {
  return std::ranges::any_of(input_, Acts) || std::ranges::any_of(output_, Acts);
}

}  // namespace strata::guard
