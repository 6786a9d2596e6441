// Answers of Cohere, of rerankers and of moderators.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/cohere.h"
#include "dialect/moderation.h"
#include "dialect/rerank.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace dialect = strata::dialect;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(dialect::cohere::DecodeChatResponse(bytes));
  static_cast<void>(dialect::cohere::DecodeEmbedResponse(bytes, 2));
  static_cast<void>(dialect::cohere::DecodeModelList(bytes));
  static_cast<void>(dialect::rerank::DecodeProviderResponse(bytes, 3));
  if (auto answer = dialect::moderation::DecodeProviderResponse(bytes)) {
    static_cast<void>(dialect::moderation::EncodeResponse(*answer, {}));
  }
  return 0;
}
