// Gzip bytes from outside: inflated or refused, never beyond the bound.

#include <cstdint>
#include <string_view>

#include "base/gzip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kBound = 10'000;
  auto text = strata::Gunzip({reinterpret_cast<const char*>(data), size}, kBound);
  if (text.has_value() && text->size() > kBound) __builtin_trap();
  return 0;
}
