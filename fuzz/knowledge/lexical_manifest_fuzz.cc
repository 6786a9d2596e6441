// The manifest of the lexical index with any bytes behind a right head: what decodes must encode to
// the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "knowledge/lexical/bytes.h"
#include "knowledge/lexical/manifest.h"

using namespace strata::knowledge::lexical;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view body(reinterpret_cast<const char*>(data), size);
  (void)DecodeManifest(body);
  std::string bytes = "STRATLXM";
  AppendInteger(bytes, kManifestVersion);
  AppendInteger(bytes, strata::Crc32(body));
  auto manifest = DecodeManifest(bytes + std::string(body));
  if (!manifest) return 0;
  auto again = DecodeManifest(EncodeManifest(*manifest));
  if (!again || again->segments.size() != manifest->segments.size()) std::abort();
  return 0;
}
