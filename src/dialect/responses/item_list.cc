#include "dialect/responses/item_list.h"

#include <chrono>

#include "base/utf8.h"
#include "dialect/error_table.h"
#include "dialect/json/strata_member.h"
#include "dialect/openai/logprobs.h"
#include "dialect/responses/annotations.h"
#include "dialect/responses/turns.h"

namespace strata::dialect::responses {
namespace {

void WriteReasoning(JsonWriter& out, const Item& item, const Settings& settings, Detail detail) {
  const auto& block = item.reasoning;
  out.Key("summary").BeginArray();
  if (!block.text.empty() && (settings.summaries || detail == Detail::kAll)) {
    out.BeginObject().Field("type", "summary_text").Field("text", block.text).EndObject();
  }
  out.EndArray();
  if (item.status != "in_progress" && (settings.encrypted_content || detail == Detail::kAll)) {
    out.Field("encrypted_content", SealReasoning(block));
  }
}

void WriteSearch(JsonWriter& out, const Item& item, const Settings& settings) {
  out.Field("type", "file_search_call").Field("status", item.status).Key("queries").BeginArray();
  for (const auto& query : item.search.queries) out.Value(query);
  out.EndArray().Key("results");
  if (!settings.search_results || item.status != "completed") {
    out.Null();
    return;
  }
  out.BeginArray();
  for (const auto& result : item.search.results) {
    out.BeginObject().Field("file_id", result.file_id).Field("filename", result.filename);
    out.Field("score", result.score).Field("text", result.text);
    out.RawField("attributes", ObjectOrWrapped(result.attributes)).EndObject();
  }
  out.EndArray();
}

void WriteUsage(JsonWriter& out, const domain::Usage& usage) {
  out.BeginObject().Field("input_tokens", usage.PromptTokens());
  out.Key("input_tokens_details").BeginObject();
  out.Field("cached_tokens", usage.cache_read_tokens);
  out.Field("cache_write_tokens", usage.cache_write_tokens).EndObject();
  out.Field("output_tokens", usage.output_tokens);
  out.Key("output_tokens_details").BeginObject();
  out.Field("reasoning_tokens", usage.reasoning_tokens).EndObject();
  out.Field("total_tokens", usage.TotalTokens()).EndObject();
}

template <class T>
void OptionalField(JsonWriter& out, std::string_view key, const std::optional<T>& value) {
  out.Key(key);
  value ? out.Value(*value) : out.Null();
}

void TextOrNull(JsonWriter& out, std::string_view key, std::string_view text) {
  out.Key(key);
  text.empty() ? out.Null() : out.Value(text);
}

std::string_view ErrorCode(Code code) {
  if (code == Code::kRateLimited) return "rate_limit_exceeded";
  return code == Code::kInvalidArgument ? "invalid_prompt" : "server_error";
}

// What the request asked for, repeated.
void WriteSettings(JsonWriter& out, const Settings& settings, std::string_view service_tier) {
  TextOrNull(out, "instructions", settings.instructions);
  OptionalField(out, "max_output_tokens", settings.max_output_tokens);
  OptionalField(out, "max_tool_calls", settings.max_tool_calls);
  out.Field("parallel_tool_calls", settings.parallel_tool_calls);
  TextOrNull(out, "previous_response_id", settings.previous_response_id);
  out.RawField("reasoning", settings.reasoning.text.empty() ? R"({"effort":null,"summary":null})"
                                                            : settings.reasoning.text);
  out.Field("store", settings.store);
  OptionalField(out, "temperature", settings.temperature);
  out.RawField("text", settings.text.text).RawField("tool_choice", settings.tool_choice.text);
  out.RawField("tools", settings.tools.text);
  OptionalField(out, "top_p", settings.top_p);
  out.Field("top_logprobs", settings.top_logprobs).Field("truncation", settings.truncation);
  TextOrNull(out, "user", settings.user);
  out.FieldIfAny("safety_identifier", settings.safety_identifier);
  out.FieldIfAny("prompt_cache_key", settings.prompt_cache_key);
  out.FieldIfAny("service_tier", service_tier.empty() ? settings.service_tier : service_tier);
  out.Key("metadata").BeginObject();
  for (const auto& [key, value] : settings.metadata) out.Field(key, value);
  out.EndObject();
}

}  // namespace

void WritePart(JsonWriter& out, const Part& part, const Settings& settings) {
  out.BeginObject();
  if (part.refusal) {
    out.Field("type", "refusal").Field("refusal", part.text.text).EndObject();
    return;
  }
  out.Field("type", "output_text").Key("annotations").BeginArray();
  const auto length = static_cast<std::int64_t>(CodePointCount(part.text.text));
  for (const auto& citation : part.text.citations) WriteAnnotation(out, citation, length);
  out.EndArray();
  if (settings.logprobs) openai::WriteTokenLogprobs(out.Key("logprobs"), part.text.logprobs);
  out.Field("text", part.text.text).EndObject();
}

void WriteItem(JsonWriter& out, const Item& item, const Settings& settings, Detail detail) {
  if (item.kind == Item::Kind::kForwarded) {
    out.Raw(item.json);
    return;
  }
  out.BeginObject().Field("id", item.id);
  switch (item.kind) {
    case Item::Kind::kMessage:
      out.Field("type", "message").Field("status", item.status).Field("role", "assistant");
      out.Key("content").BeginArray();
      for (const auto& part : item.parts) WritePart(out, part, settings);
      out.EndArray();
      break;
    case Item::Kind::kReasoning:
      out.Field("type", "reasoning");
      WriteReasoning(out, item, settings, detail);
      break;
    case Item::Kind::kCall:
      out.Field("type", "function_call").Field("status", item.status);
      out.Field("arguments", item.call.input.text).Field("call_id", item.call.id);
      out.Field("name", item.call.name);
      break;
    case Item::Kind::kSearch:
      WriteSearch(out, item, settings);
      break;
    case Item::Kind::kForwarded:
      break;
  }
  out.EndObject();
}

Ending EndingOf(domain::StopReason reason) {
  switch (reason) {
    case domain::StopReason::kMaxTokens:
    case domain::StopReason::kContextWindow:
      return {.status = "incomplete", .reason = "max_output_tokens"};
    case domain::StopReason::kGuardrail:
    case domain::StopReason::kContentFiltered:
      return {.status = "incomplete", .reason = "content_filter"};
    case domain::StopReason::kEndTurn:
    case domain::StopReason::kToolUse:
    case domain::StopReason::kStopSequence:
    case domain::StopReason::kRefusal:
      break;
  }
  return {.status = "completed", .reason = {}};
}

void WriteResponse(JsonWriter& out, const ResponseView& view) {
  const auto latency = std::chrono::duration_cast<std::chrono::seconds>(view.meta.latency);
  out.BeginObject().Field("id", view.id).Field("object", "response");
  out.Field("created_at", view.meta.created_s).Field("status", view.ending.status);
  out.Field("background", false).Key("completed_at");
  view.ending.status == "completed"
      ? out.Value(static_cast<std::int64_t>(view.meta.created_s + latency.count()))
      : out.Null();
  out.Key("error");
  if (view.error != nullptr) {
    out.BeginObject().Field("code", ErrorCode(view.error->code()));
    out.Field("message", PublicMessage(*view.error)).EndObject();
  } else {
    out.Null();
  }
  out.Key("incomplete_details");
  if (view.ending.reason.empty()) {
    out.Null();
  } else {
    out.BeginObject().Field("reason", view.ending.reason).EndObject();
  }
  out.Field("model", view.model).Key("output").BeginArray();
  for (const auto& item : view.items) WriteItem(out, item, view.settings, Detail::kShown);
  out.EndArray();
  WriteSettings(out, view.settings, view.meta.service_tier);
  out.Key("usage");
  if (view.usage != nullptr) {
    WriteUsage(out, *view.usage);
  } else {
    out.Null();
  }
  WriteStrataMember(out, view.meta);
  out.EndObject();
}

}  // namespace strata::dialect::responses
