// A static embedder's file, as it came and with the checksum made right, which a fuzzer cannot
// guess: what opens must embed.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "fuzz/memory_file.h"
#include "vector/static_embedder.h"

namespace {

constexpr std::size_t kChecksumAt = 48;  // the last member of the header
constexpr std::size_t kHeaderBytes = 56;

void OpenAndEmbed(std::string_view bytes) {
  const strata::fuzz::MemoryFile file(bytes);
  const auto model = strata::vector::StaticEmbedder::Open(file.path());
  if (!model) return;
  std::vector<float> row(static_cast<std::size_t>((*model)->dimensions()));
  const auto pieces = (*model)->Embed("The River banks. \xE2\x82\xAC unbelievable", row);
  if (pieces != (*model)->CountTokens("The River banks. \xE2\x82\xAC unbelievable")) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  OpenAndEmbed(bytes);
  if (bytes.size() < kHeaderBytes) return 0;
  const std::uint64_t checksum = strata::Hash64(std::string_view(bytes).substr(kHeaderBytes));
  std::memcpy(bytes.data() + kChecksumAt, &checksum, sizeof(checksum));
  OpenAndEmbed(bytes);
  return 0;
}
