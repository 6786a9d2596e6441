#pragma once
// What is recorded of one model call: the intent before the provider is called, the outcome after
// it; and their binary form in the journal.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/context.h"
#include "base/ids.h"
#include "base/result.h"
#include "domain/money.h"
#include "domain/usage.h"

namespace strata::store {

// Stable numbers: they are stored.
enum class CallStatus : std::uint8_t {
  kOpen = 0,  // no final yet; never in the ledger
  kOk = 1,
  kError = 2,      // `error_code` says which
  kCancelled = 3,  // the client went away
  kInterrupted =
      4,         // the process died, or the call was dropped without an end: charged its estimate
  kBlocked = 5,  // a guardrail stopped it
};
std::string_view CallStatusName(CallStatus status);  // "ok", "error", …
std::optional<CallStatus> ParseCallStatus(std::string_view name);

// Texts longer than kCallTextMax bytes are cut at a character when they are written; tags that go
// beyond kCallTagsMax bytes in all are dropped, the last by name first.
inline constexpr std::size_t kCallTextMax = 256;
inline constexpr std::size_t kCallTagsMax = 4096;

// The reservation, known before the provider is called.
struct CallIntent {
  RequestId request_id;
  std::uint32_t call_number = 0;  // within the request, from 0: retries, judges, embeddings, …
  WallTime time;
  WorkspaceId workspace;
  KeyId key;
  std::string trace_id;
  std::map<std::string, std::string> tags;
  std::string dialect;      // "openai", "anthropic", "bedrock", "control"
  std::string operation;    // "chat", "embeddings", "rerank"
  std::string route;        // router and reason in short, "" when the model was named outright
  std::string role;         // in a router's plan: "answer", "ask", "escalate"; "" without a router
  std::string model_asked;  // as the caller named it
  std::string model;        // deployment that is called
  std::string provider;
  std::string kb;
  domain::Usage estimate;                      // tokens, at most
  std::optional<domain::Money> estimate_cost;  // nullopt: the price is unknown

  friend bool operator==(const CallIntent&, const CallIntent&) = default;
};

struct CallOutcome {
  CallStatus status = CallStatus::kOpen;
  std::string error_code;      // CodeName of the error, "" without one
  std::string model_answered;  // as the provider named it
  domain::Usage usage;
  std::optional<domain::Money> cost;  // nullopt: the price is unknown
  std::string price_date;
  std::int64_t latency_ms = 0;
  std::optional<std::int64_t> ttft_ms;  // time to first token
  DecidedBy decided_by;
  // What the router's strongest and cheapest model would have cost in place of the request; on rows
  // of routers only, the request's last row counts. nullopt: no router, or unknown prices.
  std::optional<domain::Money> always_strong;
  std::optional<domain::Money> always_cheap;
};

// One row of the ledger.
struct CallRow {
  CallIntent intent;
  CallOutcome outcome;
};

// An intent that got no outcome, as it is charged: its estimate, status kInterrupted.
CallRow InterruptedRow(CallIntent intent);

// Binary form, little endian, versioned: byte 0 is the part (CallPart), byte 1 the format (4; 3 has
// no outcomes of their own, 2 has fixed widths, 1 also no role and no comparison). Numbers and
// lengths are LEB128. Framing and checksums are the journal's. A final, which is both parts in one,
// takes at most kCallOutcomeBytesMax bytes more than its intent.
inline constexpr std::size_t kCallOutcomeBytesMax = 8 * (kCallTextMax + 2) + 128;
std::string EncodeIntent(const CallIntent& intent);
std::string EncodeFinal(const CallRow& row);

// kCorruption: cut, unknown kind, or a field out of range; kUnsupported: a newer format.
Result<std::variant<CallIntent, CallRow>> DecodeCallRecord(std::string_view bytes);

}  // namespace strata::store
