// The reader of ~/.aws/credentials and ~/.aws/config: any bytes give sections or an error.

#include <cstdint>

#include "provider/bedrock/aws_profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = strata::provider::bedrock::ParseAwsFile(text);
  if (!parsed.has_value() && parsed.error().message().empty()) __builtin_trap();
  return 0;
}
