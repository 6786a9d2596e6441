#pragma once
// Parts of Gemini contents, which stand in requests, answers and streams, and the words of answers.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::dialect::gemini {

// The family whose signatures are bare here (ReasoningBlock::signer).
inline constexpr std::string_view kFamily = "gemini";

// Member names in snake case become camel case, apart from those below members that hold the
// caller's own JSON (arguments, results, schemas, labels).
void CamelKeys(JsonValue& value);

// Ids of tool calls where they are not sent: the API then tells results by name and order.
class CallIds {
 public:
  // `prefix` of the ids that are made.
  explicit CallIds(std::string prefix = "call") : prefix_(std::move(prefix)) {}
  std::string Called(std::string id, const std::string& name);
  // "" when no call of that name is open.
  std::string Answered(std::string id, const std::string& name);

 private:
  using Places = std::deque<std::size_t>;  // in calls_, oldest first; some may be answered

  struct Call {
    std::string id;
    bool answered = false;
  };
  std::string prefix_;
  std::vector<Call> calls_;
  // Trees, as names and ids are the caller's: many must not make a lookup slow.
  std::map<std::string, Places> by_name_;
  std::map<std::string, Places> by_id_;
};
// A prefix for ids that no other answer of a conversation has.
std::string CallPrefix(std::string_view response_id);

// Reads one part. kRequest refuses what the domain cannot hold, by name; kAnswer leaves out what
// the provider's own tools did.
enum class PartUse : std::uint8_t { kRequest, kAnswer };
Result<> DecodePart(const JsonField& part, PartUse use, CallIds& ids,
                    std::vector<domain::ContentBlock>& out);

// Adds the signature of a part to the reasoning before it, or as a block of its own.
void AddSignature(std::string signature, std::vector<domain::ContentBlock>& out);

// Gemini's Schema (upper-case types, nullable, numbers as text) → JSON Schema.
JsonText JsonSchemaOf(const JsonValue& schema);

struct PartOptions {
  // Towards a provider only its own signatures are written; towards a client all, marked.
  enum class Side : std::uint8_t { kClient, kProvider } side = Side::kClient;
  bool thoughts = true;                                       // texts of reasoning are shown
  bool mark_unsigned_calls = false;                           // see EncodeOptions
  const std::map<std::string, std::string>* names = nullptr;  // of tools, by the id of their call
};
// The elements of a list of parts; returns how many bytes of visible text stand before the end of
// each text block, for citations.
Result<> WriteParts(JsonWriter& out, const std::vector<domain::ContentBlock>& content,
                    const PartOptions& options);
// One element; `signature` is written with it when it is not empty.
void WriteTextPart(JsonWriter& out, std::string_view text, std::string_view signature);
void WriteThought(JsonWriter& out, std::string_view text);
void WriteCallPart(JsonWriter& out, const domain::ToolUseBlock& use, std::string_view signature);
// A signature as clients get it: base64, which is what the API's member holds.
std::string ClientSignature(const domain::ReasoningBlock& reasoning);

// "groundingMetadata":{…} of citations; `text_start` of each is the first byte of its text block in
// the visible text, `part` the place of that block among the parts.
struct PlacedCitation {
  const domain::Citation* citation;
  const std::string* text;  // of the block
  std::size_t text_start;   // bytes of visible text before the block, counted in its part
  int part;
};
void WriteGrounding(JsonWriter& out, const std::vector<PlacedCitation>& citations);

// Citations of a candidate: groundingMetadata and citationMetadata. `text` is what their byte
// offsets count in; spans come out in code points of it. `part`: only those of that part, -1 for
// all.
std::vector<domain::Citation> ReadCitations(const JsonField& candidate, std::string_view text,
                                            int part);

// "logprobsResult":{…}; nothing when there are none.
void WriteLogprobs(JsonWriter& out, const std::vector<domain::TokenLogprob>& tokens);
std::vector<domain::TokenLogprob> ReadLogprobs(const JsonField& candidate);

void WriteUsage(JsonWriter& out, const domain::Usage& usage);
domain::Usage ReadUsage(const JsonField& usage);

std::string_view FinishReason(domain::StopReason reason);
// What a finishReason means. Error kUnavailable: the model's answer cannot be used (a malformed
// function call).
Result<domain::StopReason> StopReasonOf(std::string_view finish_reason);

}  // namespace strata::dialect::gemini
