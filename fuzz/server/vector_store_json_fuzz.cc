// Bodies and queries of OpenAI's vector stores. What is taken keeps to the limits.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/api/vector_store_json.h"

namespace knowledge = strata::knowledge;
namespace server = strata::server;

namespace {

void CheckFiles(const std::vector<knowledge::FileToAdd>& files, std::size_t most) {
  if (files.size() > most) std::abort();
  for (const auto& file : files) {
    if (file.id.empty()) std::abort();
    if (file.chunking && file.chunking->overlap * 2 > file.chunking->tokens_max) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (auto create = server::DecodeStoreCreate(body)) {
    CheckFiles(create->files, knowledge::kCreateFilesMax);
    knowledge::VectorStore store;
    store.name = create->input.name;
    store.metadata = create->input.metadata;
    if (server::EncodeStore(store).empty()) std::abort();
  }
  if (auto files = server::DecodeBatch(body)) CheckFiles(*files, knowledge::kBatchFilesMax);
  if (auto file = server::DecodeFileToAdd(body)) CheckFiles({*file}, 1);
  if (auto search = server::DecodeStoreSearch("vs_1", body)) {
    if (search->queries.empty() || search->results < 1 || search->results > 50) std::abort();
    if (search->filter) static_cast<void>(knowledge::Matches(*search->filter, {}));
  }
  if (auto range = server::DecodeListRange(body)) {
    if (range->limit < 1 || range->limit > 100) std::abort();
  }
  static_cast<void>(server::DecodeStoreChange(body));
  static_cast<void>(server::DecodeAttributesChange(body));
  static_cast<void>(server::DecodeFileListQuery(body));
  static_cast<void>(server::DecodeFileQuery(body));
  return 0;
}
