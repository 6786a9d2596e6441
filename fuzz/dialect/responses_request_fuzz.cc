// Responses requests from clients; what is accepted must be storable, and its items play back.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dialect/responses_wire.h"

namespace responses = strata::dialect::responses;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto forwarded = responses::DecodeForForwarding(bytes);
  if (auto request = responses::DecodeRequest(bytes)) {
    // What is served here is read alike when it is forwarded.
    if (!forwarded || forwarded->chat.messages != request->chat.messages ||
        forwarded->chat.system != request->chat.system) {
      std::abort();
    }
    const auto items = responses::InputItems(*request, "resp_1");
    if (!responses::EncodeItemPage(items, {})) std::abort();
    // What was accepted once is accepted again from the store, unless it holds no message.
    if (!request->chat.messages.empty() && !responses::AddHistory(*request, {items})) std::abort();
    static_cast<void>(responses::EncodeResponse({}, request->settings, {}));
  }
  static_cast<void>(responses::DecodeItemPage(bytes));
  static_cast<void>(responses::EncodeItemPage(bytes, {}));
  return 0;
}
