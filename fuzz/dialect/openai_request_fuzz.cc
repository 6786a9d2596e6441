// OpenAI chat and embedding requests from clients; what is accepted must encode again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/openai.h"

namespace openai = strata::dialect::openai;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto request = openai::DecodeChatRequest(bytes)) {
    static_cast<void>(openai::EncodeChatRequest(request->chat, {}));
  }
  static_cast<void>(openai::DecodeEmbedRequest(bytes));
  return 0;
}
