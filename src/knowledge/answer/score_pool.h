#pragma once
// From passages to a scored pool: by words, and with an embedder by vectors of the sentences that
// words rank highest.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/answer/pool_features.h"
#include "knowledge/answer/sentence_pool.h"
#include "knowledge/extract.h"
#include "provider/embedder.h"
#include "vector/static_embedder.h"

namespace strata::knowledge {

// Each may be null.
struct Vectors {
  provider::Embedder* sentences = nullptr;
  const vector::StaticEmbedder* words = nullptr;
};

struct ScoredPool {
  SentencePool pool;
  VectorKind vectors = VectorKind::kNone;
};

// At most `embed_max` sentences are embedded; the cosines of the others stay 0, and their coverage
// too. A failing embedder is logged and leaves a pool scored by words; only cancel and deadline are
// errors.
Task<Result<ScoredPool>> ScorePool(std::string question, std::vector<SourcePassage> passages,
                                   const Vectors& vectors, std::size_t embed_max,
                                   RequestContext& ctx);

// The parts of it. Indices of the sentences that words rank highest, best first.
std::vector<std::size_t> Candidates(const SentencePool& pool, std::size_t limit);
// What a sentence is embedded as: one that leans on the sentence before says little alone.
std::string EmbeddedText(const SentencePool& pool, std::size_t index,
                         const std::vector<SourcePassage>& passages);
// cosines[i] belongs to sentence candidates[i]. Fills the features that come from vectors.
void SetCosines(std::span<const std::size_t> candidates, std::span<const double> cosines,
                SentencePool& pool);

}  // namespace strata::knowledge
