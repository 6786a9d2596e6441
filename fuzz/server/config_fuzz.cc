// The configuration file with any text: refused with every problem named, or a complete set of
// options.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = strata::server::ParseConfig(text, "strata.yaml", {});
  if (!config) {
    if (config.error().message().empty()) std::abort();
    return 0;
  }
  for (const auto& spec : config->providers) {
    if (!strata::provider::CheckSpec(spec)) std::abort();
  }
  for (const auto& spec : config->models) {
    if (!strata::gateway::CheckPool(spec)) std::abort();
  }
  return 0;
}
