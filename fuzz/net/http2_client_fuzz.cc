// What an HTTP/2 server sends; the owner reads, cancels and goes on.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/http2/client_session.h"

namespace {

using strata::net::http2::ClientSession;
using strata::net::http2::StreamEnd;
using strata::net::http2::StreamId;

class Owner final : public strata::net::http2::ClientEvents {
 public:
  void OnHead(StreamId, int status, strata::net::Headers) override {
    if (status < 200 || status > 999) std::abort();
  }
  // One of each three streams is never read, one is read as it comes, one is broken off.
  void OnData(StreamId stream, std::string_view bytes) override {
    held += bytes.size();
    if (stream / 2 % 3 == 1) read.emplace_back(stream, bytes.size());
    if (stream / 2 % 3 == 2) cancelled.push_back(stream);
  }
  void OnEnd(StreamId, StreamEnd, std::string_view) override { ++ended; }

  std::unique_ptr<ClientSession> session;
  std::vector<std::pair<StreamId, std::size_t>> read;
  std::vector<StreamId> cancelled;
  std::size_t held = 0;
  int ended = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Owner owner;
  owner.session = ClientSession::Create({.streams_at_first = 8,
                                         .window_bytes = 65535,
                                         .header_bytes_max = 2048,
                                         .control_frames_max = 50},
                                        owner);
  const std::string body(100'000, 'b');
  const ClientSession::Fields fields = {
      {":method", "POST"}, {":scheme", "https"}, {":authority", "h"}, {":path", "/"}, {"a", "b"}};
  int requests = 0;
  for (int i = 0; i < 4; ++i)
    requests += owner.session->Request(fields, i == 0 ? std::string_view(body) : "") != 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  strata::SteadyTime now{std::chrono::hours(1)};
  std::string out;
  owner.session->Pull(out, 16 * 1024);
  std::size_t step = data[0] + 1u;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    bool alive = owner.session->Feed(bytes.substr(at, step), now);
    for (auto [stream, count] : owner.read) owner.session->Consumed(stream, count);
    owner.read.clear();
    for (auto stream : owner.cancelled) owner.session->Cancel(stream);
    owner.cancelled.clear();
    if (owner.session->has_room() && requests < 8) {
      requests += owner.session->Request(fields, "") != 0;
    }
    out.clear();
    owner.session->Pull(out, 16 * 1024);
    if (!alive) break;
  }
  if (owner.ended > requests) std::abort();
  owner.session->Ping();
  owner.session->End();
  out.clear();
  owner.session->Pull(out, 1 << 20);
  return 0;
}
