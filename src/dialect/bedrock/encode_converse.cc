// Domain → Converse request, for the Bedrock provider.

#include <algorithm>
#include <array>
#include <optional>

#include "dialect/bedrock.h"
#include "dialect/bedrock/blocks.h"
#include "dialect/bedrock/converse_fields.h"
#include "dialect/extra.h"
#include "dialect/json/claude.h"
#include "dialect/json/extra.h"
#include "dialect/json/schema.h"

namespace strata::dialect::bedrock {
namespace {

bool IsClaude(std::string_view model) {
  return model.find("anthropic.") != model.npos || model.find("claude") != model.npos;
}

// Claude takes back only reasoning of its own; other models may get unsigned reasoning.
bool TakesBack(const domain::ReasoningBlock& reasoning, bool claude) {
  return ClaudeReads(reasoning) || (!claude && reasoning.signer.empty());
}

// `content` without reasoning that the model would refuse.
std::vector<domain::ContentBlock> Readable(const JsonWriter& out,
                                           const std::vector<domain::ContentBlock>& content,
                                           bool claude) {
  auto kept = content;
  std::erase_if(kept, [&](const domain::ContentBlock& block) {
    const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block);
    if (reasoning == nullptr || TakesBack(*reasoning, claude)) return false;
    out.Dropped(WhyLeftOut(*reasoning));
    return true;
  });
  return kept;
}

// The API demands turns that alternate, so neighbours of one role become one message.
Result<> WriteMessages(JsonWriter& out, const std::vector<domain::Message>& messages, bool claude) {
  out.Key("messages").BeginArray();
  std::optional<domain::Role> open;
  for (const auto& message : messages) {
    if (!message.name.empty()) out.Dropped("names of participants");
    const auto content = Readable(out, message.content, claude);
    if (!Writable(content)) continue;
    if (open != message.role) {
      if (open) out.EndArray().EndObject();
      out.BeginObject();
      out.Field("role", message.role == domain::Role::kUser ? "user" : "assistant");
      out.Key("content").BeginArray();
      open = message.role;
    }
    STRATA_CHECK_OK(WriteBlocks(out, content));
  }
  if (open) out.EndArray().EndObject();
  out.EndArray();
  return {};
}

void WriteTools(JsonWriter& out, const domain::ChatRequest& request) {
  using Kind = domain::ToolChoice::Kind;
  // The API has no way to forbid tools that it knows of, so they are not shown to it; a
  // conversation that has used them still needs them.
  if (request.tools.empty()) return;
  out.Key("toolConfig").BeginObject().Key("tools").BeginArray();
  for (const auto& tool : request.tools) {
    out.BeginObject().Key("toolSpec").BeginObject().Field("name", tool.name);
    out.FieldIfAny("description", tool.description).Key("inputSchema").BeginObject();
    out.RawField("json",
                 tool.input_schema.text.empty() ? R"({"type":"object"})" : tool.input_schema.text);
    out.EndObject();
    if (tool.strict) out.Field("strict", true);
    out.EndObject().EndObject();
    if (tool.cache_point) {
      out.BeginObject().Key("cachePoint");
      WriteCachePoint(out, *tool.cache_point);
      out.EndObject();
    }
  }
  out.EndArray();
  if (request.tool_choice && !request.tool_choice->parallel) {
    out.Dropped("one tool call at a time");
  }
  if (request.tool_choice && request.tool_choice->kind != Kind::kNone) {
    out.Key("toolChoice").BeginObject();
    if (request.tool_choice->kind == Kind::kNamed) {
      out.Key("tool").BeginObject().Field("name", request.tool_choice->name).EndObject();
    } else {
      out.Key(request.tool_choice->kind == Kind::kAny ? "any" : "auto").BeginObject().EndObject();
    }
    out.EndObject();
  }
  out.EndObject();
}

bool UsesTools(const domain::ChatRequest& request) {
  return std::ranges::any_of(request.messages, [](const domain::Message& message) {
    return std::ranges::any_of(message.content, [](const domain::ContentBlock& block) {
      return std::holds_alternative<domain::ToolUseBlock>(block) ||
             std::holds_alternative<domain::ToolResultBlock>(block);
    });
  });
}

void WriteInference(JsonWriter& out, const domain::ChatRequest& request) {
  if (request.seed) out.Dropped("seed");
  if (!request.user.empty()) out.Dropped("user");
  if (request.temperature.value_or(0) > 1) out.Dropped("temperature above 1");
  if (!request.max_tokens && !request.temperature && !request.top_p && request.stop.empty()) return;
  out.Key("inferenceConfig").BeginObject();
  if (request.max_tokens) out.Field("maxTokens", *request.max_tokens);
  // OpenAI's range ends at 2, this one at 1.
  if (request.temperature) out.Field("temperature", std::min(*request.temperature, 1.0));
  if (request.top_p) out.Field("topP", *request.top_p);
  if (!request.stop.empty()) {
    out.Key("stopSequences").BeginArray();
    for (const auto& stop : request.stop) out.Value(stop);
    out.EndArray();
  }
  out.EndObject();
}

void WriteThinking(JsonWriter& out, const domain::ChatRequest& request) {
  const auto& reasoning = *request.reasoning;
  const bool claude = IsClaude(request.model);
  if (!reasoning.enabled) {
    out.Key("thinking").BeginObject().Field("type", "disabled").EndObject();
    return;
  }
  auto budget =
      claude ? ThinkingBudget(reasoning, ThinkingOf(request.model)) : reasoning.budget_tokens;
  if (budget == 0) {
    if (!claude && !reasoning.effort.empty()) return;
    out.Key("thinking").BeginObject().Field("type", "adaptive").EndObject();
    return;
  }
  // It must be below the limit of tokens; where there is no room for the smallest, thinking stays
  // off.
  if (claude && request.max_tokens) budget = std::min(budget, *request.max_tokens - 1);
  if (claude && budget < kThinkingBudgetMin) return;
  out.Key("thinking").BeginObject().Field("type", "enabled").Field("budget_tokens", budget);
  out.EndObject();
}

Result<> WriteAdditional(JsonWriter& out, const domain::ChatRequest& request) {
  JsonWriter fields(out.notes());
  fields.BeginObject();
  if (request.top_k) fields.Field("top_k", *request.top_k);
  const bool thinking = request.reasoning && request.reasoning->enabled;
  const auto why = IsClaude(request.model) ? WhyNoThinking(request) : std::string_view();
  if (thinking && !why.empty()) {
    out.Dropped(why);
  } else if (request.reasoning) {
    WriteThinking(fields, request);
  }
  STRATA_CHECK_OK(
      WriteExtra(fields, request, "bedrock", {"top_k", "thinking", "reasoning_config"}));
  fields.EndObject();
  if (fields.text() != "{}") out.RawField("additionalModelRequestFields", fields.text());
  return {};
}

void WriteOutputConfig(JsonWriter& out, const domain::ChatRequest& request) {
  const bool schema = request.json_output && !request.json_output->schema.text.empty();
  std::string_view effort;
  const bool takes = !IsClaude(request.model) || ThinkingOf(request.model).effort;
  if (takes && request.reasoning && request.reasoning->enabled) effort = request.reasoning->effort;
  if (!schema && effort.empty()) return;
  out.Key("outputConfig").BeginObject();
  if (schema) {
    out.Key("textFormat").BeginObject().Field("type", "json_schema");
    out.Key("structure").BeginObject().Key("jsonSchema").BeginObject();
    out.Field("schema", ClosedSchema(request.json_output->schema.text));
    out.FieldIfAny("name", request.json_output->name);
    out.FieldIfAny("description", request.json_output->description);
    out.EndObject().EndObject().EndObject();
  }
  out.FieldIfAny("effort", effort).EndObject();
}

void WriteGuardrail(JsonWriter& out, const GuardrailConfig& guardrail) {
  out.Key("guardrailConfig").BeginObject();
  out.FieldIfAny("guardrailIdentifier", guardrail.identifier);
  out.FieldIfAny("guardrailVersion", guardrail.version).FieldIfAny("trace", guardrail.trace);
  out.FieldIfAny("streamProcessingMode", guardrail.processing_mode).EndObject();
}

void WriteServing(JsonWriter& out, const ConverseRequest& request) {
  if (!request.chat.metadata.empty()) {
    out.Key("requestMetadata").BeginObject();
    for (const auto& [key, value] : request.chat.metadata) out.Field(key, value);
    out.EndObject();
  }
  if (!request.prompt_variables.empty()) {
    out.Key("promptVariables").BeginObject();
    for (const auto& [key, value] : request.prompt_variables) {
      out.Key(key).BeginObject().Field("text", value).EndObject();
    }
    out.EndObject();
  }
  if (!request.response_field_paths.empty()) {
    out.Key("additionalModelResponseFieldPaths").BeginArray();
    for (const auto& path : request.response_field_paths) out.Value(path);
    out.EndArray();
  }
  if (!request.performance_latency.empty()) {
    out.Key("performanceConfig").BeginObject().Field("latency", request.performance_latency);
    out.EndObject();
  }
  // Words of other dialects ("auto", "standard_only") have no meaning there.
  constexpr std::array<std::string_view, 4> kTiers = {"priority", "default", "flex", "reserved"};
  if (std::ranges::find(kTiers, request.chat.service_tier) != kTiers.end()) {
    out.Key("serviceTier").BeginObject().Field("type", request.chat.service_tier).EndObject();
  }
}

}  // namespace

Result<> WritePrompt(JsonWriter& out, const domain::ChatRequest& request) {
  auto system = request.system;
  // The API knows JSON only by schema, so "any JSON object" is asked for in words.
  if (request.json_output && request.json_output->schema.text.empty()) {
    system.emplace_back(domain::TextBlock{.text = "Answer with one JSON object and nothing else.",
                                          .citations = {}});
  }
  if (!request.messages.empty()) {
    STRATA_CHECK_OK(WriteMessages(out, request.messages, IsClaude(request.model)));
  }
  if (!system.empty()) {
    out.Key("system").BeginArray();
    STRATA_CHECK_OK(WriteBlocks(out, system));
    out.EndArray();
  }
  const bool forbidden = request.tool_choice &&
                         request.tool_choice->kind == domain::ToolChoice::Kind::kNone &&
                         !UsesTools(request);
  if (!forbidden) WriteTools(out, request);
  return {};
}

Result<std::string> EncodeConverse(const ConverseRequest& request, DropNotes* notes) {
  STRATA_CHECK_OK(RefuseLogprobs(request.chat));
  JsonWriter out(notes);
  out.BeginObject();
  STRATA_CHECK_OK(WritePrompt(out, request.chat));
  WriteInference(out, request.chat);
  if (request.guardrail) WriteGuardrail(out, *request.guardrail);
  STRATA_CHECK_OK(WriteAdditional(out, request.chat));
  WriteOutputConfig(out, request.chat);
  WriteServing(out, request);
  return out.EndObject().Take();
}

}  // namespace strata::dialect::bedrock
