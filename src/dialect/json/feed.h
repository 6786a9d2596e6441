#pragma once
// The loop that all SSE decoders share.

#include <vector>

#include "dialect/json/upstream.h"
#include "dialect/sse.h"
#include "dialect/stream.h"

namespace strata::dialect {

// Feeds `bytes` to `reader` and calls on_event(SseEvent, events) → Result<> for each whole event.
template <class OnEvent>
Result<std::vector<domain::StreamEvent>> FeedSse(SseReader& reader, std::string_view bytes,
                                                 OnEvent on_event) {
  std::vector<domain::StreamEvent> events;
  reader.Append(bytes);
  while (true) {
    auto next = reader.Next();
    if (!next) return Fail(AsUpstreamFault(std::move(next.error())));
    if (!*next) return events;
    STRATA_CHECK_OK(on_event(**next, events));
  }
}

}  // namespace strata::dialect
