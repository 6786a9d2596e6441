#pragma once
// Calls whose answer was made in the background.

#include "base/context.h"
#include "base/result.h"
#include "domain/model_info.h"
#include "domain/usage.h"
#include "store/journal.h"

namespace strata::gateway {

// Puts on record what such an answer has used, when it has told so. Errors as a metered call's.
Result<> RecordLater(const domain::ModelInfo& model, const domain::Usage& usage,
                     store::Journal& journal, RequestContext& ctx);

}  // namespace strata::gateway
