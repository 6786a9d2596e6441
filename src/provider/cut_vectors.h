#pragma once
// Fewer dimensions than a model answers with, as OpenAI's and Titan's models themselves give them
// when they are asked: the first ones, normalised again. Meaningful for models trained for it.

#include "provider/embedder.h"

namespace strata::provider {

// `dimensions`: 1 to those of `vectors`.
void CutVectors(Embeddings& vectors, int dimensions);

}  // namespace strata::provider
