// A router's file, as it came and with the checksum made right, which a fuzzer cannot guess: it
// is refused or consistent.

#include <cstdint>
#include <cstring>
#include <string>

#include "base/encoding.h"
#include "route/router_file.h"

namespace {

constexpr std::size_t kChecksumAt = 12;
constexpr std::size_t kContentAt = 20;

void Read(const std::string& bytes) {
  auto state = strata::route::ReadRouter(bytes);
  if (state && state->candidates.size() < 2) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Read(bytes);
  if (bytes.size() < kContentAt) return 0;
  std::memcpy(bytes.data(), "STRATARO\1\0\0\0", kChecksumAt);
  const std::uint64_t checksum = strata::Hash64(std::string_view(bytes).substr(kContentAt));
  std::memcpy(bytes.data() + kChecksumAt, &checksum, sizeof(checksum));
  Read(bytes);
  return 0;
}
