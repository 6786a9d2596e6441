#pragma once
// Citations where a dialect attaches them to whole text blocks (Anthropic, Converse).

#include <string>
#include <vector>

#include "domain/conversation.h"

namespace strata::dialect {

// Cuts a text block at the ends of its citations' spans, so that each piece carries the citations
// that cover all of it. A citation without a span covers the block. More than 100 citations are
// left on the whole block. Texts add up to the original.
std::vector<domain::TextBlock> SplitByCitations(const domain::TextBlock& block);

// The place that a citation is shown with: citations of a knowledge base (chunk_id is set) without
// a place of their own are pages when these are known, and else count as search results.
domain::CitationPlace PlaceOf(const domain::Citation& citation);

// Pages start..end-1 without boxes; of a range over 16 pages the first and the last, as a few bytes
// from outside must not become many.
std::vector<domain::PageRegion> PageRange(std::int64_t start, std::int64_t end);

// Sets the span of all citations to the whole text.
void CoverWhole(domain::TextBlock& block);

}  // namespace strata::dialect
