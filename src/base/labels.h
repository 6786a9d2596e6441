#pragma once
// Labels: classifications (`pii`, `eu-only`, `secret`) on documents, keys and messages. Answers
// inherit those of their sources; the one outbound check (guard/outbound.h) compares them with a
// deployment's declared clearance.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

// A sorted set of short names; nearly always empty or of one or two members.
class LabelSet {
 public:
  LabelSet() = default;
  LabelSet(std::initializer_list<std::string_view> names) {
    for (auto name : names) Add(name);
  }

  void Add(std::string_view name) {
    auto at = std::lower_bound(names_.begin(), names_.end(), name);
    if (at == names_.end() || *at != name) names_.emplace(at, name);
  }
  void AddAll(const LabelSet& other) {
    for (const auto& name : other.names_) Add(name);
  }
  bool Has(std::string_view name) const {
    return std::binary_search(names_.begin(), names_.end(), name);
  }
  bool empty() const { return names_.empty(); }
  const std::vector<std::string>& names() const { return names_; }
  friend bool operator==(const LabelSet&, const LabelSet&) = default;

 private:
  std::vector<std::string> names_;
};

}  // namespace strata
