#include "knowledge/retrieve/hit_json.h"

#include <algorithm>

#include "base/utf8.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kSpanTextMax = 160;  // bytes of a title or an address

}  // namespace

void AddName(SpanJson& item, std::string_view title, std::string_view uri,
             std::string_view chunk_id) {
  item.Text("document", Utf8Prefix(title, kSpanTextMax));
  item.Text("uri", Utf8Prefix(uri, kSpanTextMax));
  item.Name("chunk", chunk_id);
}

void SetRanked(Span& span, std::span<const RetrievedChunk> chunks) {
  SpanJson list(span);
  for (const auto& chunk : chunks.first(std::min(chunks.size(), kSpanHitsMax))) {
    list.Item().Real("score", chunk.score);
    AddName(list, chunk.title, chunk.uri, chunk.chunk_id);
  }
  span.Set("hits", list);
}

}  // namespace strata::knowledge
