// Scanning a journal file that a dead process left: payloads lie inside the bytes, in order.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/call_key.h"
#include "store/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto scan = strata::store::ScanSegment(bytes);
  if (!scan.has_value()) return 0;
  const char* at = bytes.data();
  for (auto payload : scan->payloads) {
    if (payload.data() < at || payload.data() + payload.size() > bytes.data() + size) std::abort();
    at = payload.data() + payload.size();
    strata::store::CallRow row;
    [[maybe_unused]] auto read = strata::store::DecodeInto(payload, row);
  }
  return 0;
}
