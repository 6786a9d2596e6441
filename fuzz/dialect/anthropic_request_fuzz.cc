// Anthropic messages requests from clients; what is accepted must encode again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/anthropic.h"

namespace anthropic = strata::dialect::anthropic;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto request = anthropic::DecodeChatRequest(bytes)) {
    static_cast<void>(anthropic::EncodeChatRequest(*request, {}));
  }
  static_cast<void>(anthropic::DecodeCountRequest(bytes));
  return 0;
}
