// Domain events → chat.completion.chunk events.

#include <utility>

#include "base/utf8.h"
#include "dialect/error_table.h"
#include "dialect/json/overloaded.h"
#include "dialect/json/strata_member.h"
#include "dialect/openai.h"
#include "dialect/openai/annotations.h"
#include "dialect/openai/logprobs.h"
#include "dialect/openai/message.h"
#include "dialect/sse.h"

namespace strata::dialect::openai {
namespace {

constexpr std::string_view kDone = "data: [DONE]\n\n";
constexpr std::string_view kLateRefusal = "The model refused to go on.";

class ChunkEncoder final : public StreamEncoder {
 public:
  ChunkEncoder(AnswerMeta meta, bool include_usage)
      : meta_(std::move(meta)), include_usage_(include_usage) {}

  std::string_view content_type() const override { return "text/event-stream"; }
  std::string Encode(const domain::StreamEvent& event) override;
  std::string EncodeError(const Error& error) override {
    // Without [DONE]: that would say the answer is whole.
    return EncodeSse({}, OpenAiErrorBody(error));
  }
  std::string Ping() override { return ": ping\n\n"; }
  AnswerMeta& meta() override { return meta_; }

 private:
  // {"id",…,"choices":[{"index":0,"delta":{ … the caller writes the delta's members.
  JsonWriter BeginChunk() const;
  JsonWriter BeginDelta() const;
  std::string EndDelta(JsonWriter out) const;
  std::string EndChoice(JsonWriter out) const;
  std::string Text(const domain::TextDelta& delta);
  std::string Start(const domain::StreamStart& start);
  std::string Block(const domain::BlockStart& start);
  std::string Arguments(std::string_view json) const;
  std::string StopBlock();
  std::string Citation(const domain::CitationDelta& delta) const;
  std::string End(const domain::StreamEnd& end) const;

  AnswerMeta meta_;
  bool include_usage_;
  std::string id_;
  std::string model_;
  bool refused_ = false;           // a refusal was written
  int calls_ = 0;                  // tool calls begun
  bool bare_call_ = false;         // the open block is a tool call without arguments so far
  std::int64_t block_start_ = 0;   // code points of content before the open text block
  std::int64_t content_size_ = 0;  // code points of content so far
};

JsonWriter ChunkEncoder::BeginChunk() const {
  JsonWriter out;
  out.BeginObject().Field("id", id_).Field("object", "chat.completion.chunk");
  out.Field("created", meta_.created_s).Field("model", model_);
  out.FieldIfAny("service_tier", meta_.service_tier);
  return out;
}

JsonWriter ChunkEncoder::BeginDelta() const {
  auto out = BeginChunk();
  out.Key("choices").BeginArray().BeginObject().Field("index", 0).Key("delta").BeginObject();
  return out;
}

std::string ChunkEncoder::EndDelta(JsonWriter out) const {
  out.EndObject().Key("logprobs").Null();
  return EndChoice(std::move(out));
}

std::string ChunkEncoder::EndChoice(JsonWriter out) const {
  out.Key("finish_reason").Null().EndObject().EndArray();
  if (include_usage_) out.Key("usage").Null();
  return EncodeSse({}, out.EndObject().text());
}

std::string ChunkEncoder::Text(const domain::TextDelta& delta) {
  refused_ = refused_ || delta.refusal;
  if (!delta.refusal) content_size_ += static_cast<std::int64_t>(CodePointCount(delta.text));
  auto out = BeginDelta();
  out.Field(delta.refusal ? "refusal" : "content", delta.text);
  if (delta.logprobs.empty()) return EndDelta(std::move(out));
  WriteLogprobs(out.EndObject(), delta.logprobs,
                delta.refusal ? LogprobsOf::kRefusal : LogprobsOf::kContent);
  return EndChoice(std::move(out));
}

std::string ChunkEncoder::Start(const domain::StreamStart& start) {
  id_ = AnswerId(meta_.request_id, start.id);
  model_ = meta_.model.empty() ? start.model : meta_.model;
  auto out = BeginDelta();
  out.Field("role", "assistant").Field("content", "").Key("refusal").Null();
  return EndDelta(std::move(out));
}

std::string ChunkEncoder::Block(const domain::BlockStart& start) {
  if (start.kind == domain::BlockKind::kText) block_start_ = content_size_;
  bare_call_ = start.kind == domain::BlockKind::kToolUse;
  if (!bare_call_) return {};
  auto out = BeginDelta();
  out.Key("tool_calls").BeginArray().BeginObject().Field("index", calls_++);
  out.Field("id", start.tool_use_id).Field("type", "function").Key("function").BeginObject();
  out.Field("name", start.tool_name).Field("arguments", "").EndObject().EndObject().EndArray();
  return EndDelta(std::move(out));
}

std::string ChunkEncoder::Arguments(std::string_view json) const {
  auto out = BeginDelta();
  out.Key("tool_calls").BeginArray().BeginObject().Field("index", calls_ - 1);
  out.Key("function").BeginObject().Field("arguments", json);
  out.EndObject().EndObject().EndArray();
  return EndDelta(std::move(out));
}

// Some providers give no arguments at all where there are none; clients parse them as JSON.
std::string ChunkEncoder::StopBlock() {
  return std::exchange(bare_call_, false) ? Arguments("{}") : std::string();
}

std::string ChunkEncoder::Citation(const domain::CitationDelta& delta) const {
  auto out = BeginDelta();
  out.Key("annotations").BeginArray();
  WriteAnnotation(out, delta.citation, block_start_, content_size_ - block_start_);
  out.EndArray();
  return EndDelta(std::move(out));
}

std::string ChunkEncoder::End(const domain::StreamEnd& end) const {
  auto out = BeginDelta();
  // A provider that says only at the end that it refused (Anthropic) has sent the text as content.
  if (end.stop_reason == domain::StopReason::kRefusal && !refused_) {
    out.Field("refusal", kLateRefusal);
  }
  out.EndObject().Key("logprobs").Null();
  out.Field("finish_reason", FinishReason(end.stop_reason));
  if (end.stop_reason == domain::StopReason::kStopSequence) {
    out.FieldIfAny("stop_reason", end.stop_sequence);
  }
  out.EndObject().EndArray();
  if (include_usage_) out.Key("usage").Null();
  WriteStrataMember(out, meta_);
  auto bytes = EncodeSse({}, out.EndObject().text());
  if (include_usage_) {
    auto last = BeginChunk();
    last.Key("choices").BeginArray().EndArray().Key("usage");
    WriteUsage(last, end.usage);
    bytes += EncodeSse({}, last.EndObject().text());
  }
  return bytes += kDone;
}

std::string ChunkEncoder::Encode(const domain::StreamEvent& event) {
  return std::visit(Overloaded{
                        [&](const domain::StreamStart& e) { return Start(e); },
                        [&](const domain::BlockStart& e) { return Block(e); },
                        [&](const domain::TextDelta& e) { return Text(e); },
                        [&](const domain::ToolInputDelta& e) {
                          bare_call_ = bare_call_ && e.json.empty();
                          return Arguments(e.json);
                        },
                        [&](const domain::ReasoningDelta& e) {
                          if (e.text.empty())
                            return std::string();  // signatures have no place here
                          auto out = BeginDelta();
                          out.Field("reasoning_content", e.text);
                          return EndDelta(std::move(out));
                        },
                        [&](const domain::CitationDelta& e) { return Citation(e); },
                        [&](const domain::BlockStop&) { return StopBlock(); },
                        [&](const domain::WireChunk&) { return std::string(); },
                        [&](const domain::WireStop&) { return std::string(); },
                        [&](const domain::StreamEnd& e) { return End(e); },
                    },
                    event);
}

}  // namespace

std::unique_ptr<StreamEncoder> MakeStreamEncoder(AnswerMeta meta, bool include_usage) {
  return std::make_unique<ChunkEncoder>(std::move(meta), include_usage);
}

}  // namespace strata::dialect::openai
