#include "store/label_text.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace strata::store {

std::string JoinLabels(const LabelSet& labels) {
  return fmt::format("{}", fmt::join(labels.names(), "\n"));
}

LabelSet SplitLabels(std::string_view text) {
  LabelSet labels;
  while (!text.empty()) {
    auto at = std::min(text.find('\n'), text.size());
    labels.Add(text.substr(0, at));
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return labels;
}

}  // namespace strata::store
