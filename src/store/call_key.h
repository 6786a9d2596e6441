#pragma once
// The bytes of a journal's records without what they hold: which call one is about, and the final
// of an intent.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "store/call_row.h"

namespace strata::store {

// Request id and number of the call within the request.
using CallKey = std::pair<std::string, std::uint32_t>;

// Of an intent in a format that is known; nullopt for everything else, which DecodeCallRecord
// explains.
std::optional<CallKey> IntentKeyOf(std::string_view bytes);

// Fills `row`, an empty one, from a final. false: it is an intent. Errors as DecodeCallRecord.
Result<bool> DecodeFinal(std::string_view bytes, CallRow& row);

// The final of the call whose EncodeIntent is `intent_bytes`: the same bytes as EncodeFinal's.
std::string FinalFrom(std::string intent_bytes, const CallOutcome& outcome);

}  // namespace strata::store
