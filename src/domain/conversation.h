#pragma once
// A conversation in strata's own terms: what every dialect is decoded to and every provider is
// given.
//
// Tool results are blocks of a user message (as in Anthropic and Bedrock); dialects with a `tool`
// role map to that.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/span.h"
#include "domain/citation.h"
#include "domain/usage.h"
#include "domain/wire.h"

namespace strata::domain {

enum class Role : std::uint8_t { kUser, kAssistant };

// One generated token: its text, its bytes (a token may be a part of a character, then `token`
// holds a replacement), its natural log-probability, and the likeliest tokens at its place, best
// first.
struct TokenLogprob {
  std::string token;
  std::string bytes;
  double logprob = 0;
  std::vector<TokenLogprob> top = {};  // whose own `top` are empty
  friend bool operator==(const TokenLogprob&, const TokenLogprob&) = default;
};

struct TextBlock {
  std::string text;
  std::vector<Citation> citations;  // of an answer, or of an assistant message that is played back
  bool guard_only = false;  // Bedrock guardContent: only such blocks are checked when any exists
  // Bedrock's, with guard_only: "grounding_source", "query", "guard_content".
  std::vector<std::string> guard_qualifiers = {};
  std::vector<TokenLogprob> logprobs = {};  // of an answer, when they were asked for
  friend bool operator==(const TextBlock&, const TextBlock&) = default;
};

// Bytes or an address, never both. `format`: png, jpeg, gif, webp.
struct ImageBlock {
  std::string format;
  std::string bytes;
  std::string url;
  std::string detail = {};  // OpenAI's hint: "low", "high", "auto"; "" for none
  friend bool operator==(const ImageBlock&, const ImageBlock&) = default;
};

// `format`: pdf, csv, doc, docx, xls, xlsx, html, txt, md. Text documents carry `text`, others
// `bytes`, or an address. `chunks` is used by search-result and custom-content documents: citable
// pieces in order.
struct DocumentBlock {
  std::string format;
  std::string name;
  std::string text;
  std::string bytes;
  std::string url;
  std::vector<std::string> chunks;
  std::string context;
  std::string source_uri;    // what a citation names
  std::optional<bool> cite;  // citations asked for or declined; none said: as the model does
  friend bool operator==(const DocumentBlock&, const DocumentBlock&) = default;
};

struct ToolUseBlock {
  std::string id;
  std::string name;
  JsonText input;  // a JSON object
  friend bool operator==(const ToolUseBlock&, const ToolUseBlock&) = default;
};

struct ToolResultBlock {
  std::string tool_use_id;
  std::vector<std::variant<TextBlock, JsonText, ImageBlock, DocumentBlock>> content;
  bool is_error = false;
  friend bool operator==(const ToolResultBlock&, const ToolResultBlock&) = default;
};

// Thinking text; `signature` is the provider's proof, needed when it is played back to the model
// that made it. Redacted thinking has only `redacted` (opaque bytes). A signature without text
// belongs to the block after it.
struct ReasoningBlock {
  std::string text;
  std::string signature;
  std::string redacted;
  // Whose models can read signature and redacted: "anthropic", "gemini"; "" where nothing is
  // signed. Other families are not shown the block.
  std::string signer = {};
  friend bool operator==(const ReasoningBlock&, const ReasoningBlock&) = default;
};

// "The prompt up to here may be cached."
struct CachePoint {
  std::string ttl;  // "5m", "1h", "" for the provider's default
  friend bool operator==(const CachePoint&, const CachePoint&) = default;
};

using ContentBlock = std::variant<TextBlock, ImageBlock, DocumentBlock, ToolUseBlock,
                                  ToolResultBlock, ReasoningBlock, CachePoint>;

struct Message {
  Role role = Role::kUser;
  std::vector<ContentBlock> content;
  std::string name = {};  // of the participant, where the dialect lets callers say it
  friend bool operator==(const Message&, const Message&) = default;
};

struct Tool {
  std::string name;
  std::string description;
  JsonText input_schema;  // a JSON Schema object
  bool strict = false;
  // "The prompt up to and with this tool may be cached."
  std::optional<CachePoint> cache_point = std::nullopt;
  friend bool operator==(const Tool&, const Tool&) = default;
};

struct ToolChoice {
  enum class Kind : std::uint8_t { kAuto, kAny, kNone, kNamed } kind = Kind::kAuto;
  std::string name;  // kNamed
  bool parallel = true;
  friend bool operator==(const ToolChoice&, const ToolChoice&) = default;
};

// The answer must be JSON; with a schema, JSON that fits it.
struct JsonOutput {
  std::string name;
  JsonText schema;  // "" = any JSON object
  bool strict = true;
  std::string description = {};
  friend bool operator==(const JsonOutput&, const JsonOutput&) = default;
};

// Thinking asked for: a token budget, or an effort word ("low", "medium", "high").
struct ReasoningConfig {
  bool enabled = true;
  std::int64_t budget_tokens = 0;
  std::string effort;
  friend bool operator==(const ReasoningConfig&, const ReasoningConfig&) = default;
};

struct ChatRequest {
  std::string model;
  std::vector<ContentBlock> system;  // text and cache points
  std::vector<Message> messages;
  std::vector<Tool> tools;
  std::optional<ToolChoice> tool_choice;
  std::optional<JsonOutput> json_output;
  std::optional<ReasoningConfig> reasoning;
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> top_k;
  std::optional<std::int64_t> seed;
  std::vector<std::string> stop;
  bool logprobs = false;  // log-probabilities of the answer's tokens are wanted
  int top_logprobs = 0;   // and of so many alternatives at each place; only with `logprobs`
  bool stream = false;
  std::string user;                             // pseudonymous subject id of the end user
  std::map<std::string, std::string> metadata;  // request metadata: cost attribution only
  std::string service_tier;                     // "", "default", "priority", "flex", …
  JsonText extra;  // members only this provider's family knows (additionalModelRequestFields), a
                   // JSON object or ""
  // The dialect that `extra` is written in: "openai", "anthropic", "bedrock", "" when it is empty.
  std::string extra_dialect;
  // The client's own bytes, where a provider of its dialect may get them; null otherwise. Whoever
  // changes anything but `model` decodes first (DecodeWhole) and drops it.
  std::shared_ptr<const WireRequest> wire;
  // Only model, stream, max_tokens, user, metadata, service_tier and choices are filled; everything
  // else is still in wire->body.
  bool wire_only = false;
  // Answers asked for at once (OpenAI's n). More than one is only ever forwarded, and the decoded
  // shadow of an answer holds the first.
  std::int64_t choices = 1;
  // A guardrail reads the answer: one that is forwarded must be decoded as well.
  bool answer_is_read = false;
  // Where a provider leaves its answer when it refuses, for a client of its dialect; may be null.
  std::shared_ptr<Refusal> refusal;
  friend bool operator==(const ChatRequest&, const ChatRequest&) = default;
};

enum class StopReason : std::uint8_t {
  kEndTurn,
  kToolUse,
  kMaxTokens,
  kStopSequence,
  kGuardrail,
  kContentFiltered,
  kRefusal,
  kContextWindow,
};

// Text of all text blocks of one message, joined without a separator.
std::string TextOf(const std::vector<ContentBlock>& content);

// Text of the last user message; "" when there is none.
std::string LastUserText(const ChatRequest& request);

}  // namespace strata::domain
