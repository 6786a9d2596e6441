// Chunks of a Gemini provider, in both forms of its streams.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/gemini.h"
#include "stream_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  strata::dialect::DecodeStream(*strata::dialect::gemini::MakeStreamDecoder(), bytes);
  strata::dialect::DecodeStream(*strata::dialect::gemini::MakeArrayStreamDecoder(), bytes);
  return 0;
}
