// Converse and InvokeModel that are forwarded: the scan of a request, the reading of an answer.

#include "dialect/wire.h"

#include <algorithm>

#include "dialect/bedrock.h"
#include "dialect/bedrock/blocks.h"
#include "dialect/event_stream.h"
#include "dialect/json/claude.h"
#include "dialect/json/upstream.h"
#include "dialect/json_scan.h"

namespace strata::dialect::bedrock {
namespace {

constexpr std::size_t kTagBytesMax = 256;  // the service model's, of a key and of a value

Result<domain::ChatRequest> DecodeWhole(std::string_view body) {
  STRATA_TRY(auto request, DecodeConverse(body));
  return std::move(request.chat);
}

// A member of an object member: serviceTier.type and the like.
bool ScanInner(const ScannedObject& body, std::string_view outer, std::string_view key,
               std::string& out) {
  auto json = body.TextAt(outer);
  if (json.empty()) return true;
  auto object = ScanObject(json);
  return object && ScanText(*object, key, out);
}

bool ScanMaxTokens(const ScannedObject& body, domain::ChatRequest& out) {
  auto json = body.TextAt("inferenceConfig");
  if (json.empty()) return true;
  auto config = ScanObject(json);
  return config && ScanLimit(*config, "maxTokens", out.max_tokens);
}

// false: decode it instead. What this server acts on itself is always decoded.
bool ScanMembers(const ScannedObject& body, ConverseRequest& out) {
  auto& chat = out.chat;
  if (body.Find("guardrailConfig") != nullptr || body.Find("promptVariables") != nullptr ||
      !HasObjects(body, "messages") || !ScanMaxTokens(body, chat) ||
      !ScanTags(body, "requestMetadata", chat.metadata)) {
    return false;
  }
  const bool tags_fit = std::ranges::all_of(chat.metadata, [](const auto& tag) {
    return tag.first.size() <= kTagBytesMax && tag.second.size() <= kTagBytesMax;
  });
  return tags_fit && ScanInner(body, "serviceTier", "type", chat.service_tier) &&
         ScanInner(body, "performanceConfig", "latency", out.performance_latency);
}

class ConverseTap final : public EventMessageWireTap {
 private:
  Result<Verdict> OnEvent(std::string_view event) override;
  Result<Verdict> OnFact(std::string_view type, const JsonField& body);
  // Some servers send no metadata.
  bool WholeWithoutEnd() const override { return stopped_; }

  bool stopped_ = false;
};

Result<ConverseTap::Verdict> ConverseTap::OnEvent(std::string_view event) {
  auto message = ViewEventMessage(event);
  if (!message) return Fail(AsUpstreamFault(std::move(message.error())));
  if (message->kind == "event" && message->type != "messageStop" && message->type != "metadata") {
    return Verdict::kPass;
  }
  if (message->kind == "error") return Fail(UpstreamStreamError(message->type, message->text));
  auto root = ParseJson(message->payload);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  if (message->kind == "exception") {
    return Fail(UpstreamStreamError(message->type, body.TextAt("message")));
  }
  return OnFact(message->type, body);
}

Result<ConverseTap::Verdict> ConverseTap::OnFact(std::string_view type, const JsonField& body) {
  if (type == "messageStop") {
    stopped_ = true;
    facts_.stop_reason = StopReasonOf(body.TextAt("stopReason"));
    return Verdict::kTail;
  }
  if (type != "metadata") return Verdict::kPass;
  auto usage = body.Get("usage");
  facts_.usage = ReadUsage(usage);
  return stopped_ ? Verdict::kEnd : Verdict::kPass;
}

Result<WireFacts> ReadConverse(std::string_view body, const HeaderList&) {
  auto scanned = ScanObject(body);
  if (!scanned || !scanned->TextAt("output").starts_with('{')) {
    // Says what is wrong, or that the scan was too strict.
    STRATA_TRY(auto answer, DecodeConverseResponse(body));
    return WireFacts{.model = {}, .usage = answer.usage, .stop_reason = answer.stop_reason};
  }
  WireFacts facts;
  if (auto reason = ScannedString(scanned->TextAt("stopReason"))) {
    facts.stop_reason = StopReasonOf(*reason);
  }
  auto usage = scanned->TextAt("usage");
  auto parsed = usage.empty() ? Result<JsonValue>(JsonValue()) : ParseJson(usage);
  if (parsed) facts.usage = ReadUsage(JsonField(*parsed));
  return facts;
}

}  // namespace

Result<ConverseRequest> ScanConverse(std::string body, domain::WireHeaders headers) {
  ConverseRequest out;
  auto scanned = ScanObject(body);
  if (!scanned || HoldsForeignReasoning(body) || !ScanMembers(*scanned, out)) {
    return DecodeConverse(body);
  }
  auto wire = std::make_shared<domain::WireRequest>();
  wire->format = kConverseWireFormat;
  wire->body = std::move(body);
  wire->headers = std::move(headers);
  wire->decode = DecodeWhole;
  out.chat.wire = std::move(wire);
  out.chat.wire_only = true;
  return out;
}

const WireCodec& ConverseWire() {
  static constexpr WireCodec kCodec{
      .format = kConverseWireFormat,
      .read = ReadConverse,
      .make_tap = [](const domain::WireRequest&) -> std::unique_ptr<WireTap> {
        return std::make_unique<ConverseTap>();
      },
      .decode = DecodeConverseResponse,
      .make_decoder = MakeConverseStreamDecoder};
  return kCodec;
}

}  // namespace strata::dialect::bedrock
