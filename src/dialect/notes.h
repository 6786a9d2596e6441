#pragma once
// What an encoder could not say in its dialect and therefore left out, for the trace of the
// request.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace strata::dialect {

class DropNotes {
 public:
  // `what`: the member in the domain's words and, where it is not plain, why: "top_k",
  // "reasoning signed by gemini". Each is kept once, and no more of them than a trace can show, as
  // words of the request may stand in them.
  void Add(std::string_view what) {
    constexpr std::size_t kNotesMax = 64;
    if (dropped_.size() >= kNotesMax) return;
    if (std::ranges::find(dropped_, what) == dropped_.end()) dropped_.emplace_back(what);
  }
  const std::vector<std::string>& dropped() const { return dropped_; }

 private:
  std::vector<std::string> dropped_;
};

}  // namespace strata::dialect
