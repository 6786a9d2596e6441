#pragma once
// Hits as spans show them.

#include <cstddef>
#include <span>
#include <string_view>

#include "base/span_json.h"
#include "knowledge/retrieval.h"

namespace strata::knowledge {

inline constexpr std::size_t kSpanHitsMax = 10;  // that a span lists; the rest is counted

// Members that say which passage it is; the id is the one that citations have.
void AddName(SpanJson& item, std::string_view title, std::string_view uri,
             std::string_view chunk_id);

// Puts the first of `chunks` with their scores into the span.
void SetRanked(Span& span, std::span<const RetrievedChunk> chunks);

}  // namespace strata::knowledge
