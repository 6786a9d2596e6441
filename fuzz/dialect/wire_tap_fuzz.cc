// Streams that are forwarded: in any chunking the same bytes pass, and none that did not come in.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dialect/anthropic.h"
#include "dialect/openai.h"

using namespace strata::dialect;

namespace {

std::string Pass(WireTap& tap, std::string_view bytes, std::size_t size) {
  std::string out;
  while (!bytes.empty() && !tap.ended() && !tap.failure()) {
    std::string piece(bytes.substr(0, size));
    bytes.remove_prefix(piece.size());
    out += tap.Feed(piece);
  }
  if (tap.ended()) out += tap.TakeEnd();
  static_cast<void>(tap.Finish());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = 1 + data[size - 1] % 16;
  if (Pass(*openai::MakeWireTap(true), bytes, size) !=
      Pass(*openai::MakeWireTap(true), bytes, piece)) {
    std::abort();
  }
  auto whole = Pass(*anthropic::MakeWireTap(), bytes, size);
  if (whole != Pass(*anthropic::MakeWireTap(), bytes, piece)) std::abort();
  if (!bytes.starts_with(whole)) std::abort();
  return 0;
}
