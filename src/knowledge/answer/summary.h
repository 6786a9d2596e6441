#pragma once
// "Summarize …": the leading sentences of the sections about a subject, as news and reports say
// what matters first (the lead baseline of extractive summarisation; Nenkova 2005).

#include <cstddef>
#include <string_view>
#include <vector>

#include "knowledge/answer/sentence_pool.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Whether the question asks for a summary or an overview.
bool AsksForSummary(std::string_view question);

// Indices of the sentences, in the order of the passages; none when no section is about the
// subject. A question without a subject ("Summarize the document") is about everything.
std::vector<std::size_t> SummarySentences(const SentencePool& pool,
                                          const std::vector<SourcePassage>& passages,
                                          const ExtractOptions& options);

}  // namespace strata::knowledge
