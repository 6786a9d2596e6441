#pragma once
// The embeddings pipeline: access to the model, route, metered call.

#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "dialect/embedding.h"
#include "guard/guardrails.h"
#include "provider/embedder.h"
#include "provider/registry.h"

namespace strata::gateway {

struct EmbedAnswer {
  provider::Embeddings vectors;
  std::string model;  // the id of the model that embedded
};

// Thread-safe. `registry` outlives it and holds metered embedders only.
class EmbedService {
 public:
  explicit EmbedService(const provider::Registry& registry, guard::GuardrailsNow guardrails = {})
      : registry_(registry), guardrails_(std::move(guardrails)) {}

  // Guardrails judge the texts, as those of a chat request.
  // `dimensions`: absent for the model's own; fewer cuts the vectors and normalises them again
  // (meaningful for models trained for it); more is kInvalidArgument. A text that is longer than a
  // model of this process sees is treated as `long_text` says, refused by its place in the body;
  // providers decide about theirs. Errors otherwise as Embedder::Embed.
  Task<Result<EmbedAnswer>> Run(dialect::EmbedRequest request, RequestContext& ctx) const;

 private:
  const provider::Registry& registry_;
  guard::GuardrailsNow guardrails_;
};

}  // namespace strata::gateway
