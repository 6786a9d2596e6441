// Decoding a journal record: whatever decodes must encode to something that decodes to the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/call_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::store;
  // nothing: it is refused.
  auto again = [](std::string_view bytes) -> std::string {
    auto head = HeadOf(bytes);
    CallRow row;
    if (!DecodeInto(bytes, row).has_value()) return {};
    if (!head.has_value()) std::abort();
    if (head->part == CallPart::kBoth) return EncodeFinal(row);
    if (head->part == CallPart::kIntent) return EncodeIntent(row.intent);
    row.intent.request_id.value = head->key.first;
    row.intent.call_number = head->key.second;
    return EncodeOutcome(row.intent, row.outcome);
  };
  const auto once = again({reinterpret_cast<const char*>(data), size});
  if (!once.empty() && again(once) != once) std::abort();
  return 0;
}
