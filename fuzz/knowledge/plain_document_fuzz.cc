// Any bytes as a plain text file: no crash, no hang, and the text that they become obeys
// document_check.h.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "knowledge/base/indexer.h"
#include "knowledge/parse/charset.h"
#include "knowledge/parse/document_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto document = strata::knowledge::PlainDocument(bytes, {});
  if (document && !strata::knowledge::CheckDocument(*document)) std::abort();
  if (document) strata::knowledge::EncodingNote(bytes);
  return 0;
}
