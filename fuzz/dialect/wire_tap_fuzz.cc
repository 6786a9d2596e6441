// Streams that are forwarded: in any chunking the same bytes pass, and none that did not come in.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dialect/anthropic.h"
#include "dialect/bedrock.h"
#include "dialect/gemini.h"
#include "dialect/openai.h"
#include "dialect/responses_wire.h"

using namespace strata::dialect;

namespace {

std::string Pass(WireTap& tap, std::string_view bytes, std::size_t size) {
  std::string out;
  while (!bytes.empty() && !tap.ended() && !tap.failure()) {
    std::string piece(bytes.substr(0, size));
    bytes.remove_prefix(piece.size());
    out += tap.Feed(piece);
  }
  if (tap.Finish().has_value()) out += tap.TakeEnd();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = 1 + data[size - 1] % 16;
  strata::domain::WireRequest hides;
  hides.usage_text = "1";
  const auto& chat = openai::ChatWire();
  if (Pass(*chat.make_tap(hides), bytes, size) != Pass(*chat.make_tap(hides), bytes, piece)) {
    std::abort();
  }
  for (const auto* codec :
       {&chat, &responses::ResponsesWire(), &anthropic::MessagesWire(), &bedrock::ConverseWire(),
        bedrock::InvokeWire("bedrock.invoke.anthropic"), gemini::GenerateWire(gemini::kWireFormat),
        gemini::GenerateWire(gemini::kArrayWireFormat)}) {
    auto whole = Pass(*codec->make_tap({}), bytes, size);
    if (whole != Pass(*codec->make_tap({}), bytes, piece)) std::abort();
    if (!bytes.starts_with(whole)) std::abort();
  }
  return 0;
}
