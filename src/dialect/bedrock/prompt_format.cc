#include "dialect/bedrock/prompt_format.h"

#include "dialect/json/strata_member.h"

namespace strata::dialect::bedrock {
namespace {

constexpr std::int64_t kTokensMax = 1LL << 31;

Result<> DecodePrompt(const JsonField& body, std::string_view limit_name,
                      domain::ChatRequest& chat) {
  auto prompt = body.Get("prompt");
  STRATA_TRY(auto text, prompt.NonEmptyString());
  chat.messages.push_back(
      {.role = domain::Role::kUser,
       .content = {domain::TextBlock{.text = std::move(text), .citations = {}}}});
  if (auto field = body.Get(limit_name); field.present()) {
    STRATA_TRY(chat.max_tokens, field.Integer(1, kTokensMax));
  }
  if (auto field = body.Get("temperature"); field.present()) {
    STRATA_TRY(chat.temperature, field.Double(0, 1));
  }
  if (auto field = body.Get("top_p"); field.present()) {
    STRATA_TRY(chat.top_p, field.Double(0, 1));
  }
  return {};
}

std::string_view StopWord(domain::StopReason reason) {
  switch (reason) {
    case domain::StopReason::kMaxTokens:
    case domain::StopReason::kContextWindow:
      return "length";
    default:
      return "stop";
  }
}

void WriteStop(JsonWriter& out, const PromptAnswer& answer) {
  out.Key("stop_reason");
  answer.stop ? out.Value(StopWord(*answer.stop)) : out.Null();
}

void WriteCount(JsonWriter& out, std::string_view key, const std::optional<domain::Usage>& usage,
                std::int64_t count) {
  out.Key(key);
  usage ? out.Value(count) : out.Null();
}

}  // namespace

Result<domain::ChatRequest> DecodeMeta(const JsonField& body) {
  STRATA_CHECK_OK(body.OnlyMembers({"prompt", "max_gen_len", "temperature", "top_p"}));
  domain::ChatRequest chat;
  STRATA_CHECK_OK(DecodePrompt(body, "max_gen_len", chat));
  return chat;
}

Result<domain::ChatRequest> DecodeMistral(const JsonField& body) {
  STRATA_CHECK_OK(
      body.OnlyMembers({"prompt", "max_tokens", "temperature", "top_p", "top_k", "stop"}));
  domain::ChatRequest chat;
  STRATA_CHECK_OK(DecodePrompt(body, "max_tokens", chat));
  if (auto field = body.Get("top_k"); field.present()) {
    STRATA_TRY(chat.top_k, field.Integer(0, kTokensMax));
  }
  auto stop = body.Get("stop");
  if (!stop.present()) return chat;
  STRATA_CHECK_OK(stop.ExpectArray());
  if (stop.size() > 64) return Fail(stop.Wrong("expected at most 64 strings"));
  for (std::size_t i = 0; i < stop.size(); ++i) {
    auto item = stop.Item(i);
    STRATA_TRY(chat.stop.emplace_back(), item.NonEmptyString());
  }
  return chat;
}

std::string EncodePromptAnswer(InvokeFormat format, const PromptAnswer& answer,
                               const AnswerMeta& meta, std::string_view metrics) {
  JsonWriter out;
  out.BeginObject();
  if (format == InvokeFormat::kMistral) {
    out.Key("outputs").BeginArray().BeginObject().Field("text", answer.text);
    WriteStop(out, answer);
    out.EndObject().EndArray();
  } else {
    const auto usage = answer.usage.value_or(domain::Usage());
    out.Field("generation", answer.text);
    WriteCount(out, "prompt_token_count", answer.usage, usage.PromptTokens());
    WriteCount(out, "generation_token_count", answer.usage, usage.output_tokens);
    WriteStop(out, answer);
  }
  if (answer.stop) WriteStrataMember(out, meta);
  if (!metrics.empty()) out.RawField("amazon-bedrock-invocationMetrics", metrics);
  return out.EndObject().Take();
}

}  // namespace strata::dialect::bedrock
