#pragma once
// Picks from a scored pool the few sentences that make the answer, and writes it with citations.

#include <vector>

#include "knowledge/answer/sentence_pool.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Indices into pool.sentences, in the order of the answer: documents in the order of their best
// sentence, and within a document as it reads. None when no good sentence covers the question.
std::vector<std::size_t> SelectSentences(const SentencePool& pool,
                                         const std::vector<SourcePassage>& passages,
                                         const ExtractOptions& options);

// The answer of the selected sentences. Citations carry exact code point spans of the source and of
// the answer.
Extracted WriteAnswer(const SentencePool& pool, const std::vector<SourcePassage>& passages,
                      const std::vector<std::size_t>& selected);

// The citation of bytes [span) of a passage; answer_start..end are left 0.
domain::Citation CiteSpan(const SourcePassage& passage, text::TextSpan span);

}  // namespace strata::knowledge
