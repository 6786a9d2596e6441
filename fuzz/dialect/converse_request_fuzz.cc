// Converse and CountTokens requests from clients; what is accepted must encode again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/bedrock.h"

namespace bedrock = strata::dialect::bedrock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto request = bedrock::DecodeConverse(bytes)) {
    static_cast<void>(bedrock::EncodeConverse(*request));
  }
  static_cast<void>(bedrock::DecodeCountTokens("anthropic.claude", bytes));
  return 0;
}
