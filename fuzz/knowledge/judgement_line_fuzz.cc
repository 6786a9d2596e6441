// Lines of judgements: any bytes are read or refused with the column's name.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "knowledge/evaluation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::knowledge;
  const auto line = ParseJudgementLine({reinterpret_cast<const char*>(data), size});
  if (line.has_value() && (line->query.empty() || line->document.empty())) std::abort();
  if (!line.has_value() && line.error().field().empty()) std::abort();
  return 0;
}
