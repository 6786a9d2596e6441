// generateContent that is forwarded: the scan of a request, the reading of an answer.

#include "dialect/wire.h"

#include <algorithm>

#include "dialect/gemini.h"
#include "dialect/gemini/parts.h"
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

// Signatures of other families, and calls without one, which Gemini 3 refuses: the request must be
// decoded, so that they are left out or marked.
bool HoldsForeignReasoning(std::string_view body) {
  if (body.find("\"c3RyYXRhL") != body.npos) return true;  // our mark in base64
  return Count(body, R"("functionCall")") + Count(body, R"("function_call")") >
         Count(body, R"("thoughtSignature")") + Count(body, R"("thought_signature")");
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

class GenerateTap final : public SseWireTap {
 private:
  Result<Verdict> OnEvent(std::string_view event) override;
  Result<Verdict> OnChunk(const JsonField& chunk);

  bool started_ = false;
  bool finished_ = false;
  std::string scratch_;
};

Result<GenerateTap::Verdict> GenerateTap::OnEvent(std::string_view event) {
  auto data = SseDataOf(event, scratch_);
  if (data.empty()) return Verdict::kPass;
  if (started_ && !finished_ && !MayHaveMember(data, R"("finishReason")") &&
      !MayHaveMember(data, R"("blockReason")") && !MayHaveMember(data, R"("error")")) {
    return Verdict::kPass;
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
Result<GenerateTap::Verdict> GenerateTap::OnChunk(const JsonField& chunk) {
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
  return finished_ ? Verdict::kTail : Verdict::kPass;
}

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

Result<GenerateRequest> ScanGenerate(std::string body, domain::WireHeaders headers) {
  GenerateRequest out;
  auto scanned = ScanObject(body);
  auto config = scanned ? TextAt(*scanned, {"generationConfig", "generation_config"})
                        : std::optional<std::string_view>();
  if (!config || HoldsForeignReasoning(body) || !HasObjects(*scanned, "contents") ||
      !ScanConfig(*config, out)) {
    return DecodeGenerate(body);
  }
  auto wire = std::make_shared<domain::WireRequest>();
  wire->format = kWireFormat;
  wire->body = std::move(body);
  wire->headers = std::move(headers);
  wire->decode = DecodeWhole;
  out.chat.wire = std::move(wire);
  out.chat.wire_only = true;
  return out;
}

const WireCodec& GenerateWire() {
  static constexpr WireCodec kCodec{
      .format = kWireFormat,
      .read = Read,
      .make_tap = [](const domain::WireRequest&) -> std::unique_ptr<WireTap> {
        return std::make_unique<GenerateTap>();
      },
      .decode = DecodeGenerateResponse,
      .make_decoder = MakeStreamDecoder};
  return kCodec;
}

}  // namespace strata::dialect::gemini
