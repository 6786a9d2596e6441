// Bodies of Retrieve and RetrieveAndGenerate, and what they are answered with: metadata and text
// that came from outside.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "server/api/retrieval_json.h"

namespace server = strata::server;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  static_cast<void>(server::DecodeRetrieve("ABCDEFGHIJ", body));
  if (auto call = server::DecodeRetrieveAndGenerate(body)) {
    const auto sources = call->request.sources.size();
    if (sources > 1 || (sources == 1) != call->request.retrieve.knowledge_base_id.empty()) {
      std::abort();
    }
  }
  if (!strata::IsValidUtf8(body)) return 0;
  strata::knowledge::RetrieveResponse response;
  strata::knowledge::RetrievedChunk chunk;
  chunk.text = body;
  chunk.metadata.text = body;
  response.results.push_back(chunk);
  if (server::EncodeRetrieveResponse(response).empty()) std::abort();
  return 0;
}
