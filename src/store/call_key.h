#pragma once
// Which call a record of the journal is about, read without the rest of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::store {

// Request id and number of the call within the request.
using CallKey = std::pair<std::string, std::uint32_t>;

// Of an intent in a format that is known; nullopt for everything else, which DecodeCallRecord
// explains.
std::optional<CallKey> IntentKeyOf(std::string_view bytes);

}  // namespace strata::store
