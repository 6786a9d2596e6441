#pragma once
// One HTTP/2 connection, server side, as a machine over bytes: what arrives is fed in, what is to
// be sent is pulled out. Knows no sockets, so that it can be fuzzed. Framing, HPACK and flow
// control are nghttp2's.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/http2/flood_guard.h"
#include "net/server.h"

namespace strata::net::http2 {

using StreamId = std::int32_t;

struct SessionLimits {
  std::uint32_t streams_max = 128;
  std::uint32_t window_bytes = 1u << 20;  // of a stream; the connection has four times that
  std::size_t header_bytes_max = 64 * 1024;
  std::size_t body_bytes_max = 64u << 20;  // of a request; kBodiesMax times that of all together
  // Within kFloodWindow; more ends the connection with ENHANCE_YOUR_CALM.
  std::uint32_t resets_max = 200;
  std::uint32_t control_frames_max = 2000;
};

inline constexpr std::size_t kBodiesMax = 2;

// What a session tells its owner, from within Feed and Pull. The owner must not call Feed or Pull
// from here; everything else is allowed.
class SessionEvents {
 public:
  virtual ~SessionEvents() = default;
  // A complete request. The owner answers it (Respond, or StartStream …), now or later.
  virtual void OnRequest(StreamId stream, HttpRequest request) = 0;
  // Whether the body of this request may come (net/admission.h). false: the request is reported at
  // once, without it.
  virtual bool OnLongBody(const HttpRequest& head) = 0;
  // All bytes of the last Offer have been pulled.
  virtual void OnDrained(StreamId stream) = 0;
  // What to answer to a request that is not reported, as far as it was read.
  virtual FailureAnswer OnFailure(const HttpRequest& request, int status,
                                  std::string_view message) = 0;
  // A stream that was reported by OnRequest is over; `whole`: its answer was sent to the end.
  virtual void OnClosed(StreamId stream, bool whole) = 0;
};

// Owned by one connection, used on one thread.
class Session {
 public:
  virtual ~Session() = default;
  static std::unique_ptr<Session> Create(const SessionLimits& limits, SessionEvents& events);

  // Takes input. False: the connection must end, after what Pull still gives.
  virtual bool Feed(std::string_view bytes, SteadyTime now) = 0;
  // Appends frames to `out` until it holds about `bytes_max`, or nothing is left to send.
  virtual void Pull(std::string& out, std::size_t bytes_max) = 0;
  // Nothing will be sent or received any more.
  virtual bool finished() const = 0;
  virtual std::size_t open_streams() const = 0;

  // The whole answer; `body` is dropped when `bodiless`. No effect on a stream that is over.
  virtual void Respond(StreamId stream, int status, const Headers& headers, std::string body) = 0;
  // A streamed answer: StartStream, then Offer (one at a time, each after OnDrained of the one
  // before; `bytes` must stay valid until then or until OnClosed), then EndStream.
  virtual void StartStream(StreamId stream, int status, const Headers& headers) = 0;
  virtual void Offer(StreamId stream, std::string_view bytes) = 0;
  virtual void EndStream(StreamId stream) = 0;
  // Breaks the stream off so that the client notices. Forgets what was offered.
  virtual void Reset(StreamId stream) = 0;
  // Like Reset, for a request that was not begun: the client may send it again.
  virtual void Refuse(StreamId stream) = 0;

  // Answers 408 to requests whose body has paused for `pause_max`, or has come for longer than that
  // and slower than `rate_min` bytes a second. One that was answered before its end and still comes
  // is cut off `pause_max` after the answer.
  virtual void ExpireRequests(SteadyTime now, std::chrono::milliseconds pause_max,
                              std::size_t rate_min) = 0;
  // Resets streams whose client has granted no window since before `limit`.
  virtual void ExpireAnswers(SteadyTime limit) = 0;

  // Announces the end: first a notice, after a while (a round trip) for good.
  virtual void AnnounceEnd() = 0;
  virtual void RefuseNewStreams() = 0;
};

}  // namespace strata::net::http2
