// Domain → generateContent request, for Gemini and Vertex AI.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/format_message.h"
#include "dialect/gemini.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/extra.h"
#include "dialect/json_value.h"

namespace strata::dialect::gemini {
namespace {

constexpr std::size_t kStopMax = 5;    // the API's
constexpr std::size_t kLabelMax = 63;  // characters of a label

std::map<std::string, std::string> ToolNames(const domain::ChatRequest& request) {
  std::map<std::string, std::string> names;
  for (const auto& message : request.messages) {
    for (const auto& block : message.content) {
      if (const auto* use = std::get_if<domain::ToolUseBlock>(&block)) names[use->id] = use->name;
    }
  }
  return names;
}

Result<> WriteContents(JsonWriter& out, const domain::ChatRequest& request,
                       const EncodeOptions& options) {
  const auto names = ToolNames(request);
  const PartOptions parts{.side = PartOptions::Side::kProvider,
                          .thoughts = true,
                          .mark_unsigned_calls = options.mark_unsigned_calls,
                          .names = &names};
  out.Key("contents").BeginArray();
  for (const auto& message : request.messages) {
    JsonWriter content(out.notes());
    content.BeginArray();
    STRATA_CHECK_OK(WriteParts(content, message.content, parts));
    content.EndArray();
    if (content.text() == "[]") continue;  // the API refuses contents without parts
    if (!message.name.empty()) out.Dropped("names of participants");
    out.BeginObject().Field("role", message.role == domain::Role::kUser ? "user" : "model");
    out.RawField("parts", content.text()).EndObject();
  }
  out.EndArray();
  if (request.system.empty()) return {};
  out.Key("systemInstruction").BeginObject().Key("parts").BeginArray();
  STRATA_CHECK_OK(WriteParts(out, request.system, parts));
  out.EndArray().EndObject();
  return {};
}

// `own`: the caller's tools that run at Google, a list or null.
void WriteTools(JsonWriter& out, const domain::ChatRequest& request, const JsonValue* own) {
  if (request.tools.empty() && own == nullptr) return;
  out.Key("tools").BeginArray();
  if (!request.tools.empty()) {
    out.BeginObject().Key("functionDeclarations").BeginArray();
    for (const auto& tool : request.tools) {
      out.BeginObject().Field("name", tool.name).FieldIfAny("description", tool.description);
      if (!tool.input_schema.text.empty()) {
        out.RawField("parametersJsonSchema", tool.input_schema.text);
      }
      if (tool.cache_point) out.Dropped("cache points");
      out.EndObject();
    }
    out.EndArray().EndObject();
  }
  if (own != nullptr && own->array() != nullptr) {
    for (const auto& tool : *own->array()) out.Raw(tool.Dump());
  }
  out.EndArray();
}

void WriteToolConfig(JsonWriter& out, const domain::ChatRequest& request) {
  using Kind = domain::ToolChoice::Kind;
  const bool strict = std::ranges::any_of(request.tools, &domain::Tool::strict);
  if (!request.tool_choice && !strict) return;
  const auto choice = request.tool_choice.value_or(domain::ToolChoice{});
  if (!choice.parallel) out.Dropped("one tool call at a time");
  out.Key("toolConfig").BeginObject().Key("functionCallingConfig").BeginObject();
  switch (choice.kind) {
    case Kind::kAuto:
      out.Field("mode", strict ? "VALIDATED" : "AUTO");
      break;
    case Kind::kAny:
      out.Field("mode", "ANY");
      break;
    case Kind::kNone:
      out.Field("mode", "NONE");
      break;
    case Kind::kNamed:
      out.Field("mode", "ANY").Key("allowedFunctionNames").BeginArray().Value(choice.name);
      out.EndArray();
      break;
  }
  out.EndObject().EndObject();
}

std::string Level(std::string_view effort) {
  if (effort == "xhigh" || effort == "max") return "HIGH";
  std::string out;
  for (char c : effort) out += static_cast<char>(c - 32);
  return out;
}

void WriteThinking(JsonWriter& out, const domain::ReasoningConfig& reasoning) {
  out.Key("thinkingConfig").BeginObject();
  if (!reasoning.enabled) {
    if (reasoning.effort.empty() || reasoning.effort == "none") {
      out.Field("thinkingBudget", 0);
    } else {
      out.Field("thinkingLevel", Level(reasoning.effort));
    }
    out.EndObject();
    return;
  }
  out.Field("includeThoughts", true);
  if (reasoning.budget_tokens > 0) {
    out.Field("thinkingBudget", reasoning.budget_tokens);
  } else if (!reasoning.effort.empty()) {
    out.Field("thinkingLevel", Level(reasoning.effort));
  }
  out.EndObject();
}

Result<> WriteConfig(JsonWriter& out, const domain::ChatRequest& request, const JsonValue* own) {
  if (request.stop.size() > kStopMax) {
    return Fail(InvalidArgument(
        "stop", FormatMessage("this provider takes at most {} stop sequences", kStopMax)));
  }
  if (request.seed && (*request.seed < INT32_MIN || *request.seed > INT32_MAX)) {
    return Fail(InvalidArgument("seed", "this provider takes seeds of 32 bits"));
  }
  JsonWriter config(out.notes());
  config.BeginObject();
  if (request.max_tokens) config.Field("maxOutputTokens", *request.max_tokens);
  if (request.temperature) config.Field("temperature", *request.temperature);
  if (request.top_p) config.Field("topP", *request.top_p);
  if (request.top_k) config.Field("topK", *request.top_k);
  if (request.seed) config.Field("seed", *request.seed);
  if (request.logprobs) {
    config.Field("responseLogprobs", true);
    if (request.top_logprobs > 0) config.Field("logprobs", request.top_logprobs);
  }
  if (!request.stop.empty()) {
    config.Key("stopSequences").BeginArray();
    for (const auto& stop : request.stop) config.Value(stop);
    config.EndArray();
  }
  if (request.json_output) {
    config.Field("responseMimeType", "application/json");
    const auto& schema = request.json_output->schema.text;
    if (!schema.empty()) config.RawField("responseJsonSchema", schema);
  }
  if (request.reasoning) WriteThinking(config, *request.reasoning);
  if (own != nullptr && own->object() != nullptr) {
    for (const auto& member : *own->object()) config.RawField(member.key, member.value.Dump());
  }
  config.EndObject();
  if (config.text() != "{}") out.RawField("generationConfig", config.text());
  return {};
}

bool IsLabel(std::string_view text) {
  return !text.empty() && text.size() <= kLabelMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

void WriteCallerMembers(JsonWriter& out, const domain::ChatRequest& request) {
  if (!request.user.empty()) out.Dropped("user");
  const bool labels = std::ranges::all_of(request.metadata, [](const auto& entry) {
    return IsLabel(entry.first) && IsLabel(entry.second);
  });
  if (!labels) out.Dropped("metadata");
  if (labels && !request.metadata.empty()) {
    out.Key("labels").BeginObject();
    for (const auto& [key, value] : request.metadata) out.Field(key, value);
    out.EndObject();
  }
  const auto& tier = request.service_tier;
  if (tier == "flex" || tier == "priority") {
    out.Field("serviceTier", tier);
  }
}

}  // namespace

Result<std::string> EncodeGenerate(const domain::ChatRequest& request,
                                   const EncodeOptions& options) {
  JsonWriter out(options.notes);
  out.BeginObject();
  STRATA_CHECK_OK(WriteContents(out, request, options));
  JsonValue extra;
  if (!request.extra.text.empty() && request.extra_dialect == "gemini") {
    STRATA_TRY(extra, ParseJson(request.extra.text));
  }
  WriteTools(out, request, extra.Find("tools"));
  WriteToolConfig(out, request);
  STRATA_CHECK_OK(WriteConfig(out, request, extra.Find("generationConfig")));
  WriteCallerMembers(out, request);
  STRATA_CHECK_OK(WriteExtra(out, request, "gemini",
                             {"contents", "systemInstruction", "tools", "toolConfig",
                              "generationConfig", "labels", "serviceTier", "model"}));
  return out.EndObject().Take();
}

// Only a whole request may hold tools and instructions, and it names the model again.
Result<std::string> EncodeCount(const domain::ChatRequest& request, std::string_view model) {
  JsonWriter out;
  out.BeginObject().Key("generateContentRequest").BeginObject();
  out.Field("model", fmt::format("models/{}", model));
  STRATA_CHECK_OK(WriteContents(out, request, {}));
  WriteTools(out, request, nullptr);
  WriteToolConfig(out, request);
  return out.EndObject().EndObject().Take();
}

Result<std::string> EncodePredictCount(const domain::ChatRequest& request) {
  JsonWriter out;
  out.BeginObject();
  STRATA_CHECK_OK(WriteContents(out, request, {}));
  WriteTools(out, request, nullptr);
  return out.EndObject().Take();
}

}  // namespace strata::dialect::gemini
