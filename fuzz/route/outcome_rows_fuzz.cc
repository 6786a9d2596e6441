// Labelled rows from outside, plain or gzip: refused or read, never more than was given.

#include <cstdint>
#include <string>

#include "route/outcome_rows.h"
#include "route/prompt_features.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  auto text = strata::route::InflateIfGzip(bytes, std::size_t{1} << 20);
  if (!text) return 0;
  auto rows = strata::route::ParseOutcomeRows(*text, "rows", strata::route::OutcomesAre::kRead);
  strata::route::MeasurePrompt(strata::route::FindQuestion(*text));
  if (!rows) return 0;
  for (const auto& row : *rows) {
    if (row.prompt.empty() || row.outcomes.empty()) __builtin_trap();
  }
  return 0;
}
