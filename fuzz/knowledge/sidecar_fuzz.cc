// FILE.metadata.json and other attributes of any content: an item that is refused is left as it
// was, and of attributes that are taken nothing reserved stays.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "knowledge/reserved_attributes.h"
#include "knowledge/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::domain::SourceItem item;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!strata::knowledge::ApplySidecar(text, item) &&
      (!item.principals.empty() || !item.metadata.text.empty() || !item.labels.empty())) {
    std::abort();
  }
  strata::JsonText metadata{std::string(text)};
  const auto taken = strata::knowledge::TakeReserved(metadata);
  if (taken.has_value()) {
    const auto again = strata::knowledge::TakeReserved(metadata);
    if (!again.has_value() || !again->empty()) std::abort();
  }
  return 0;
}
