#include "dialect/openai/message.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "dialect/openai/annotations.h"

namespace strata::dialect::openai {
namespace {

using domain::StopReason;
using domain::TextBlock;

void WriteToolCalls(JsonWriter& out, const std::vector<domain::ContentBlock>& content) {
  bool any = false;
  for (const auto& block : content) {
    const auto* use = std::get_if<domain::ToolUseBlock>(&block);
    if (use == nullptr) continue;
    if (!any) out.Key("tool_calls").BeginArray();
    any = true;
    out.BeginObject().Field("id", use->id).Field("type", "function").Key("function").BeginObject();
    out.Field("name", use->name);
    out.Field("arguments", use->input.text.empty() ? "{}" : use->input.text);
    out.EndObject().EndObject();
  }
  if (any) out.EndArray();
}

void WriteAnnotations(JsonWriter& out, const std::vector<domain::ContentBlock>& content) {
  bool any = false;
  std::int64_t base = 0;
  for (const auto& block : content) {
    const auto* text = std::get_if<TextBlock>(&block);
    if (text == nullptr) continue;
    const auto length = static_cast<std::int64_t>(CodePointCount(text->text));
    for (const auto& citation : text->citations) {
      if (!any) out.Key("annotations").BeginArray();
      any = true;
      WriteAnnotation(out, citation, base, length);
    }
    base += length;
  }
  if (any) out.EndArray();
}

std::string ReasoningText(const std::vector<domain::ContentBlock>& content) {
  std::string text;
  for (const auto& block : content) {
    if (const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block)) {
      text += reasoning->text;
    }
  }
  return text;
}

std::int64_t Count(const JsonField& object, std::string_view key) {
  auto field = object.Get(key);
  if (!field.present()) return 0;  // an error, with its path, is not worth making for it
  return field.Integer(0, domain::kTokensMax).value_or(0);
}

}  // namespace

Result<> WriteAssistantMembers(JsonWriter& out, const std::vector<domain::ContentBlock>& content,
                               MessageUse use) {
  bool has_text = false;
  for (const auto& block : content) {
    has_text = has_text || std::holds_alternative<TextBlock>(block);
    if (std::holds_alternative<domain::ImageBlock>(block) ||
        std::holds_alternative<domain::DocumentBlock>(block) ||
        std::holds_alternative<domain::ToolResultBlock>(block)) {
      return Fail(Code::kInvalidArgument,
                  "an assistant message may hold only text, reasoning and tool calls");
    }
  }
  auto text = domain::TextOf(content);
  out.Field("role", "assistant").Key("content");
  has_text&& use != MessageUse::kRefusal ? out.Value(text) : out.Null();
  if (use != MessageUse::kPlayBack) {
    out.Key("refusal");
    use == MessageUse::kRefusal ? out.Value(text) : out.Null();
    WriteAnnotations(out, content);
  }
  out.FieldIfAny("reasoning_content", ReasoningText(content));
  WriteToolCalls(out, content);
  return {};
}

std::vector<AnswerPart> ReadParts(const JsonField& content) {
  std::vector<AnswerPart> parts;
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto item = content.Item(i);
    if (const auto type = item.TextAt("type"); type == "text") {
      parts.push_back({.text = item.TextAt("text")});
    } else if (type == "thinking") {
      auto pieces = item.Get("thinking");
      AnswerPart thought{.text = item.TextAt("thinking"), .thought = true};
      for (const auto& piece : ReadParts(pieces)) thought.text += piece.text;
      parts.push_back(std::move(thought));
    }
  }
  std::erase_if(parts, [](const AnswerPart& part) { return part.text.empty(); });
  return parts;
}

void WriteUsage(JsonWriter& out, const domain::Usage& usage) {
  out.BeginObject();
  out.Field("prompt_tokens", usage.PromptTokens()).Field("completion_tokens", usage.output_tokens);
  out.Field("total_tokens", usage.TotalTokens());
  out.Key("prompt_tokens_details").BeginObject();
  out.Field("cached_tokens", usage.cache_read_tokens);
  // Not OpenAI's own, which bills no writes; OpenRouter names it so.
  if (usage.cache_write_tokens > 0) out.Field("cache_write_tokens", usage.cache_write_tokens);
  out.EndObject().Key("completion_tokens_details").BeginObject();
  out.Field("reasoning_tokens", usage.reasoning_tokens).EndObject().EndObject();
}

domain::Usage ReadUsage(const JsonField& usage) {
  domain::Usage out;
  auto prompt = usage.Get("prompt_tokens_details");
  auto completion = usage.Get("completion_tokens_details");
  out.cache_read_tokens = Count(prompt, "cached_tokens");
  if (out.cache_read_tokens == 0) {
    out.cache_read_tokens = Count(usage, "prompt_cache_hit_tokens");  // DeepSeek
  }
  out.cache_write_tokens = Count(prompt, "cache_write_tokens");
  out.input_tokens = std::max<std::int64_t>(
      Count(usage, "prompt_tokens") - out.cache_read_tokens - out.cache_write_tokens, 0);
  out.output_tokens = Count(usage, "completion_tokens");
  out.reasoning_tokens = Count(completion, "reasoning_tokens");
  return out;
}

std::string_view FinishReason(StopReason reason) {
  switch (reason) {
    case StopReason::kToolUse:
      return "tool_calls";
    case StopReason::kMaxTokens:
    case StopReason::kContextWindow:
      return "length";
    case StopReason::kGuardrail:
    case StopReason::kContentFiltered:
      return "content_filter";
    case StopReason::kEndTurn:
    case StopReason::kStopSequence:
    case StopReason::kRefusal:
      break;
  }
  return "stop";
}

StopReason StopReasonOf(std::string_view finish_reason) {
  if (finish_reason == "tool_calls" || finish_reason == "function_call") {
    return StopReason::kToolUse;
  }
  if (finish_reason == "length") return StopReason::kMaxTokens;
  if (finish_reason == "content_filter") return StopReason::kContentFiltered;
  return StopReason::kEndTurn;
}

std::string AnswerId(std::string_view request_id, std::string_view provider_id) {
  if (request_id.empty()) return std::string(provider_id);
  return fmt::format("chatcmpl-{}", request_id);
}

}  // namespace strata::dialect::openai
