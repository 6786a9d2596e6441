#pragma once
// The embedding model of a knowledge base as the base uses it: every vector has the size that the
// base was made with, or none comes back.

#include <memory>
#include <optional>

#include "base/task.h"
#include "knowledge/kb_types.h"
#include "knowledge/knowledge_base.h"
#include "provider/embedder.h"

namespace strata::knowledge {

// What a vector index takes (vector::GraphIndexOptions).
inline constexpr int kDimensionsMax = 8192;

// How many dimensions the caller who made a base asked for, as `extra` keeps it
// (knowledgeBaseConfiguration…dimensions); absent, as 0: all that the model has. kInvalidArgument.
Result<std::optional<int>> DimensionsAsked(const JsonText& extra);

// Fills `dimensions` of a base that is being made with `embedder`: as many as were asked for, else
// those of the model. A model whose size nobody knows yet, as every provider's, is asked for one
// vector; its error is this one's, at field embeddingModelArn.
Task<Result<>> SetDimensions(KnowledgeBase& base, provider::Embedder& embedder,
                             RequestContext& ctx);

// Its Info() tells the dimensions of the base; of longer vectors a base that asked for fewer keeps
// the first ones. kConflict when the model is known to have others now; answers of another size are
// kUnsupported, so that they fail the document that they are for.
Result<std::shared_ptr<provider::Embedder>> EmbedderOf(const KnowledgeBase& base,
                                                       const EmbedderLookup& lookup);

// Names what vectors of a base can be compared with: its model and their size.
std::string VectorSpaceOf(const KnowledgeBase& base);

}  // namespace strata::knowledge
