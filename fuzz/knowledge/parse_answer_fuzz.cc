// The parser child's answer, as a hostile child would write it.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "knowledge/parse/child/wire.h"
#include "knowledge/parse/document_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace child = strata::knowledge::child;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto document = child::DecodeDocument(bytes, {});
  if (document && !strata::knowledge::CheckDocument(*document)) std::abort();
  // What was accepted is encoded and accepted again.
  if (document && !child::DecodeDocument(child::EncodeDocument(*document), {})) std::abort();
  (void)child::DecodePage(bytes);
  (void)child::DecodeRequest(bytes);
  return 0;
}
