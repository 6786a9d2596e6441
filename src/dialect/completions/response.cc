// Domain → text_completion objects and events.

#include <fmt/format.h>

#include "base/utf8.h"
#include "dialect/completions.h"
#include "dialect/error_table.h"
#include "dialect/json/json_writer.h"
#include "dialect/json/overloaded.h"
#include "dialect/json/strata_member.h"
#include "dialect/openai/legacy_logprobs.h"
#include "dialect/openai/message.h"
#include "dialect/sse.h"

namespace strata::dialect::completions {
namespace {

std::string AnswerId(const AnswerMeta& meta, std::string_view provider_id) {
  return meta.request_id.empty() ? std::string(provider_id)
                                 : fmt::format("cmpl-{}", meta.request_id);
}

void AddUsage(domain::Usage& sum, const domain::Usage& one) {
  sum.input_tokens += one.input_tokens;
  sum.output_tokens += one.output_tokens;
  sum.cache_read_tokens += one.cache_read_tokens;
  sum.cache_write_tokens += one.cache_write_tokens;
  sum.reasoning_tokens += one.reasoning_tokens;
}

class TextEncoder final : public StreamEncoder {
 public:
  TextEncoder(StreamSpec spec, AnswerMeta meta) : spec_(std::move(spec)), meta_(std::move(meta)) {}

  std::string_view content_type() const override { return "text/event-stream"; }
  std::string Encode(const domain::StreamEvent& event) override {
    if (const auto* start = std::get_if<domain::StreamStart>(&event)) return Start(*start);
    if (const auto* delta = std::get_if<domain::TextDelta>(&event)) {
      return Chunk(delta->text, delta->logprobs, {}, {});
    }
    if (const auto* end = std::get_if<domain::StreamEnd>(&event)) return End(*end);
    return {};
  }
  std::string EncodeError(const Error& error) override {
    return EncodeSse({}, OpenAiErrorBody(error)) + "data: [DONE]\n\n";
  }
  std::string Ping() override { return ": ping\n\n"; }
  AnswerMeta& meta() override { return meta_; }

 private:
  JsonWriter Begin() const {
    JsonWriter out;
    out.BeginObject().Field("id", id_).Field("object", "text_completion");
    out.Field("created", meta_.created_s).Field("model", model_);
    return out;
  }

  std::string Chunk(std::string_view text, const std::vector<domain::TokenLogprob>& logprobs,
                    std::string_view finish_reason, std::string_view stop_sequence) {
    auto out = Begin();
    out.Key("choices").BeginArray().BeginObject().Field("text", text);
    out.Field("index", static_cast<std::int64_t>(spec_.index));
    openai::WriteLegacyLogprobs(out, logprobs, offset_);
    out.Key("finish_reason");
    finish_reason.empty() ? out.Null() : out.Value(finish_reason);
    out.FieldIfAny("stop_reason", stop_sequence).EndObject().EndArray();
    if (spec_.include_usage) out.Key("usage").Null();
    if (!finish_reason.empty() && spec_.last) WriteStrataMember(out, meta_);
    offset_ += static_cast<std::int64_t>(CodePointCount(text));
    return EncodeSse({}, out.EndObject().text());
  }

  std::string Start(const domain::StreamStart& start) {
    id_ = AnswerId(meta_, start.id);
    model_ = meta_.model.empty() ? start.model : meta_.model;
    return spec_.echo.empty() ? std::string() : Chunk(spec_.echo, {}, {}, {});
  }

  std::string End(const domain::StreamEnd& end) {
    auto bytes = Chunk("", {}, openai::FinishReason(end.stop_reason), end.stop_sequence);
    if (!spec_.last) return bytes;
    if (spec_.include_usage) {
      AddUsage(spec_.before, end.usage);
      auto out = Begin();
      out.Key("choices").BeginArray().EndArray().Key("usage");
      openai::WriteUsage(out, spec_.before);
      bytes += EncodeSse({}, out.EndObject().text());
    }
    return bytes += "data: [DONE]\n\n";
  }

  StreamSpec spec_;
  AnswerMeta meta_;
  std::string id_;
  std::string model_;
  std::int64_t offset_ = 0;  // code points of text so far
};

}  // namespace

std::string EncodeResponse(const std::vector<domain::ChatResponse>& answers, const Request& request,
                           const AnswerMeta& meta) {
  JsonWriter out;
  out.BeginObject().Field("id", AnswerId(meta, answers.front().id));
  out.Field("object", "text_completion").Field("created", meta.created_s);
  out.Field("model", meta.model.empty() ? answers.front().model : meta.model);
  out.Key("choices").BeginArray();
  domain::Usage usage;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto& answer = answers[i];
    std::vector<domain::TokenLogprob> logprobs;
    for (const auto& block : answer.content) {
      const auto* text = std::get_if<domain::TextBlock>(&block);
      if (text == nullptr) continue;
      logprobs.insert(logprobs.end(), text->logprobs.begin(), text->logprobs.end());
    }
    out.BeginObject();
    out.Field("text", (request.echo ? request.prompts[i] : "") + domain::TextOf(answer.content));
    out.Field("index", static_cast<std::int64_t>(i));
    openai::WriteLegacyLogprobs(out, logprobs, 0);
    out.Field("finish_reason", openai::FinishReason(answer.stop_reason));
    out.FieldIfAny("stop_reason", answer.stop_sequence).EndObject();
    AddUsage(usage, answer.usage);
  }
  openai::WriteUsage(out.EndArray().Key("usage"), usage);
  WriteStrataMember(out, meta);
  return out.EndObject().Take();
}

std::unique_ptr<StreamEncoder> MakeStreamEncoder(StreamSpec spec, AnswerMeta meta) {
  return std::make_unique<TextEncoder>(std::move(spec), std::move(meta));
}

}  // namespace strata::dialect::completions
