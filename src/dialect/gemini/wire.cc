// generateContent that is forwarded: the scan of a request, the reading of an answer.

#include "dialect/wire.h"

#include <algorithm>

#include "dialect/gemini.h"
#include "dialect/gemini/array.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/signature.h"
#include "dialect/json/upstream.h"
#include "dialect/json_scan.h"

namespace strata::dialect::gemini {
namespace {

Result<domain::ChatRequest> DecodeWhole(std::string_view body) {
  STRATA_TRY(auto request, DecodeGenerate(body));
  return std::move(request.chat);
}

// Both spellings of a member's name.
struct Name {
  std::string_view camel;
  std::string_view snake;
};

// The text of the member, "" when there is none; nullopt when both spellings are there.
std::optional<std::string_view> TextAt(const ScannedObject& object, Name name) {
  auto camel = object.TextAt(name.camel);
  auto snake = object.TextAt(name.snake);
  if (!camel.empty() && !snake.empty()) return std::nullopt;
  return camel.empty() ? snake : camel;
}

std::size_t Count(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// Signatures of other families: the request must be decoded, so that they are left out.
bool HoldsForeignReasoning(std::string_view body) {
  return HoldsMark(body, {"thoughtSignature", "thought_signature"});
}

enum class Holds : std::uint8_t { kOnlyResults, kUnsignedCall, kOther };

// What of it the rule about signatures asks for; of parallel calls only the first is signed.
Holds WhatHolds(const JsonField& content) {
  auto parts = content.Get("parts");
  bool results = parts.size() > 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto part = parts.Item(i);
    if (part.Get("functionCall").present()) {
      return part.TextAt("thoughtSignature").empty() ? Holds::kUnsignedCall : Holds::kOther;
    }
    results = results && part.Get("functionResponse").present();
  }
  return results ? Holds::kOnlyResults : Holds::kOther;
}

bool ScanConfig(std::string_view json, GenerateRequest& out) {
  if (json.empty()) return true;
  auto config = ScanObject(json);
  if (!config) return false;
  auto limit = TextAt(*config, {"maxOutputTokens", "max_output_tokens"});
  auto count = TextAt(*config, {"candidateCount", "candidate_count"});
  auto thinking = TextAt(*config, {"thinkingConfig", "thinking_config"});
  if (!limit || !count || !thinking) return false;
  if (!limit->empty()) {
    out.chat.max_tokens = ScannedInteger(*limit);
    if (out.chat.max_tokens.value_or(0) < 1) return false;
  }
  if (!count->empty()) {
    out.chat.choices = ScannedInteger(*count).value_or(0);
    if (out.chat.choices < 1) return false;
  }
  if (thinking->empty()) return true;
  auto object = ScanObject(*thinking);
  auto shown = object ? TextAt(*object, {"includeThoughts", "include_thoughts"}) : std::nullopt;
  if (!shown) return false;
  out.include_thoughts = *shown == "true";
  return true;
}

domain::Usage UsageOf(JsonValue root) {
  CamelKeys(root);
  return ReadUsage(JsonField(root));
}

// Reads the chunks of a stream, whichever way they come.
class Chunks {
 public:
  explicit Chunks(WireFacts& facts) : facts_(facts) {}

  // Whether the answer may end with this chunk.
  Result<bool> On(std::string_view data);
  bool finished() const { return finished_; }

 private:
  Result<bool> OnChunk(const JsonField& chunk);

  WireFacts& facts_;
  bool started_ = false;
  bool finished_ = false;
};

Result<bool> Chunks::On(std::string_view data) {
  if (started_ && !finished_ && !MayHaveMember(data, R"("finishReason")") &&
      !MayHaveMember(data, R"("blockReason")") && !MayHaveMember(data, R"("error")")) {
    return false;
  }
  auto root = ParseJson(data);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  CamelKeys(*root);
  JsonField chunk(*root);
  if (auto object = chunk.ExpectObject(); !object) {
    return Fail(AsUpstreamFault(std::move(object.error())));
  }
  if (auto error = chunk.Get("error"); error.present()) {
    return Fail(UpstreamStreamError(error.TextAt("status"), error.TextAt("message")));
  }
  return OnChunk(chunk);
}

// A finish reason makes the answer whole; what follows may bring usage.
Result<bool> Chunks::OnChunk(const JsonField& chunk) {
  if (!std::exchange(started_, true)) facts_.model = chunk.TextAt("modelVersion");
  if (auto usage = chunk.Get("usageMetadata"); usage.present()) facts_.usage = ReadUsage(usage);
  auto feedback = chunk.Get("promptFeedback");
  if (!feedback.TextAt("blockReason").empty()) {
    facts_.stop_reason = domain::StopReason::kContentFiltered;
    finished_ = true;
  }
  auto candidates = chunk.Get("candidates");
  auto candidate = candidates.Item(0);
  if (auto word = candidate.TextAt("finishReason"); !word.empty()) {
    if (auto reason = StopReasonOf(word)) facts_.stop_reason = *reason;
    finished_ = true;
  }
  return finished_;
}

class EventsTap final : public SseWireTap {
 private:
  Result<Verdict> OnEvent(std::string_view event) override {
    auto data = SseDataOf(event, scratch_);
    if (data.empty()) return Verdict::kPass;
    STRATA_TRY(auto ends, chunks_.On(data));
    return ends ? Verdict::kTail : Verdict::kPass;
  }

  Chunks chunks_{facts_};
  std::string scratch_;
};

// Pieces are elements with the comma before them, so that what follows may be ours.
class ArrayTap final : public EventWireTap {
 private:
  Result<std::size_t> EventSize(std::string_view rest, std::size_t) override {
    return cut_.Next(rest);
  }
  Result<Verdict> OnEvent(std::string_view piece) override {
    auto element = ElementOf(piece);
    if (!element.empty()) {
      STRATA_TRY(auto ends, chunks_.On(element));
      return ends ? Verdict::kTail : Verdict::kPass;
    }
    if (chunks_.finished()) return Verdict::kTail;
    return Fail(Code::kUnavailable, "the provider closed the stream before its end");
  }
  bool TailIsWhole() const override { return cut_.closed(); }

  ArrayCut cut_;
  Chunks chunks_{facts_};
};

Result<WireFacts> Read(std::string_view body, const HeaderList&) {
  auto scanned = ScanObject(body);
  auto candidates = scanned ? scanned->TextAt("candidates") : std::string_view();
  if (candidates.find('{') == candidates.npos) {
    // Says what is wrong, or that the scan was too strict.
    STRATA_TRY(auto answer, DecodeGenerateResponse(body));
    return WireFacts{
        .model = std::move(answer.model), .usage = answer.usage, .stop_reason = answer.stop_reason};
  }
  WireFacts facts;
  if (auto model = ScannedString(scanned->TextAt("modelVersion"))) facts.model = std::move(*model);
  if (auto usage = scanned->TextAt("usageMetadata"); !usage.empty()) {
    if (auto parsed = ParseJson(usage)) facts.usage = UsageOf(std::move(*parsed));
  }
  auto parsed = ParseJson(candidates);
  if (!parsed) return Fail(AsUpstreamFault(std::move(parsed.error())));
  JsonField list(*parsed);
  auto first = list.Item(0);
  if (auto reason = StopReasonOf(first.TextAt("finishReason"))) facts.stop_reason = *reason;
  return facts;
}

}  // namespace

Result<GenerateRequest> ScanGenerate(std::string body, domain::WireHeaders headers,
                                     std::string_view format) {
  GenerateRequest out;
  auto scanned = ScanObject(body);
  auto config = scanned ? TextAt(*scanned, {"generationConfig", "generation_config"})
                        : std::optional<std::string_view>();
  if (!config || HoldsForeignReasoning(body) || !HasObjects(*scanned, "contents") ||
      !ScanConfig(*config, out)) {
    return DecodeGenerate(body);
  }
  auto wire = std::make_shared<domain::WireRequest>();
  wire->format = format;
  wire->body = std::move(body);
  wire->headers = std::move(headers);
  wire->decode = DecodeWhole;
  out.chat.wire = std::move(wire);
  out.chat.wire_only = true;
  return out;
}

bool LacksSignature(std::string_view body) {
  const auto calls = Count(body, R"("functionCall")") + Count(body, R"("function_call")");
  if (calls <= Count(body, R"("thoughtSignature")") + Count(body, R"("thought_signature")")) {
    return false;  // nearly every request: without a tree
  }
  auto root = ParseJson(body);
  if (!root) return false;
  CamelKeys(*root);
  JsonField request(*root);
  auto contents = request.Get("contents");
  for (auto i = contents.size(); i-- > 0;) {
    auto content = contents.Item(i);
    const auto holds = WhatHolds(content);
    if (content.Get("role").Is("model")) {
      if (holds == Holds::kUnsignedCall) return true;
    } else if (holds != Holds::kOnlyResults) {
      return false;  // where the current turn begins: the API looks no further
    }
  }
  return false;
}

bool NamesRoles(std::string_view body) {
  auto scanned = ScanObject(body);
  auto contents = scanned ? scanned->TextAt("contents") : std::string_view();
  return Count(contents, R"("parts")") <= Count(contents, R"("role")");
}

const WireCodec* GenerateWire(std::string_view format) {
  static constexpr WireCodec kEvents{
      .format = kWireFormat,
      .read = Read,
      .make_tap = [](const domain::WireRequest&) -> std::unique_ptr<WireTap> {
        return std::make_unique<EventsTap>();
      },
      .decode = DecodeGenerateResponse,
      .make_decoder = MakeStreamDecoder};
  static constexpr WireCodec kArray{
      .format = kArrayWireFormat,
      .read = Read,
      .make_tap = [](const domain::WireRequest&) -> std::unique_ptr<WireTap> {
        return std::make_unique<ArrayTap>();
      },
      .decode = DecodeGenerateResponse,
      .make_decoder = MakeArrayStreamDecoder};
  if (format == kWireFormat) return &kEvents;
  return format == kArrayWireFormat ? &kArray : nullptr;
}

std::string_view StreamOperation(std::string_view format) {
  return format == kArrayWireFormat ? "streamGenerateContent" : "streamGenerateContent?alt=sse";
}

}  // namespace strata::dialect::gemini
