// Key files of Google's service accounts, and answers of its token endpoint.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "provider/vertex/tokens.h"

using namespace strata::provider::vertex;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(ParseServiceAccount(bytes));
  static_cast<void>(ParseTokenAnswer(bytes, {}));
  return 0;
}
