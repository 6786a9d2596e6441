// Server-sent events: the events must not depend on how the stream is cut.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/sse.h"

namespace {

std::vector<std::string> Parse(std::string_view stream, std::size_t size) {
  strata::net::SseParser parser(4096);
  std::vector<std::string> events;
  while (!stream.empty()) {
    auto piece = stream.substr(0, size);
    stream.remove_prefix(piece.size());
    strata::net::SseEvent event;
    while (true) {
      auto got = parser.Next(piece, event);
      if (!got.has_value()) return events;
      if (!*got) break;
      events.push_back(event.event + "|" + event.data + "|" + event.id);
    }
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto whole = Parse(stream, stream.size() + 1);
  auto pieces = Parse(stream, data[0] % 16 + 1u);
  if (stream.size() < 2048 && whole != pieces) std::abort();
  return 0;
}
