#pragma once
// Streams of every dialect behind two small interfaces, so that the gateway and the providers have
// one loop each. Encoders and decoders are pure state machines: no I/O, no clock, one owner.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/meta.h"
#include "domain/stream.h"

namespace strata::dialect {

// Domain events → bytes of one streamed HTTP answer. Not thread-safe.
class StreamEncoder {
 public:
  virtual ~StreamEncoder() = default;

  // "text/event-stream", "application/vnd.amazon.eventstream" or "application/json".
  virtual std::string_view content_type() const = 0;

  // The bytes of `event`, "" when the dialect has none for it (a WireChunk never has any). After
  // StreamEnd (whose bytes hold usage and the dialect's own end mark) nothing more may be encoded.
  virtual std::string Encode(const domain::StreamEvent& event) = 0;

  // Takes the place of StreamEnd: the dialect's own error event, and its end mark if it has one.
  virtual std::string EncodeError(const Error& error) = 0;

  // Bytes of a provider's own stream have left: what is encoded from here on goes on behind them.
  virtual void GoOnBehindBytes() {}

  // A sign of life while the model thinks; "" in dialects without one. Never changes the state.
  virtual std::string Ping() = 0;

  // May be changed until StreamEnd is encoded: cost and latency are known only then.
  virtual AnswerMeta& meta() = 0;
};

// Bytes of one streamed answer of a provider → domain events. Not thread-safe.
//
// Feed takes any chunking. Blocks come out one after the other as domain/stream.h demands. An error
// (kUnavailable: broken framing or JSON; the provider's own error event with its mapped code) is
// final: the decoder must not be fed again. One that follows content in the same bytes does not
// take that with it: it comes out of the next Feed, which may be of nothing, or of Finish.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  virtual Result<std::vector<domain::StreamEvent>> Feed(std::string_view bytes) = 0;

  // The body has ended. Gives StreamEnd if the dialect marks its end only by closing; kUnavailable
  // when the answer is not whole.
  virtual Result<std::vector<domain::StreamEvent>> Finish() = 0;

  // StreamEnd was given out; what follows in the body may be ignored.
  virtual bool ended() const = 0;

  // The best that is known so far; zero before the provider said anything.
  virtual domain::Usage usage() const = 0;
};

}  // namespace strata::dialect
