// Domain events → ConverseStream frames.

#include "base/encoding.h"
#include "dialect/bedrock.h"
#include "dialect/bedrock/answer_members.h"
#include "dialect/bedrock/blocks.h"
#include "dialect/error_table.h"
#include "dialect/event_stream.h"
#include "dialect/json/signature.h"
#include "dialect/json/strata_member.h"
#include "dialect/json/tool_id.h"

namespace strata::dialect::bedrock {
namespace {

class ConverseEncoder final : public StreamEncoder {
 public:
  ConverseEncoder(AnswerMeta meta, GuardrailNotes guardrail)
      : meta_(std::move(meta)), guardrail_(std::move(guardrail)) {}

  std::string_view content_type() const override { return "application/vnd.amazon.eventstream"; }
  std::string Encode(const domain::StreamEvent& event) override {
    return std::visit([&](const auto& e) { return On(e); }, event);
  }
  std::string EncodeError(const Error& error) override {
    return EncodeException(BedrockStreamExceptionName(error.code()),
                           PublicMessage(error, Dialect::kBedrock));
  }
  std::string Ping() override { return {}; }
  AnswerMeta& meta() override { return meta_; }

 private:
  std::string On(const domain::StreamStart&) {
    return EncodeEvent("messageStart", R"({"role":"assistant"})");
  }
  std::string On(const domain::BlockStart& start);
  std::string On(const domain::TextDelta& delta);
  std::string On(const domain::ToolInputDelta& delta);
  std::string On(const domain::ReasoningDelta& delta);
  std::string On(const domain::CitationDelta& delta);
  std::string On(const domain::BlockStop&) { return Stop(); }
  std::string On(const domain::WireChunk&) { return {}; }
  std::string On(const domain::WireStop&) { return {}; }
  std::string On(const domain::StreamEnd& end);

  // `delta`: the one member of the union, as "KEY":VALUE.
  std::string Delta(std::string_view key, std::string_view json) const;
  std::string Stop() const;

  AnswerMeta meta_;
  GuardrailNotes guardrail_;
  int index_ = -1;  // of the wire's block; splitting at citations makes more than the domain has
  bool cited_ = false;  // the open text block has had a citation
  std::vector<domain::Citation> placed_;
};

std::string ConverseEncoder::Delta(std::string_view key, std::string_view json) const {
  JsonWriter out;
  out.BeginObject().Key("delta").BeginObject().RawField(key, json).EndObject();
  out.Field("contentBlockIndex", index_).EndObject();
  return EncodeEvent("contentBlockDelta", out.text());
}

std::string ConverseEncoder::Stop() const {
  JsonWriter out;
  out.BeginObject().Field("contentBlockIndex", index_).EndObject();
  return EncodeEvent("contentBlockStop", out.text());
}

// Text and reasoning blocks have no start event.
std::string ConverseEncoder::On(const domain::BlockStart& start) {
  ++index_;
  cited_ = false;
  if (start.kind != domain::BlockKind::kToolUse) return {};
  JsonWriter out;
  out.BeginObject().Key("start").BeginObject().Key("toolUse").BeginObject();
  out.Field("toolUseId", WordId(start.tool_use_id)).Field("name", start.tool_name);
  out.EndObject().EndObject().Field("contentBlockIndex", index_).EndObject();
  return EncodeEvent("contentBlockStart", out.text());
}

std::string ConverseEncoder::On(const domain::TextDelta& delta) {
  std::string bytes;
  if (cited_) {  // a citation covers its whole block, so text after one begins another
    bytes = Stop();
    ++index_;
    cited_ = false;
  }
  return bytes + Delta("text", JsonWriter().Value(delta.text).text());
}

std::string ConverseEncoder::On(const domain::ToolInputDelta& delta) {
  JsonWriter use;
  use.BeginObject().Field("input", delta.json).EndObject();
  return Delta("toolUse", use.text());
}

std::string ConverseEncoder::On(const domain::ReasoningDelta& delta) {
  std::string bytes;
  auto add = [&](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    JsonWriter content;
    content.BeginObject().Field(key, value).EndObject();
    bytes += Delta("reasoningContent", content.text());
  };
  add("text", delta.text);
  add("signature", MarkSignature(delta.signature, delta.signer, kFamily));
  if (!delta.redacted.empty()) {
    add("redactedContent", Base64Encode(MarkRedacted(delta.redacted, delta.signer, kFamily)));
  }
  return bytes;
}

std::string ConverseEncoder::On(const domain::CitationDelta& delta) {
  cited_ = true;
  if (ShowsPlace(delta.citation)) placed_.push_back(delta.citation);
  JsonWriter citation;
  WriteCitation(citation, delta.citation);
  return Delta("citation", citation.text());
}

std::string ConverseEncoder::On(const domain::StreamEnd& end) {
  JsonWriter stop;
  stop.BeginObject().Field("stopReason", StopReasonName(end.stop_reason));
  WriteAdditionalFields(stop, meta_, end.stop_sequence, placed_);
  stop.EndObject();
  JsonWriter metadata;
  metadata.BeginObject().Key("usage");
  WriteUsage(metadata, end.usage);
  WriteServingMembers(metadata, meta_, guardrail_);
  metadata.EndObject();
  return EncodeEvent("messageStop", stop.text()) + EncodeEvent("metadata", metadata.text());
}

}  // namespace

std::unique_ptr<StreamEncoder> MakeConverseStreamEncoder(AnswerMeta meta,
                                                         GuardrailNotes guardrail) {
  return std::make_unique<ConverseEncoder>(std::move(meta), std::move(guardrail));
}

}  // namespace strata::dialect::bedrock
