// Any bytes as application/pdf: no crash, no hang, and what comes out obeys document_check.h.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "knowledge/parse/document_check.h"
#include "knowledge/parse/in_process.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  strata::knowledge::ParseLimits limits;
  limits.text_bytes_max = 4u << 20;
  limits.pages_max = 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto document = strata::knowledge::ParseInProcess("", "application/pdf", bytes, limits);
  if (document && !strata::knowledge::CheckDocument(*document)) std::abort();
  return 0;
}
