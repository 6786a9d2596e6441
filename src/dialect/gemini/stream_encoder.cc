// Domain events → chunks of streamGenerateContent, as server-sent events or as one JSON array.

#include "dialect/error_table.h"
#include "dialect/gemini.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/overloaded.h"
#include "dialect/json/strata_member.h"
#include "dialect/sse.h"

namespace strata::dialect::gemini {
namespace {

class ChunkEncoder final : public StreamEncoder {
 public:
  ChunkEncoder(AnswerMeta meta, const AnswerOptions& options)
      : meta_(std::move(meta)), options_(options) {}

  std::string_view content_type() const override {
    return options_.sse ? "text/event-stream" : "application/json";
  }
  std::string Encode(const domain::StreamEvent& event) override {
    return std::visit([&](const auto& e) { return On(e); }, event);
  }
  std::string EncodeError(const Error& error) override {
    auto bytes = Frame(EncodeGeminiError(error, {}).body);
    return options_.sse ? bytes : bytes + "]";
  }
  // A comment would be taken for half a JSON text by the SDK; white space in an array is harmless.
  std::string Ping() override { return options_.sse || first_ ? std::string() : "\n"; }
  void GoOnBehindBytes() override { first_ = false; }
  AnswerMeta& meta() override { return meta_; }

 private:
  struct Text {
    std::string text;
    std::size_t start = 0;  // bytes of visible text before it
    std::vector<domain::Citation> citations;
  };

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

  std::string Frame(std::string_view json);
  // {"candidates":[{"content":{"parts":[ … the caller writes the parts.
  static JsonWriter BeginParts();
  std::string EndParts(JsonWriter out, const std::vector<domain::TokenLogprob>& logprobs = {});
  void WriteIds(JsonWriter& out) const;

  AnswerMeta meta_;
  AnswerOptions options_;
  std::string id_;
  std::string model_;
  domain::ToolUseBlock call_;  // the open one: the dialect has calls in one piece
  bool calling_ = false;
  domain::ReasoningBlock signature_;  // of the open reasoning block
  std::string held_;                  // a signature for the next part
  std::vector<Text> texts_;           // kept whole only when they are cited
  std::size_t visible_ = 0;           // bytes
  bool first_ = true;
};

std::string ChunkEncoder::Frame(std::string_view json) {
  if (options_.sse) return EncodeSse({}, json);
  std::string bytes = first_ ? "[" : ",\n";
  first_ = false;
  return bytes += json;
}

JsonWriter ChunkEncoder::BeginParts() {
  JsonWriter out;
  out.BeginObject().Key("candidates").BeginArray().BeginObject();
  out.Key("content").BeginObject().Key("parts").BeginArray();
  return out;
}

void ChunkEncoder::WriteIds(JsonWriter& out) const {
  out.Field("modelVersion", model_).Field("responseId", id_);
}

std::string ChunkEncoder::EndParts(JsonWriter out,
                                   const std::vector<domain::TokenLogprob>& logprobs) {
  out.EndArray().Field("role", "model").EndObject().Field("index", 0);
  WriteLogprobs(out, logprobs);
  out.EndObject().EndArray();
  WriteIds(out);
  return Frame(out.EndObject().text());
}

std::string ChunkEncoder::On(const domain::StreamStart& start) {
  id_ = meta_.request_id.empty() ? start.id : meta_.request_id;
  model_ = meta_.model.empty() ? start.model : meta_.model;
  return {};
}

std::string ChunkEncoder::On(const domain::BlockStart& start) {
  if (start.kind == domain::BlockKind::kText) {
    texts_.push_back({.text = {}, .start = visible_, .citations = {}});
  } else if (start.kind == domain::BlockKind::kToolUse) {
    calling_ = true;
    call_ = {.id = start.tool_use_id, .name = start.tool_name, .input = {}};
  } else {
    signature_ = {};
  }
  return {};
}

std::string ChunkEncoder::On(const domain::TextDelta& delta) {
  if (delta.text.empty() && delta.logprobs.empty()) return {};
  visible_ += delta.text.size();
  if (!texts_.empty()) texts_.back().text += delta.text;
  auto out = BeginParts();
  WriteTextPart(out, delta.text, std::exchange(held_, {}));
  return EndParts(std::move(out), delta.logprobs);
}

std::string ChunkEncoder::On(const domain::ToolInputDelta& delta) {
  call_.input.text += delta.json;
  return {};
}

std::string ChunkEncoder::On(const domain::ReasoningDelta& delta) {
  signature_.signature += delta.signature;
  signature_.redacted += delta.redacted;
  if (!delta.signer.empty()) signature_.signer = delta.signer;
  if (delta.text.empty() || !options_.include_thoughts) return {};
  auto out = BeginParts();
  WriteThought(out, delta.text);
  return EndParts(std::move(out));
}

std::string ChunkEncoder::On(const domain::CitationDelta& delta) {
  if (!texts_.empty()) texts_.back().citations.push_back(delta.citation);
  return {};
}

std::string ChunkEncoder::On(const domain::BlockStop&) {
  if (auto signature = ClientSignature(std::exchange(signature_, {})); !signature.empty()) {
    std::string bytes;
    if (!held_.empty()) {
      auto out = BeginParts();
      WriteTextPart(out, "", held_);
      bytes = EndParts(std::move(out));
    }
    held_ = std::move(signature);
    return bytes;
  }
  if (!texts_.empty() && texts_.back().citations.empty()) texts_.back().text.clear();
  if (!std::exchange(calling_, false)) return {};
  auto out = BeginParts();
  WriteCallPart(out, call_, std::exchange(held_, {}));
  return EndParts(std::move(out));
}

std::string ChunkEncoder::On(const domain::StreamEnd& end) {
  auto out = BeginParts();
  WriteTextPart(out, "", std::exchange(held_, {}));
  out.EndArray().Field("role", "model").EndObject();
  out.Field("finishReason", FinishReason(end.stop_reason)).Field("index", 0);
  std::vector<PlacedCitation> placed;
  for (const auto& text : texts_) {
    for (const auto& citation : text.citations) {
      placed.push_back(
          {.citation = &citation, .text = &text.text, .text_start = text.start, .part = 0});
    }
  }
  WriteGrounding(out, placed);
  out.EndObject().EndArray();
  WriteUsage(out, end.usage);
  WriteIds(out);
  WriteStrataMember(out, meta_);
  auto bytes = Frame(out.EndObject().text());
  return options_.sse ? bytes : bytes + "]";
}

}  // namespace

std::unique_ptr<StreamEncoder> MakeStreamEncoder(AnswerMeta meta, const AnswerOptions& options) {
  return std::make_unique<ChunkEncoder>(std::move(meta), options);
}

}  // namespace strata::dialect::gemini
