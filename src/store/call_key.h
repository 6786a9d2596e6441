#pragma once
// The records of the journal: what one holds of a call, and which call it is about.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "store/call_row.h"

namespace strata::store {

// Request id and number of the call within the request.
using CallKey = std::pair<std::string, std::uint32_t>;
using CallKeyView = std::pair<std::string_view, std::uint32_t>;

// Stable numbers: they are stored.
enum class CallPart : std::uint8_t {
  kIntent = 1,
  kBoth = 2,     // how calls ended before format 4: the outcome behind all of the intent
  kOutcome = 3,  // names its intent by the key
};
struct CallRecordHead {
  CallPart part;
  CallKeyView key;  // of the record's bytes
};

// Errors as DecodeCallRecord.
Result<CallRecordHead> HeadOf(std::string_view bytes);
// Fills the part of `row` that the record holds; that part is empty before.
Result<> DecodeInto(std::string_view bytes, CallRow& row);

// How the call of `intent` ended, in at most kOutcomeRecordBytesMax bytes.
inline constexpr std::size_t kOutcomeRecordBytesMax = kCallOutcomeBytesMax + kCallTextMax + 16;
std::string EncodeOutcome(const CallIntent& intent, const CallOutcome& outcome);

}  // namespace strata::store
