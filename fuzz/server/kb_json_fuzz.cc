// Bodies of Bedrock's knowledge base operations. What is remembered of a request is given back.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/api/kb_json.h"

namespace server = strata::server;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (auto input = server::DecodeCreateKnowledgeBase(body)) {
    strata::knowledge::KnowledgeBase base;
    base.name = input->name;
    base.extra = input->extra;
    if (server::EncodeKnowledgeBase(base, {}).empty()) std::abort();
  }
  if (auto input = server::DecodeCreateDataSource(body)) {
    strata::knowledge::DataSource source;
    source.name = input->name;
    source.extra = input->extra;
    if (server::EncodeDataSource(source).empty()) std::abort();
  }
  if (auto documents = server::DecodeIngestDocuments(body)) {
    for (const auto& document : *documents) {
      if (document.id.empty()) std::abort();
    }
  }
  static_cast<void>(server::DecodeStartIngestion(body));
  static_cast<void>(server::DecodeDocumentIds(body));
  static_cast<void>(server::DecodePage(body));
  return 0;
}
