// Lines of corpora and query files: any bytes are read or refused with the reason, which names the
// member when the line is an object.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "knowledge/corpus.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::knowledge;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto document = ParseCorpusLine(line);
  if (document.has_value() && document->id.empty()) std::abort();
  if (!document.has_value() && document.error().message().empty()) std::abort();
  if (line == "{}" && document.error().field() != "_id") std::abort();
  (void)ParseQueryLine(line);
  return 0;
}
