// Decoding a journal record: whatever decodes must encode to something that decodes to the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/call_row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::store;
  auto record = DecodeCallRecord({reinterpret_cast<const char*>(data), size});
  if (!record.has_value()) return 0;
  auto encode = [](const std::variant<CallIntent, CallRow>& value) {
    if (const auto* intent = std::get_if<CallIntent>(&value)) return EncodeIntent(*intent);
    return EncodeFinal(std::get<CallRow>(value));
  };
  auto once = encode(*record);
  auto again = DecodeCallRecord(once);
  if (!again.has_value() || encode(*again) != once) std::abort();
  return 0;
}
