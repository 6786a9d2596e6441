// Server-sent events of a provider: the events must not depend on how the stream is cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/sse.h"

namespace {

constexpr std::size_t kEventBytesMax = 4096;

std::vector<std::string> Read(std::string_view stream, std::size_t piece_bytes) {
  strata::dialect::SseReader reader(kEventBytesMax);
  std::vector<std::string> events;
  while (!stream.empty()) {
    const auto piece = stream.substr(0, piece_bytes);
    stream.remove_prefix(piece.size());
    reader.Append(piece);
    while (true) {
      auto event = reader.Next();
      if (!event) return events;
      if (!*event) break;
      events.push_back((*event)->event + "|" + (*event)->data);
    }
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = Read(stream, stream.size() + 1);
  const auto pieces = Read(stream, data[0] % 16 + 1u);
  if (stream.size() < kEventBytesMax / 2 && whole != pieces) std::abort();
  return 0;
}
