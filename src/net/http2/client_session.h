#pragma once
// One HTTP/2 connection, client side, as a machine over bytes: what arrives is fed in, what is to
// be sent is pulled out. Knows no sockets, so that it can be fuzzed. Framing, HPACK and flow
// control are nghttp2's.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/http.h"
#include "net/http2/flood_guard.h"

namespace strata::net::http2 {

using StreamId = std::int32_t;

struct ClientLimits {
  // At once, before the server has said how many it takes.
  std::size_t streams_at_first = 100;
  // Of a stream: how much of an answer is held for a reader that does not take it. The connection's
  // window is as large as it can be, so that one slow reader does not stop the others.
  std::uint32_t window_bytes = 256 * 1024;
  std::size_t header_bytes_max = 64 * 1024;
  // SETTINGS, PING, empty frames and interim answers within kFloodWindow.
  std::uint32_t control_frames_max = 2000;
};

// How a stream ended.
enum class StreamEnd : std::uint8_t {
  kWhole,
  kRefused,    // the server has not begun it: it may be sent again
  kReset,      // by the server
  kMalformed,  // the answer broke the rules or a limit; `why` says which
};

// What a session tells its owner, from within Feed and Pull. The owner must not call Feed or Pull
// from here.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  virtual void OnHead(StreamId stream, int status, Headers headers) = 0;
  virtual void OnData(StreamId stream, std::string_view bytes) = 0;
  virtual void OnEnd(StreamId stream, StreamEnd end, std::string_view why) = 0;
};

// Owned by one connection, used on one thread.
class ClientSession {
 public:
  virtual ~ClientSession() = default;
  static std::unique_ptr<ClientSession> Create(const ClientLimits& limits, ClientEvents& events);

  // Takes input. False: the connection must end, after what Pull still gives.
  virtual bool Feed(std::string_view bytes, SteadyTime now) = 0;
  // Appends frames to `out` until it holds about `bytes_max`, or nothing is left to send.
  virtual void Pull(std::string& out, std::size_t bytes_max) = 0;

  // Field names in lower case, pseudo-headers first. `body` must stay valid until OnEnd or Cancel.
  using Fields = std::vector<std::pair<std::string, std::string>>;
  // 0 when the connection takes no more requests.
  virtual StreamId Request(const Fields& fields, std::string_view body) = 0;
  // The reader has taken so many bytes of OnData: the server may send as many more.
  virtual void Consumed(StreamId stream, std::size_t bytes) = 0;
  // Tells the server to stop, and forgets the stream: no event follows.
  virtual void Cancel(StreamId stream) = 0;
  virtual void Ping() = 0;
  // Says goodbye.
  virtual void End() = 0;

  // Another request can be sent now.
  virtual bool has_room() const = 0;
  // No request can be sent any more: the server is going away, or the stream numbers are used up.
  virtual bool closing() const = 0;
  virtual std::size_t open_streams() const = 0;
  // The server has said how many streams it takes at once: streams_max().
  virtual bool settled() const = 0;
  virtual std::size_t streams_max() const = 0;
};

}  // namespace strata::net::http2
