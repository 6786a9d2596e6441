#pragma once
// Ends an extracted answer where the caller's limits say.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/conversation.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Cuts before the first stop sequence, then after the last token that fits. Sentences behind the
// end lose their citation; the one that is cut keeps it for the part that is left.
ExtractEnd LimitAnswer(const ExtractLimits& limits, Extracted& answer);

}  // namespace strata::knowledge
