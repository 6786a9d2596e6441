// FILE.metadata.json of any content: an item that is refused is left as it was.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "knowledge/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::domain::SourceItem item;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!strata::knowledge::ApplySidecar(text, item) &&
      (!item.principals.empty() || !item.metadata.text.empty() || !item.labels.empty())) {
    std::abort();
  }
  return 0;
}
