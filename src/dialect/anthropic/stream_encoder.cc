// Domain events → Anthropic's stream events.

#include "base/json_text.h"
#include "dialect/anthropic.h"
#include "dialect/anthropic/blocks.h"
#include "dialect/error_table.h"
#include "dialect/json/overloaded.h"
#include "dialect/json/signature.h"
#include "dialect/json/strata_member.h"
#include "dialect/json/tool_id.h"
#include "dialect/sse.h"

namespace strata::dialect::anthropic {
namespace {

class MessageEncoder final : public StreamEncoder {
 public:
  explicit MessageEncoder(AnswerMeta meta) : meta_(std::move(meta)) {}

  std::string_view content_type() const override { return "text/event-stream"; }
  std::string Encode(const domain::StreamEvent& event) override {
    return std::visit([&](const auto& e) { return On(e); }, event);
  }
  std::string EncodeError(const Error& error) override {
    return EncodeSse("error", AnthropicErrorBody(error, meta_.request_id));
  }
  std::string Ping() override { return EncodeSse("ping", R"({"type":"ping"})"); }
  AnswerMeta& meta() override { return meta_; }

 private:
  // What is open on the wire. A reasoning block is announced by its first delta, which says whether
  // it is redacted.
  enum class Wire : std::uint8_t { kClosed, kOpen, kUnannounced };

  std::string On(const domain::StreamStart& start);
  std::string On(const domain::BlockStart& start);
  std::string On(const domain::TextDelta& delta);
  std::string On(const domain::ToolInputDelta& delta);
  std::string On(const domain::ReasoningDelta& delta);
  std::string On(const domain::CitationDelta& delta);
  std::string On(const domain::BlockStop& stop);
  std::string On(const domain::WireChunk&) { return {}; }
  std::string On(const domain::WireStop&) { return {}; }
  std::string On(const domain::StreamEnd& end);

  // `block` and `delta`: JSON objects.
  std::string Announce(std::string_view block);
  std::string Delta(std::string_view type, std::string_view key, std::string_view json) const;
  std::string Stop();

  AnswerMeta meta_;
  int index_ = -1;  // of the wire's block; splitting at citations makes more than the domain has
  Wire wire_ = Wire::kClosed;
  bool cited_ = false;  // the open text block has had a citation
  std::vector<domain::Citation> placed_;
};

std::string MessageEncoder::Announce(std::string_view block) {
  wire_ = Wire::kOpen;
  cited_ = false;
  JsonWriter out;
  out.BeginObject().Field("type", "content_block_start").Field("index", ++index_);
  out.RawField("content_block", block).EndObject();
  return EncodeSse("content_block_start", out.text());
}

std::string MessageEncoder::Delta(std::string_view type, std::string_view key,
                                  std::string_view json) const {
  JsonWriter out;
  out.BeginObject().Field("type", "content_block_delta").Field("index", index_).Key("delta");
  out.BeginObject().Field("type", type).RawField(key, json).EndObject().EndObject();
  return EncodeSse("content_block_delta", out.text());
}

std::string MessageEncoder::Stop() {
  wire_ = Wire::kClosed;
  JsonWriter out;
  out.BeginObject().Field("type", "content_block_stop").Field("index", index_).EndObject();
  return EncodeSse("content_block_stop", out.text());
}

std::string MessageEncoder::On(const domain::StreamStart& start) {
  JsonWriter out;
  out.BeginObject().Field("type", "message_start").Key("message").BeginObject();
  out.Field("id", AnswerId(meta_.request_id, start.id)).Field("type", "message");
  out.Field("role", "assistant");
  out.Field("model", meta_.model.empty() ? start.model : meta_.model);
  out.Key("content").BeginArray().EndArray();
  out.Key("stop_reason").Null().Key("stop_sequence").Null().Key("usage");
  WriteUsage(out, start.usage);
  out.EndObject().EndObject();
  return EncodeSse("message_start", out.text());
}

std::string MessageEncoder::On(const domain::BlockStart& start) {
  if (start.kind == domain::BlockKind::kText) return Announce(R"({"type":"text","text":""})");
  if (start.kind == domain::BlockKind::kReasoning) {
    wire_ = Wire::kUnannounced;
    return {};
  }
  JsonWriter block;
  block.BeginObject().Field("type", "tool_use").Field("id", WordId(start.tool_use_id));
  block.Field("name", start.tool_name).Key("input").BeginObject().EndObject().EndObject();
  return Announce(block.text());
}

std::string MessageEncoder::On(const domain::TextDelta& delta) {
  std::string bytes;
  // A citation covers its whole block, so text after one begins another.
  if (cited_) bytes = Stop() + Announce(R"({"type":"text","text":""})");
  return bytes + Delta("text_delta", "text", JsonString(delta.text));
}

std::string MessageEncoder::On(const domain::ToolInputDelta& delta) {
  return Delta("input_json_delta", "partial_json", JsonString(delta.json));
}

std::string MessageEncoder::On(const domain::ReasoningDelta& delta) {
  std::string bytes;
  if (!delta.redacted.empty()) {
    if (wire_ == Wire::kOpen) bytes += Stop();
    bytes += Announce(R"({"type":"redacted_thinking","data":)" +
                      JsonString(MarkRedacted(delta.redacted, delta.signer, kFamily)) + "}");
  } else if (wire_ == Wire::kUnannounced) {
    bytes += Announce(R"({"type":"thinking","thinking":"","signature":""})");
  }
  if (!delta.text.empty()) bytes += Delta("thinking_delta", "thinking", JsonString(delta.text));
  if (!delta.signature.empty()) {
    bytes += Delta("signature_delta", "signature",
                   JsonString(MarkSignature(delta.signature, delta.signer, kFamily)));
  }
  return bytes;
}

std::string MessageEncoder::On(const domain::CitationDelta& delta) {
  cited_ = true;
  if (ShowsPlace(delta.citation)) placed_.push_back(delta.citation);
  JsonWriter citation;
  WriteCitation(citation, delta.citation);
  return Delta("citations_delta", "citation", citation.text());
}

std::string MessageEncoder::On(const domain::BlockStop&) {
  std::string bytes;
  if (wire_ == Wire::kUnannounced) {
    bytes = Announce(R"({"type":"thinking","thinking":"","signature":""})");
  }
  return bytes + Stop();
}

std::string MessageEncoder::On(const domain::StreamEnd& end) {
  JsonWriter out;
  out.BeginObject().Field("type", "message_delta").Key("delta").BeginObject();
  out.Field("stop_reason", StopReasonName(end.stop_reason)).Key("stop_sequence");
  end.stop_sequence.empty() ? out.Null() : out.Value(end.stop_sequence);
  out.EndObject().Key("usage");
  WriteUsage(out, end.usage);
  WriteStrataMember(out, meta_, placed_);
  out.EndObject();
  return EncodeSse("message_delta", out.text()) +
         EncodeSse("message_stop", R"({"type":"message_stop"})");
}

}  // namespace

std::unique_ptr<StreamEncoder> MakeStreamEncoder(AnswerMeta meta) {
  return std::make_unique<MessageEncoder>(std::move(meta));
}

}  // namespace strata::dialect::anthropic
