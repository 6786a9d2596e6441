#pragma once
// Labels as one column of text: a name a line, as names hold no line ends.

#include <string>
#include <string_view>

#include "base/labels.h"

namespace strata::store {

std::string JoinLabels(const LabelSet& labels);
LabelSet SplitLabels(std::string_view text);

}  // namespace strata::store
