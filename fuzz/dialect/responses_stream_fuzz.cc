// Events of a provider's Responses API: decoded, and followed by an encoder that goes on behind
// them.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dialect/responses_wire.h"
#include "stream_check.h"

using namespace strata::dialect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  DecodeStream(*responses::MakeStreamDecoder(), bytes);
  auto encoder = responses::MakeFollowingEncoder({}, {}, {});
  if (auto events = responses::MakeStreamDecoder()->Feed(bytes)) {
    for (const auto& event : *events) {
      if (!std::holds_alternative<strata::domain::StreamEnd>(event)) encoder->Encode(event);
    }
  }
  encoder->Follow(bytes);
  encoder->GoOnBehindBytes();
  static_cast<void>(encoder->Encode(strata::domain::TextDelta{.index = 0, .text = "on"}));
  static_cast<void>(encoder->Encode(strata::domain::StreamEnd{
      .stop_reason = strata::domain::StopReason::kEndTurn, .stop_sequence = {}, .usage = {}}));
  static_cast<void>(responses::DecodeResponse(bytes));
  static_cast<void>(responses::ReadWireAnswer(bytes));
  static_cast<void>(responses::IdOfAnswer(bytes));
  static_cast<void>(responses::UsageOfEnded(bytes));
  static_cast<void>(responses::DecodeInputTokens(bytes));
  return 0;
}
