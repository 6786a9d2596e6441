// Rerank and moderation requests from clients; what is accepted must encode again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/moderation.h"
#include "dialect/rerank.h"

namespace moderation = strata::dialect::moderation;
namespace rerank = strata::dialect::rerank;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const strata::domain::Reranking best{.ranked = {{.index = 0, .score = 1}}};
  if (auto request = rerank::DecodeRequest(bytes)) {
    static_cast<void>(rerank::EncodeProviderRequest(request->rerank, "m"));
    static_cast<void>(rerank::EncodeResponse(best, *request, {}));
  }
  if (auto request = rerank::DecodeBedrockRequest(bytes)) {
    static_cast<void>(rerank::EncodeBedrockResponse(best, *request));
  }
  if (auto request = moderation::DecodeRequest(bytes)) {
    static_cast<void>(moderation::EncodeProviderRequest(request->moderation, "m"));
  }
  return 0;
}
