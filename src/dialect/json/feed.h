#pragma once
// The loop that all decoders of events share.

#include <algorithm>
#include <variant>
#include <vector>

#include "dialect/json/upstream.h"
#include "dialect/sse.h"
#include "dialect/stream.h"

namespace strata::dialect {

// Something that a reader would miss: more than the beginning of an answer.
inline bool HoldsContent(const std::vector<domain::StreamEvent>& events) {
  return std::any_of(events.begin(), events.end(), [](const auto& event) {
    return !std::holds_alternative<domain::StreamStart>(event);
  });
}

// Feeds `bytes` to `reader` (an SseReader, or what has its form) and calls on_event(SseEvent,
// events) → Result<> for each whole event. See StreamDecoder::Feed for errors.
template <class Reader, class OnEvent>
Result<std::vector<domain::StreamEvent>> FeedSse(Reader& reader, std::string_view bytes,
                                                 OnEvent on_event) {
  std::vector<domain::StreamEvent> events;
  if (auto held = reader.TakeHeld()) return Fail(std::move(*held));
  reader.Append(bytes);
  while (true) {
    Result<> done;
    auto next = reader.Next();
    if (!next) {
      done = Fail(AsUpstreamFault(std::move(next.error())));
    } else if (!*next) {
      return events;
    } else {
      done = on_event(**next, events);
    }
    if (done.has_value()) continue;
    if (!HoldsContent(events)) return Fail(std::move(done.error()));
    reader.Hold(std::move(done.error()));
    return events;
  }
}

}  // namespace strata::dialect
