// Legacy completion requests from clients.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/completions.h"

namespace completions = strata::dialect::completions;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto request = completions::DecodeRequest(bytes)) {
    static_cast<void>(completions::ChatOf(*request, request->prompts.size() - 1));
  }
  return 0;
}
