#pragma once
// Which passages of documents that came with a request speak of a question, as retrieval finds them
// in a knowledge base: by words and by vectors.

#include <cstddef>
#include <string_view>
#include <vector>

#include "knowledge/extract.h"
#include "vector/static_embedder.h"

namespace strata::knowledge {

// How well each passage fits, 0..1, the best one 1 when any does: BM25 over these passages (titles
// and headings count with the text), blended half and half with the cosine of static vectors when
// `vectors` are given.
std::vector<double> PassageScores(std::string_view question,
                                  const std::vector<SourcePassage>& passages,
                                  const vector::StaticEmbedder* vectors);

// Passages that nobody has scored (all scores 0): scores them and keeps the best, in their order:
// `limit` of them, and of short ones as many as are as long as so many of a knowledge base's.
// Others are left alone.
std::vector<SourcePassage> Ranked(std::string_view question, std::vector<SourcePassage> passages,
                                  std::size_t limit, const vector::StaticEmbedder* vectors);

}  // namespace strata::knowledge
