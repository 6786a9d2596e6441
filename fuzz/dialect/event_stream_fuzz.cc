// Event-stream frames, fed in two parts.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/event_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  strata::dialect::EventStreamReader reader(1u << 16);
  const auto cut = data[0] % size;
  for (auto part : {bytes.substr(0, cut), bytes.substr(cut)}) {
    reader.Append(part);
    while (true) {
      auto next = reader.Next();
      if (!next) return 0;
      if (!*next) break;
    }
  }
  return 0;
}
