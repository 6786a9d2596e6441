#pragma once
// A client's request as it came, kept beside its decoded form: a provider that speaks the same
// dialect gets these bytes, with only the named places changed, so that nothing the client said is
// lost or reordered.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace strata::domain {

struct ChatRequest;

// Header fields in the order they came; names as the peer spelled them.
using WireHeaders = std::vector<std::pair<std::string, std::string>>;

// Bytes [start, end) of a body; start == end is a place between two bytes.
struct WireRange {
  std::size_t start = 0;
  std::size_t end = 0;
};

// What a provider answered to a call that it refused, as it came. One request's attempts share it,
// on one thread: it holds the last.
struct Refusal {
  std::string dialect;  // "openai", "anthropic", "bedrock", "gemini"; "" while there is none
  int status = 0;
  WireHeaders headers;  // those that a client may see
  std::string body;     // without secrets of ours
};

// Constant once it is shared: the attempts of one request have one.
struct WireRequest {
  // The wire format, one for each codec and operation: "openai.chat", "anthropic.messages",
  // "bedrock.converse". Points to static storage.
  std::string_view format;
  std::string body;
  WireHeaders headers;  // those that a provider may see

  // The value of the model id, quotes included; empty where the id is not in the body.
  WireRange model;
  // Asks for a count of tokens that the client did not ask for: `usage_text` takes the place of
  // `usage`. What the provider sends because of it is kept from the client. Empty text: nothing.
  WireRange usage;
  std::string usage_text;

  // Reads the whole body; pure. Errors are the dialect's own.
  Result<ChatRequest> (*decode)(std::string_view body) = nullptr;

  bool hides_usage() const { return !usage_text.empty(); }
};

// The body as it is sent to a provider that calls the model `upstream_id`. O(bytes), one
// allocation.
std::string WireBodyFor(const WireRequest& wire, std::string_view upstream_id);

// Whoever needs more of a request than its scanned members calls this first; afterwards the request
// is whole (`wire_only` is false). Its model and form (stream or not) stay as they are.
// Errors: those of the dialect's decoder.
Result<> DecodeWhole(ChatRequest& request);

}  // namespace strata::domain
