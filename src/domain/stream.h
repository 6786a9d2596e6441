#pragma once
// The events of one answer, in order, and the answer that they add up to. Every provider produces
// them, every dialect writes them; a non-streamed answer is the same events, accumulated.
//
// Order: StreamStart, then per block BlockStart, deltas, BlockStop (blocks do not interleave in
// what providers emit; index counts from 0), then StreamEnd. An error takes the place of StreamEnd
// and travels as a Result.
//
// An answer whose bytes are forwarded unchanged (StreamStart.wire) comes as WireChunks between
// start and end. Decoded events may stand beside them, each before the chunk that holds it: a
// shadow for whoever reads the text, which is not written. Where a guardrail has to change the
// text, WireStop ends the bytes: the decoded events behind it are the rest of the answer.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "domain/conversation.h"
#include "domain/usage.h"

namespace strata::domain {

struct StreamStart {
  std::string id;            // the provider's message id, "" when it has none
  std::string model;         // the model that answers, as the provider names it
  Usage usage;               // what is known at the start (prompt tokens), zero otherwise
  bool wire = false;         // bytes follow, in the dialect of the request's WireRequest
  WireHeaders headers = {};  // with `wire`: those of the provider's answer that a client may see
  bool may_stop = false;     // with `wire`: a WireStop may come
};

enum class BlockKind : std::uint8_t { kText, kToolUse, kReasoning };

struct BlockStart {
  int index = 0;
  BlockKind kind = BlockKind::kText;
  std::string tool_use_id;  // kToolUse
  std::string tool_name;    // kToolUse
};

struct TextDelta {
  int index = 0;
  std::string text;
  std::vector<TokenLogprob> logprobs = {};
  // The text is known to be a refusal already. Providers that say so only at the end leave it false
  // and end with StopReason::kRefusal.
  bool refusal = false;
};
struct ToolInputDelta {
  int index = 0;
  std::string json;  // a fragment; fragments add up to one JSON object
};
struct ReasoningDelta {
  int index = 0;
  std::string text;
  std::string signature;
  std::string redacted;
  std::string signer = {};  // see ReasoningBlock
};
struct CitationDelta {
  int index = 0;
  Citation citation;
};
struct BlockStop {
  int index = 0;
};
// The next bytes of an answer that is forwarded; a model's whole events, so any number of them may
// have left when an error follows.
struct WireChunk {
  std::string_view bytes;  // valid until the stream is asked for its next event
};
// No more bytes: what they did not hold yet follows as decoded events.
struct WireStop {};
struct StreamEnd {
  StopReason stop_reason = StopReason::kEndTurn;
  std::string stop_sequence;  // the one that matched
  Usage usage;                // final
  // Of a forwarded answer: its last bytes (the whole body when it is not streamed), held back so
  // that the call is on record before they leave; and the model, as the provider names it.
  std::string wire = {};
  std::string model = {};
};

using StreamEvent = std::variant<StreamStart, BlockStart, TextDelta, ToolInputDelta, ReasoningDelta,
                                 CitationDelta, BlockStop, WireChunk, WireStop, StreamEnd>;

struct ChatResponse {
  std::string id;
  std::string model;
  std::vector<ContentBlock> content;
  StopReason stop_reason = StopReason::kEndTurn;
  std::string stop_sequence;
  Usage usage;
  friend bool operator==(const ChatResponse&, const ChatResponse&) = default;
};

// Adds events up. Events of an unknown block index are a bug of the producer and are ignored.
class StreamAccumulator {
 public:
  void Add(const StreamEvent& event);
  bool ended() const { return ended_; }
  const ChatResponse& response() const { return response_; }
  ChatResponse Take() { return std::move(response_); }

 private:
  ContentBlock* Block(int index);

  ChatResponse response_;
  bool ended_ = false;
};

// The events of a whole answer, for a provider that gave it in one piece.
std::vector<StreamEvent> EventsOf(const ChatResponse& response);

}  // namespace strata::domain
