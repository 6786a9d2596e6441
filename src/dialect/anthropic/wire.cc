// Messages that are forwarded: the scan of a request, the reading of an answer.

#include "dialect/wire.h"

#include <fmt/format.h>

#include <algorithm>

#include "dialect/anthropic.h"
#include "dialect/anthropic/blocks.h"
#include "dialect/anthropic_vertex.h"
#include "dialect/json/claude.h"
#include "dialect/json/extra.h"
#include "dialect/json/upstream.h"
#include "dialect/json_scan.h"

namespace strata::dialect::anthropic {
namespace {

Result<domain::ChatRequest> DecodeMessages(std::string_view body) {
  return DecodeChatRequest(body);
}

bool ScanUser(const ScannedObject& body, domain::ChatRequest& out) {
  auto json = body.TextAt("metadata");
  if (json.empty()) return true;
  auto metadata = ScanObject(json);
  return metadata && ScanText(*metadata, "user_id", out.user);
}

// false: decode it instead.
bool Scan(const ScannedObject& body, domain::ChatRequest& out, domain::WireRequest& wire) {
  const auto* model = body.Find("model");
  if (model == nullptr || !ScanText(body, "model", out.model) || out.model.empty()) return false;
  wire.model = model->value;
  if (!HasObjects(body, "messages") || !ScanLimit(body, "max_tokens", out.max_tokens) ||
      !out.max_tokens) {
    return false;
  }
  if (auto json = body.TextAt("stream"); !json.empty()) {
    auto stream = ScannedBool(json);
    if (!stream) return false;
    out.stream = *stream;
  }
  return ScanText(body, "service_tier", out.service_tier) && ScanUser(body, out);
}

class MessageTap final : public SseWireTap {
 private:
  Result<Verdict> OnEvent(std::string_view event) override;
  Result<Verdict> OnFact(const JsonField& body, std::string_view type);

  bool started_ = false;
  std::string scratch_;
};

bool IsPiece(std::string_view name) {
  return name == "content_block_delta" || name == "content_block_start" ||
         name == "content_block_stop" || name == "ping";
}

Result<MessageTap::Verdict> MessageTap::OnEvent(std::string_view event) {
  if (IsPiece(SseNameOf(event))) return Verdict::kPass;
  auto data = SseDataOf(event, scratch_);
  if (data.empty()) return Verdict::kPass;
  auto root = ParseJson(data);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  return OnFact(body, body.TextAt("type"));
}

Result<MessageTap::Verdict> MessageTap::OnFact(const JsonField& body, std::string_view type) {
  if (type == "error") {
    auto error = body.Get("error");
    return Fail(UpstreamStreamError(error.TextAt("type"), error.TextAt("message")));
  }
  if (type == "message_stop" && !started_) {
    return Fail(Code::kUnavailable, "the provider's stream ended before it began");
  }
  if (type == "message_start") {
    started_ = true;
    auto message = body.Get("message");
    facts_.model = message.TextAt("model");
    auto usage = message.Get("usage");
    ReadUsage(usage, facts_.usage);
  } else if (type == "message_delta") {
    auto delta = body.Get("delta");
    if (auto reason = delta.TextAt("stop_reason"); !reason.empty()) {
      facts_.stop_reason = StopReasonOf(reason);
    }
    auto usage = body.Get("usage");
    ReadUsage(usage, facts_.usage);
  }
  return type == "message_stop" ? Verdict::kEnd : Verdict::kPass;
}

}  // namespace

Result<domain::ChatRequest> ScanChatRequest(std::string body, domain::WireHeaders headers) {
  auto wire = std::make_shared<domain::WireRequest>();
  domain::ChatRequest out;
  auto scanned = ScanObject(body);
  if (!scanned || HoldsOtherCase(*scanned, kRequestMembers) || HoldsForeignReasoning(body) ||
      !Scan(*scanned, out, *wire)) {
    return DecodeChatRequest(body);
  }
  wire->format = kWireFormat;
  wire->body = std::move(body);
  wire->headers = std::move(headers);
  wire->decode = DecodeMessages;
  out.wire = std::move(wire);
  out.wire_only = true;
  return out;
}

Result<WireFacts> ReadWireAnswer(std::string_view body) {
  auto scanned = ScanObject(body);
  auto usage = scanned ? scanned->TextAt("usage") : std::string_view();
  if (!scanned || !scanned->TextAt("content").starts_with('[')) {
    // Says what is wrong, or that the scan was too strict.
    STRATA_TRY(auto answer, DecodeChatResponse(body));
    return WireFacts{
        .model = std::move(answer.model), .usage = answer.usage, .stop_reason = answer.stop_reason};
  }
  WireFacts facts;
  if (auto model = ScannedString(scanned->TextAt("model"))) facts.model = std::move(*model);
  if (auto reason = ScannedString(scanned->TextAt("stop_reason"))) {
    facts.stop_reason = StopReasonOf(*reason);
  }
  auto parsed = usage.empty() ? Result<JsonValue>(JsonValue()) : ParseJson(usage);
  if (parsed) ReadUsage(JsonField(*parsed), facts.usage);
  return facts;
}

std::unique_ptr<WireTap> MakeWireTap() { return std::make_unique<MessageTap>(); }

const WireCodec& MessagesWire() {
  static constexpr WireCodec kCodec{
      .format = kWireFormat,
      .read = [](std::string_view body, const HeaderList&) { return ReadWireAnswer(body); },
      .make_tap = [](const domain::WireRequest&) { return MakeWireTap(); },
      .decode = DecodeChatResponse,
      .make_decoder = MakeStreamDecoder};
  return kCodec;
}

bool VertexTakes(const domain::WireRequest& wire) {
  if (wire.format != kWireFormat || wire.model.end == 0) return false;
  // The version would stand there twice; of service tiers Vertex AI has none.
  return !MayHaveMember(wire.body, R"("anthropic_version")") &&
         !MayHaveMember(wire.body, R"("service_tier")");
}

std::string VertexWireBody(const domain::WireRequest& wire) {
  constexpr std::string_view kKey = R"("model")";  // the scan takes no other spelling of it
  const std::string_view body = wire.body;
  const auto key = body.substr(0, wire.model.start).rfind(kKey);
  std::string out;
  out.reserve(body.size() + kVertexVersion.size());
  out.append(body.substr(0, key)).append(R"("anthropic_version":")").append(kVertexVersion);
  return out.append(1, '"').append(body.substr(wire.model.end));
}

Result<std::string> EncodeVertexCount(const domain::ChatRequest& request) {
  STRATA_TRY(auto body, EncodeCountRequest(request));
  const auto version = fmt::format(R"("anthropic_version":"{}",)", kVertexVersion);
  return body.insert(1, version);
}

}  // namespace strata::dialect::anthropic
