// InvokeModelWithResponseStream: frames `chunk{bytes}` that hold the vendor's own stream JSON.

#include "base/check.h"
#include "base/encoding.h"
#include "dialect/anthropic.h"
#include "dialect/bedrock.h"
#include "dialect/bedrock/answer_members.h"
#include "dialect/bedrock/prompt_format.h"
#include "dialect/error_table.h"
#include "dialect/event_stream.h"
#include "dialect/json/json_writer.h"
#include "dialect/openai.h"
#include "dialect/sse.h"

namespace strata::dialect::bedrock {
namespace {

std::string Chunk(std::string_view json) {
  JsonWriter out;
  out.BeginObject().Field("bytes", Base64Encode(json)).EndObject();
  return EncodeEvent("chunk", out.text());
}

// Counts for the member "amazon-bedrock-invocationMetrics" of the last chunk, which LangChain and
// others read.
std::string Metrics(const domain::Usage& usage, const AnswerMeta& meta) {
  JsonWriter out;
  out.BeginObject().Field("inputTokenCount", usage.input_tokens);
  out.Field("outputTokenCount", usage.output_tokens);
  out.Field("cacheReadInputTokenCount", usage.cache_read_tokens);
  out.Field("cacheWriteInputTokenCount", usage.cache_write_tokens);
  out.Field("invocationLatency", static_cast<std::int64_t>(meta.latency.count()));
  return out.EndObject().Take();
}

class InvokeEncoder final : public StreamEncoder {
 public:
  InvokeEncoder(InvokeFormat format, AnswerMeta meta, GuardrailNotes guardrail)
      : format_(format), meta_(std::move(meta)), guardrail_(std::move(guardrail)) {
    if (format == InvokeFormat::kAnthropic) inner_ = anthropic::MakeStreamEncoder(meta_);
    if (format == InvokeFormat::kOpenAi) inner_ = openai::MakeStreamEncoder(meta_, true);
    STRATA_CHECK(format != InvokeFormat::kTitanEmbed && format != InvokeFormat::kCohereEmbed,
                 "only chat formats are streamed");
  }

  std::string_view content_type() const override { return "application/vnd.amazon.eventstream"; }
  std::string Encode(const domain::StreamEvent& event) override {
    return inner_ != nullptr ? Rewrap(event) : EncodePrompt(event);
  }
  std::string EncodeError(const Error& error) override {
    return EncodeException(BedrockStreamExceptionName(error.code()),
                           PublicMessage(error, Dialect::kBedrock));
  }
  std::string Ping() override { return {}; }
  AnswerMeta& meta() override { return inner_ != nullptr ? inner_->meta() : meta_; }

 private:
  std::string Rewrap(const domain::StreamEvent& event);
  std::string EncodePrompt(const domain::StreamEvent& event);

  InvokeFormat format_;
  AnswerMeta meta_;
  GuardrailNotes guardrail_;
  std::unique_ptr<StreamEncoder> inner_;  // null for bare-prompt formats
};

std::string InvokeEncoder::Rewrap(const domain::StreamEvent& event) {
  SseReader reader;
  reader.Append(inner_->Encode(event));
  std::vector<std::string> documents;
  while (true) {
    auto next = reader.Next();
    STRATA_CHECK(next.has_value(), "our own events are within the limit");
    if (!*next) break;
    if ((*next)->data != "[DONE]") documents.push_back(std::move((*next)->data));
  }
  if (const auto* end = std::get_if<domain::StreamEnd>(&event); end && !documents.empty()) {
    documents.back() = WithMember(std::move(documents.back()), "amazon-bedrock-invocationMetrics",
                                  Metrics(end->usage, meta()));
    documents.back() = WithGuardrailMembers(std::move(documents.back()), guardrail_);
  }
  std::string bytes;
  for (const auto& document : documents) bytes += Chunk(document);
  return bytes;
}

std::string InvokeEncoder::EncodePrompt(const domain::StreamEvent& event) {
  if (const auto* text = std::get_if<domain::TextDelta>(&event)) {
    return Chunk(EncodePromptAnswer(
        format_, {.text = text->text, .stop = std::nullopt, .usage = std::nullopt}, meta_, {}));
  }
  const auto* end = std::get_if<domain::StreamEnd>(&event);
  if (end == nullptr) return {};
  auto last =
      EncodePromptAnswer(format_, {.text = {}, .stop = end->stop_reason, .usage = end->usage},
                         meta_, Metrics(end->usage, meta_));
  return Chunk(WithGuardrailMembers(std::move(last), guardrail_));
}

}  // namespace

std::unique_ptr<StreamEncoder> MakeInvokeStreamEncoder(InvokeFormat format, AnswerMeta meta,
                                                       GuardrailNotes guardrail) {
  return std::make_unique<InvokeEncoder>(format, std::move(meta), std::move(guardrail));
}

}  // namespace strata::dialect::bedrock
