// Parsing a block of a backup's archive: an accepted name stays inside its folder.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/tar.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto entry = strata::store::ParseTarHeader({reinterpret_cast<const char*>(data), size});
  if (!entry.has_value() || !entry->has_value()) return 0;
  if (!strata::store::CheckRelative((*entry)->name).has_value()) std::abort();
  if ((*entry)->name.starts_with('/')) std::abort();
  return 0;
}
