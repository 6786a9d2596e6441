// Rows of evaluation sets from outside: refused, or read so that they are written as they were
// read.

#include <cstdint>
#include <string>

#include "job/eval_row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  auto rows = strata::job::ParseEvalRows(bytes, "rows");
  if (!rows) return 0;
  for (const auto& row : *rows) {
    if (row.id.empty() || row.messages.empty()) __builtin_trap();
    auto again = strata::job::ParseEvalRow(strata::job::EncodeEvalRow(row));
    if (!again || *again != row) __builtin_trap();
  }
  return 0;
}
