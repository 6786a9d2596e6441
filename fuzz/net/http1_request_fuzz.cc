// HTTP/1.1 requests: what is parsed must not depend on how the bytes are cut.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http1/request_parser.h"

namespace {

using strata::net::http1::RequestParser;

// All requests of the stream and the final failure, as one text.
std::string Parse(std::string_view stream, std::size_t size, bool direct) {
  RequestParser parser({.header_bytes_max = 2048, .body_bytes_max = 4096});
  std::string out;
  std::string held;
  while (true) {
    std::string_view bytes = held;
    auto state = parser.Feed(bytes);
    held.erase(0, held.size() - bytes.size());
    if (state == RequestParser::State::kFailed) {
      return out + std::to_string(parser.failure().status);
    }
    if (state == RequestParser::State::kComplete) {
      auto request = parser.Take();
      out += request.method + " " + request.target + " " + request.authority;
      for (const auto& [name, value] : request.headers.fields()) out += name + ":" + value;
      out += request.body + "\n";
      continue;
    }
    if (stream.empty()) return out;
    auto room = direct && held.empty() ? parser.BodyRoom() : std::span<char>();
    auto piece = stream.substr(0, room.empty() ? size : std::min(size, room.size()));
    stream.remove_prefix(piece.size());
    if (room.empty()) {
      held += piece;
    } else {
      std::copy(piece.begin(), piece.end(), room.begin());
      parser.BodyFilled(piece.size());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto whole = Parse(stream, stream.size() + 1, false);
  auto pieces = Parse(stream, data[0] % 16 + 1u, true);
  // Which of two failures is named first may depend on the cut; the requests before it may not.
  if (whole.substr(0, whole.rfind('\n') + 1) != pieces.substr(0, pieces.rfind('\n') + 1)) {
    if (stream.size() < 1024) std::abort();
  }
  return 0;
}
