#pragma once
// Texts to embed that are longer than the model sees: refused by name, or cut at their start. What
// is left too long, embedding models cut at its end.

#include "base/context.h"
#include "base/task.h"
#include "dialect/embedding.h"
#include "provider/embedder.h"

namespace strata::gateway {

// Does what `request.long_text` says, for models of this process: the tokens of others are only
// estimated here. kInvalidArgument with the member, its tokens and the limit. Runs in turns on the
// caller's io thread.
Task<Result<>> FitTexts(const provider::Embedder& embedder, dialect::EmbedRequest& request,
                        RequestContext& ctx);

}  // namespace strata::gateway
