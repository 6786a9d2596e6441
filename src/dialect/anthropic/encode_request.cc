// Domain → messages request, for providers that speak this dialect.

#include <algorithm>

#include "dialect/anthropic.h"
#include "dialect/anthropic/blocks.h"
#include "dialect/extra.h"
#include "dialect/json/claude.h"
#include "dialect/json/extra.h"
#include "dialect/json/schema.h"

namespace strata::dialect::anthropic {
namespace {

void WriteTools(JsonWriter& out, const domain::ChatRequest& request) {
  if (request.tools.empty()) return;
  out.Key("tools").BeginArray();
  for (const auto& tool : request.tools) {
    out.BeginObject().Field("name", tool.name).FieldIfAny("description", tool.description);
    const auto& schema = tool.input_schema.text;
    out.RawField("input_schema", schema.empty() ? R"({"type":"object"})"
                                 : tool.strict  ? ClosedSchema(schema)
                                                : schema);
    if (tool.strict) out.Field("strict", true);
    if (tool.cache_point) {
      out.Key("cache_control");
      WriteCacheControl(out, *tool.cache_point);
    }
    out.EndObject();
  }
  out.EndArray();
}

void WriteToolChoice(JsonWriter& out, const domain::ChatRequest& request) {
  using Kind = domain::ToolChoice::Kind;
  if (!request.tool_choice) return;
  const auto& choice = *request.tool_choice;
  out.Key("tool_choice").BeginObject();
  switch (choice.kind) {
    case Kind::kAuto:
      out.Field("type", "auto");
      break;
    case Kind::kAny:
      out.Field("type", "any");
      break;
    case Kind::kNone:
      out.Field("type", "none");
      break;
    case Kind::kNamed:
      out.Field("type", "tool").Field("name", choice.name);
      break;
  }
  if (!choice.parallel && choice.kind != Kind::kNone) {
    out.Field("disable_parallel_tool_use", true);
  }
  out.EndObject();
}

// OpenAI's words that Anthropic lacks are moved to the nearest one.
std::string_view EffortWord(std::string_view effort) {
  return effort == "minimal" ? "low" : effort;
}

// A budget must be below max_tokens; where there is no room for the smallest, thinking stays off.
void WriteThinking(JsonWriter& out, const domain::ReasoningConfig& reasoning, std::int64_t budget,
                   std::int64_t max_tokens) {
  if (!reasoning.enabled) {
    if (reasoning.effort.empty() || reasoning.effort == "none") {
      out.Key("thinking").BeginObject().Field("type", "disabled").EndObject();
    }
    return;
  }
  if (budget == 0) {
    if (reasoning.budget_tokens > 0) out.Dropped("the thinking budget, as the model sets its own");
    out.Key("thinking").BeginObject().Field("type", "adaptive").EndObject();
    return;
  }
  budget = std::min(budget, max_tokens - 1);
  if (budget < kThinkingBudgetMin) return;
  out.Key("thinking").BeginObject().Field("type", "enabled").Field("budget_tokens", budget);
  out.EndObject();
}

void WriteOutputConfig(JsonWriter& out, const domain::ChatRequest& request) {
  const bool schema = request.json_output && !request.json_output->schema.text.empty();
  std::string_view effort;
  if (request.reasoning && request.reasoning->effort != "none" &&
      ThinkingOf(request.model).effort) {
    effort = EffortWord(request.reasoning->effort);
  }
  if (!schema && effort.empty()) return;
  out.Key("output_config").BeginObject();
  if (schema) {
    out.Key("format").BeginObject().Field("type", "json_schema");
    out.RawField("schema", ClosedSchema(request.json_output->schema.text)).EndObject();
  }
  out.FieldIfAny("effort", effort).EndObject();
}

Result<> WriteConversation(JsonWriter& out, const domain::ChatRequest& request) {
  auto system = request.system;
  // The API knows JSON only by schema, so "any JSON object" is asked for in words.
  if (request.json_output && request.json_output->schema.text.empty()) {
    system.emplace_back(domain::TextBlock{.text = "Answer with one JSON object and nothing else.",
                                          .citations = {}});
  }
  if (!system.empty()) {
    out.Key("system").BeginArray();
    STRATA_CHECK_OK(WriteBlocks(out, system, Towards::kProvider));
    out.EndArray();
  }
  out.Key("messages").BeginArray();
  for (const auto& message : request.messages) {
    if (!message.name.empty()) out.Dropped("names of participants");
    if (!Writable(message.content)) continue;
    out.BeginObject();
    out.Field("role", message.role == domain::Role::kUser ? "user" : "assistant");
    out.Key("content").BeginArray();
    STRATA_CHECK_OK(WriteBlocks(out, message.content, Towards::kProvider));
    out.EndArray().EndObject();
  }
  out.EndArray();
  return {};
}

void WriteSampling(JsonWriter& out, const domain::ChatRequest& request, bool thinking) {
  // With thinking the API takes neither; OpenAI's range of temperatures ends at 2, this one at 1.
  if (thinking && request.temperature.value_or(1) != 1) {
    out.Dropped("temperature, as thinking is on");
  } else if (request.temperature) {
    if (*request.temperature > 1) out.Dropped("temperature above 1");
    out.Field("temperature", std::min(*request.temperature, 1.0));
  }
  if (request.top_p) out.Field("top_p", *request.top_p);
  if (thinking && request.top_k) {
    out.Dropped("top_k, as thinking is on");
  } else if (request.top_k) {
    out.Field("top_k", *request.top_k);
  }
  if (request.seed) out.Dropped("seed");
}

void WriteSettings(JsonWriter& out, const domain::ChatRequest& request, std::int64_t max_tokens,
                   bool thinking, const EncodeOptions& options) {
  out.Field("max_tokens", max_tokens);
  WriteSampling(out, request, thinking);
  if (!request.metadata.empty()) out.Dropped("metadata");
  if (!request.stop.empty()) {
    out.Key("stop_sequences").BeginArray();
    for (const auto& stop : request.stop) out.Value(stop);
    out.EndArray();
  }
  if (!request.user.empty()) {
    out.Key("metadata").BeginObject().Field("user_id", request.user).EndObject();
  }
  if (options.form == Form::kMessages) {
    if (request.service_tier == "auto" || request.service_tier == "standard_only") {
      out.Field("service_tier", request.service_tier);
    }
  }
  if (options.form != Form::kBedrock && options.stream) out.Field("stream", true);
}

}  // namespace

Result<std::string> EncodeChatRequest(const domain::ChatRequest& request,
                                      const EncodeOptions& options) {
  STRATA_CHECK_OK(RefuseLogprobs(request));
  bool thinking = request.reasoning && request.reasoning->enabled;
  const auto budget = thinking ? ThinkingBudget(*request.reasoning, ThinkingOf(request.model)) : 0;
  const auto max_tokens = request.max_tokens.value_or(options.default_max_tokens + budget);
  JsonWriter out(options.notes);
  out.BeginObject();
  if (options.form == Form::kMessages) {
    out.Field("model", request.model);
  } else {
    out.Field("anthropic_version",
              options.form == Form::kBedrock ? "bedrock-2023-05-31" : "vertex-2023-10-16");
  }
  STRATA_CHECK_OK(WriteConversation(out, request));
  WriteTools(out, request);
  WriteToolChoice(out, request);
  if (const auto why = WhyNoThinking(request); thinking && !why.empty()) {
    out.Dropped(why);
    thinking = false;
  } else if (request.reasoning) {
    WriteThinking(out, *request.reasoning, budget, max_tokens);
  }
  WriteOutputConfig(out, request);
  WriteSettings(out, request, max_tokens, thinking, options);
  STRATA_CHECK_OK(WriteExtra(
      out, request, "anthropic",
      {"anthropic_version", "model", "messages", "max_tokens", "system", "stop_sequences", "stream",
       "temperature", "top_p", "top_k", "tools", "tool_choice", "thinking", "metadata",
       "service_tier", "output_config", "output_format"}));
  return out.EndObject().Take();
}

// The count API takes the members that make up the prompt, and no others.
Result<std::string> EncodeCountRequest(const domain::ChatRequest& request) {
  JsonWriter out;
  out.BeginObject().Field("model", request.model);
  STRATA_CHECK_OK(WriteConversation(out, request));
  WriteTools(out, request);
  WriteToolChoice(out, request);
  return out.EndObject().Take();
}

}  // namespace strata::dialect::anthropic
