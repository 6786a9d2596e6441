// What the scan takes, the parser takes and means the same; requests that are scanned decode to the
// same model and form.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dialect/anthropic.h"
#include "dialect/json_scan.h"
#include "dialect/openai.h"
#include "dialect/responses_wire.h"

using namespace strata::dialect;

namespace {

void CheckScan(std::string_view bytes) {
  auto scanned = ScanObject(bytes);
  if (!scanned) return;
  auto parsed = ParseJson(bytes);
  if (!parsed || parsed->object() == nullptr) std::abort();
  if (parsed->object()->size() != scanned->members().size()) std::abort();
  for (std::size_t i = 0; i < scanned->members().size(); ++i) {
    const auto& member = (*parsed->object())[i];
    const auto& range = scanned->members()[i];
    auto value = ParseJson(scanned->TextOf(range));
    if (member.key != range.key || !value || value->Dump() != member.value.Dump()) std::abort();
  }
}

void CheckWire(const strata::domain::ChatRequest& request) {
  if (!request.wire) return;
  auto sent = strata::domain::WireBodyFor(*request.wire, "upstream/\"id\"");
  auto again = ScanObject(sent);
  if (!again || ScannedString(again->TextAt("model")) != "upstream/\"id\"") std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  CheckScan(bytes);
  if (auto chat = openai::ScanChatRequest(bytes, {})) {
    CheckWire(chat->chat);
    auto decoded = openai::DecodeChatRequest(bytes);
    if (decoded &&
        (decoded->chat.model != chat->chat.model || decoded->chat.stream != chat->chat.stream ||
         decoded->chat.max_tokens != chat->chat.max_tokens ||
         decoded->chat.user != chat->chat.user)) {
      std::abort();
    }
  }
  if (auto message = anthropic::ScanChatRequest(bytes, {})) {
    CheckWire(*message);
    auto decoded = anthropic::DecodeChatRequest(bytes);
    if (decoded && (decoded->model != message->model || decoded->stream != message->stream)) {
      std::abort();
    }
  }
  if (auto scanned = responses::ScanRequest(bytes)) {
    auto& chat = scanned->chat;
    chat.wire = responses::MakeWireRequest(bytes, {}, scanned->model);
    CheckWire(chat);
    auto decoded = responses::DecodeRequest(bytes);
    if (decoded && (decoded->chat.model != chat.model || decoded->chat.stream != chat.stream ||
                    decoded->chat.max_tokens != chat.max_tokens ||
                    decoded->chat.user != chat.user || decoded->settings.store != scanned->store)) {
      std::abort();
    }
  }
  return 0;
}
