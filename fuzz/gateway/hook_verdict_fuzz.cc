// What a hook answers: any bytes, refused or a verdict with a bounded reason.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/check_hooks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto verdict = strata::gateway::DecodeHookVerdict({reinterpret_cast<const char*>(data), size});
  if (verdict.has_value() && verdict->reason.size() > 500) std::abort();
  return 0;
}
