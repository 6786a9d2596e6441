#pragma once
// An Embedder that makes several calls for one Embed, and says what they have used.

#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "domain/usage.h"
#include "provider/embedder.h"

namespace strata::provider {

// Beside Embedder; thread-safe as that is.
class CountingEmbedder {
 public:
  virtual ~CountingEmbedder() = default;

  // As Embed. `used`, which outlives the task: tokens to bill so far, also when it fails; those of
  // a failed call that its provider may charge are estimated.
  virtual Task<Result<Embeddings>> EmbedCounting(std::vector<std::string> texts,
                                                 EmbedPurpose purpose, RequestContext& ctx,
                                                 domain::Usage& used) = 0;
};

}  // namespace strata::provider
