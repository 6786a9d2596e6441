// Whole answers, vectors and errors of a Gemini provider; what is accepted must encode for a
// client.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/error_table.h"
#include "dialect/gemini.h"

namespace gemini = strata::dialect::gemini;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto answer = gemini::DecodeGenerateResponse(bytes)) {
    static_cast<void>(gemini::EncodeGenerateResponse(*answer, {}, {.include_thoughts = true}));
  }
  static_cast<void>(gemini::DecodeCountResponse(bytes));
  static_cast<void>(gemini::DecodeBatchEmbedResponse(bytes, 2));
  static_cast<void>(gemini::DecodePredictEmbedResponse(bytes, 1));
  static_cast<void>(gemini::DecodeModelList(bytes));
  static_cast<void>(
      strata::dialect::DecodeUpstreamError(strata::dialect::Dialect::kGemini, 429, {}, bytes));
  return 0;
}
