#include "knowledge/retrieve/hit_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/utf8.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kSpanTextMax = 160;  // bytes of a title or an address

}  // namespace

std::string NameJson(std::string_view title, std::string_view uri, std::string_view chunk_id) {
  return fmt::format(R"("document":{},"uri":{},"chunk":{})",
                     JsonString(Utf8Prefix(title, kSpanTextMax)),
                     JsonString(Utf8Prefix(uri, kSpanTextMax)), JsonString(chunk_id));
}

JsonText RankedJson(std::span<const RetrievedChunk> chunks) {
  std::string out = "[";
  for (const auto& chunk : chunks.first(std::min(chunks.size(), kSpanHitsMax))) {
    out += fmt::format(R"({}{{"score":{:.5g},{}}})", out.size() > 1 ? "," : "", chunk.score,
                       NameJson(chunk.title, chunk.uri, chunk.chunk_id));
  }
  return {out + "]"};
}

}  // namespace strata::knowledge
