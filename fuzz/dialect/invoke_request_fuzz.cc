// InvokeModel bodies: the format by the shape of the body, and by each vendor that the first byte
// picks.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
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
  auto decoded = bedrock::DecodeInvoke(id, bytes.substr(1));
  auto scanned = bedrock::ScanInvoke(id, std::string(bytes.substr(1)), {});
  // What can be decoded can be scanned, and limits mean the same.
  if (decoded.has_value() != scanned.has_value() && decoded.has_value()) std::abort();
  if (decoded.has_value()) {
    auto* whole = std::get_if<strata::domain::ChatRequest>(&decoded->call);
    auto* scan = std::get_if<strata::domain::ChatRequest>(&scanned->call);
    if ((whole == nullptr) != (scan == nullptr)) std::abort();
    if (whole != nullptr && whole->max_tokens != scan->max_tokens) std::abort();
  }
  static_cast<void>(bedrock::DecodeInvoke("mine", bytes));
  static_cast<void>(bedrock::DecodeModelFilter(bytes));
  return 0;
}
