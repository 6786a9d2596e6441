// Gemini requests from clients; what is accepted must encode again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/gemini.h"

namespace gemini = strata::dialect::gemini;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto request = gemini::DecodeGenerate(bytes)) {
    static_cast<void>(gemini::EncodeGenerate(request->chat, {}));
  }
  static_cast<void>(gemini::DecodeCount(bytes));
  static_cast<void>(gemini::DecodeEmbed(bytes));
  static_cast<void>(gemini::DecodeBatchEmbed(bytes));
  return 0;
}
