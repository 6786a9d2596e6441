#pragma once
// What all decoders of events share.

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dialect/json/block_emitter.h"
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

// A decoder of server-sent events: a dialect says what each of them means.
class SseStreamDecoder : public StreamDecoder {
 public:
  using Events = std::vector<domain::StreamEvent>;

  Result<Events> Feed(std::string_view bytes) final {
    if (ended_) return Events();
    return FeedSse(reader_, bytes, [&](const SseEvent& event, Events& out) -> Result<> {
      if (ended_) return {};
      return OnEvent(event, out);
    });
  }

  Result<Events> Finish() final {
    if (auto held = reader_.TakeHeld()) return Fail(std::move(*held));
    Events out;
    if (!ended_) STRATA_CHECK_OK(OnClose(out));
    return out;
  }

  bool ended() const final { return ended_; }
  domain::Usage usage() const final { return usage_; }

 protected:
  // Never after the end.
  virtual Result<> OnEvent(const SseEvent& event, Events& out) = 0;

  // The body has ended before the answer did.
  virtual Result<> OnClose(Events& /*out*/) {
    return Fail(Code::kUnavailable, "the provider closed the stream before its end");
  }

  BlockEmitter blocks_;
  domain::Usage usage_;
  bool ended_ = false;  // StreamEnd was given out

 private:
  SseReader reader_;
};

}  // namespace strata::dialect
