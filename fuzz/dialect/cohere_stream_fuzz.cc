// Events of a Cohere chat stream.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/cohere.h"
#include "stream_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  strata::dialect::DecodeStream(*strata::dialect::cohere::MakeStreamDecoder(), bytes);
  return 0;
}
