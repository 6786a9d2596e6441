#pragma once
// The Embedder objects of this process: the transformer's and the static one's.

#include <memory>
#include <string>

#include "provider/local_models.h"

namespace strata::vector {
class StaticEmbedder;
}

namespace strata::provider::llama {

class EmbeddingEngine;

struct EmbedderLimits {
  int contexts = 1;              // pool threads of each urgency
  std::size_t waiting_max = 64;  // steps of each that may wait for them
};

// `info` without dimensions and context_tokens, which come from the model.
std::shared_ptr<LocalEmbedder> MakeTransformerEmbedder(std::unique_ptr<EmbeddingEngine> engine,
                                                       domain::ModelInfo info,
                                                       const EmbedderLimits& limits);

std::shared_ptr<Embedder> MakeStaticEmbedder(std::shared_ptr<const vector::StaticEmbedder> model,
                                             domain::ModelInfo info);

}  // namespace strata::provider::llama
