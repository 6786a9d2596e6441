// An HTTP/2 connection's input after the preface; the owner answers in every way there is.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/http2/session.h"

namespace {

using strata::net::http2::Session;
using strata::net::http2::StreamId;

class Owner final : public strata::net::http2::SessionEvents {
 public:
  void OnRequest(StreamId stream, strata::net::HttpRequest request) override {
    switch (request.target.size() % 4) {
      case 0:
        session->Respond(stream, 200, request.headers, std::move(request.body));
        break;
      case 1:
        session->StartStream(stream, 200, {});
        session->Offer(stream, kText);
        open.push_back(stream);
        break;
      case 2:
        session->Reset(stream);
        break;
      case 3:
        session->Refuse(stream);
        break;
    }
  }
  strata::net::FailureAnswer OnFailure(const strata::net::HttpRequest& request, int,
                                       std::string_view message) override {
    return {.headers = request.headers, .body = std::string(message)};
  }
  bool OnLongBody(const strata::net::HttpRequest& head) override {
    return head.target.size() % 2 == 0;
  }
  void OnDrained(StreamId) override {}
  void OnClosed(StreamId, bool) override {}

  static constexpr std::string_view kText = "some bytes of an answer";
  std::unique_ptr<Session> session;
  std::vector<StreamId> open;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Owner owner;
  owner.session = Session::Create({.streams_max = 8,
                                   .window_bytes = 65535,
                                   .header_bytes_max = 2048,
                                   .body_bytes_max = 4096,
                                   .resets_max = 10,
                                   .control_frames_max = 50},
                                  owner);
  std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  bytes.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  strata::SteadyTime now{std::chrono::hours(1)};
  std::string out;
  std::size_t step = data[0] + 1u;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    bool alive = owner.session->Feed(std::string_view(bytes).substr(at, step), now);
    out.clear();
    owner.session->Pull(out, 16 * 1024);
    if (!alive) break;
  }
  owner.session->ExpireRequests(now + std::chrono::hours(1), std::chrono::seconds(30), 100);
  for (auto stream : owner.open) owner.session->EndStream(stream);
  owner.session->AnnounceEnd();
  owner.session->RefuseNewStreams();
  out.clear();
  owner.session->Pull(out, 1 << 20);
  return 0;
}
