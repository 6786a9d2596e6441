#pragma once
// Ends an extracted answer where the caller's limits say.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/conversation.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Cuts before the first stop sequence, then behind the last whole sentence that fits, or when not
// even the first one does behind the last word of it that fits. Sentences behind the end lose their
// citation; the one that is cut cites the part that is left.
ExtractEnd LimitAnswer(const ExtractLimits& limits, Extracted& answer);

}  // namespace strata::knowledge
