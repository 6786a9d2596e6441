#pragma once
// Reads a passage into a pool: its sentences, sections and table rows, each with what it holds of
// the question.

#include <cstddef>

#include "knowledge/answer/sentence_pool.h"
#include "knowledge/answer/word_finder.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Appends the sentences and sections of `passage`, the pool's passage `number`, as long as the pool
// has room. Left to the caller: weights, and the features own, context and passage.
void ReadPassage(const SourcePassage& passage, std::size_t number, WordFinder& finder,
                 SentencePool& pool);

}  // namespace strata::knowledge
