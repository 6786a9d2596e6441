// InvokeModel bodies: the format by the shape of the body, and by each vendor that the first byte
// picks.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <array>

#include "dialect/bedrock.h"

namespace bedrock = strata::dialect::bedrock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  constexpr std::array<std::string_view, 7> kIds = {
      "mine",      "anthropic.x",          "openai.x",      "meta.x",
      "mistral.x", "amazon.titan-embed-x", "cohere.embed-x"};
  const auto id = kIds[data[0] % kIds.size()];
  static_cast<void>(bedrock::DecodeInvoke(id, bytes.substr(1)));
  static_cast<void>(bedrock::DecodeInvoke("mine", bytes));
  static_cast<void>(bedrock::DecodeModelFilter(bytes));
  return 0;
}
