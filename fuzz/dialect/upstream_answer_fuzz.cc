// Whole answers and errors of providers.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/anthropic.h"
#include "dialect/bedrock.h"
#include "dialect/error_table.h"
#include "dialect/openai.h"

using namespace strata::dialect;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto answer = openai::DecodeChatResponse(bytes)) {
    static_cast<void>(openai::EncodeChatResponse(*answer, {}));
  }
  if (auto answer = anthropic::DecodeChatResponse(bytes)) {
    static_cast<void>(anthropic::EncodeChatResponse(*answer, {}));
  }
  if (auto answer = bedrock::DecodeConverseResponse(bytes)) {
    static_cast<void>(bedrock::EncodeConverseResponse(*answer, {}));
  }
  static_cast<void>(openai::DecodeEmbedResponse(bytes, 2));
  static_cast<void>(bedrock::DecodeInvokeEmbedResponse(bedrock::InvokeFormat::kCohereEmbed, bytes));
  static_cast<void>(bedrock::DecodeInvokeEmbedResponse(bedrock::InvokeFormat::kTitanEmbed, bytes));
  static_cast<void>(DecodeUpstreamError(Dialect::kBedrock, 400, {{"retry-after", "1"}}, bytes));
  return 0;
}
