// Converse request → domain.

#include "base/format_message.h"
#include "dialect/bedrock.h"
#include "dialect/bedrock/blocks.h"
#include "dialect/bedrock/converse_fields.h"
#include "dialect/bedrock_prompt.h"
#include "dialect/json/claude.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"

namespace strata::dialect::bedrock {
namespace {

constexpr std::int64_t kTokensMax = 1LL << 31;
constexpr std::size_t kStopMax = 2500;       // the service model's
constexpr std::size_t kMetadataBytes = 256;  // of a key, of a value

Result<> DecodeSystem(const JsonField& system, domain::ChatRequest& chat) {
  const auto before = chat.system.size();
  STRATA_CHECK_OK(DecodeBlocks(system, chat.system));
  for (std::size_t i = before; i < chat.system.size(); ++i) {
    const auto& block = chat.system[i];
    if (!std::holds_alternative<domain::TextBlock>(block) &&
        !std::holds_alternative<domain::CachePoint>(block)) {
      return Fail(system.Item(i - before).Wrong("expected text, guardContent or cachePoint"));
    }
    if (const auto* text = std::get_if<domain::TextBlock>(&block); text && text->text.empty()) {
      return Fail(system.Item(i - before).Wrong("expected text that is not empty"));
    }
  }
  return {};
}

// In Bedrock's own words, which its clients look for. `number`: of the message.
Result<> CheckNotBlank(const JsonField& content, std::size_t number) {
  if (content.size() == 0) {
    return Fail(content.Wrong(FormatMessage(
        "The content field in the Message object at messages.{} is empty. Add a ContentBlock "
        "object to the content field and try again.",
        number)));
  }
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto block = content.Item(i);
    auto text = block.Get("text");
    if (!text.present() || text.value().string()->find_first_not_of(" \t\r\n") != std::string::npos)
      continue;
    return Fail(text.Wrong(FormatMessage(
        "The text field in the ContentBlock object at messages.{}.content.{} is blank. "
        "Add text to the text field, and try again.",
        number, i)));
  }
  return {};
}

Result<> DecodeMessages(const JsonField& messages, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(messages.ExpectArray());
  if (messages.size() == 0) return Fail(messages.Wrong("expected at least one message"));
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto message = messages.Item(i);
    STRATA_CHECK_OK(message.OnlyMembers({"role", "content"}));
    auto role_field = message.Get("role");
    STRATA_TRY(auto role, role_field.OneOf({"user", "assistant", "system"}));
    auto content = message.Get("content");
    if (role == "system") {
      STRATA_CHECK_OK(DecodeSystem(content, chat));
      continue;
    }
    domain::Message out;
    out.role = role == "user" ? domain::Role::kUser : domain::Role::kAssistant;
    STRATA_CHECK_OK(DecodeBlocks(content, out.content));
    STRATA_CHECK_OK(CheckNotBlank(content, i));
    chat.messages.push_back(std::move(out));
  }
  return {};
}

Result<> DecodeInference(const JsonField& config, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(config.OnlyMembers({"maxTokens", "temperature", "topP", "stopSequences"}));
  if (auto field = config.Get("maxTokens"); field.present()) {
    STRATA_TRY(chat.max_tokens, field.Integer(1, kTokensMax));
  }
  if (auto field = config.Get("temperature"); field.present()) {
    STRATA_TRY(chat.temperature, field.Double(0, 1));
  }
  if (auto field = config.Get("topP"); field.present()) {
    STRATA_TRY(chat.top_p, field.Double(0, 1));
  }
  auto stops = config.Get("stopSequences");
  if (!stops.present()) return {};
  STRATA_CHECK_OK(stops.ExpectArray());
  if (stops.size() > kStopMax) {
    return Fail(stops.Wrong(FormatMessage("expected at most {} strings", kStopMax)));
  }
  for (std::size_t i = 0; i < stops.size(); ++i) {
    auto item = stops.Item(i);
    STRATA_TRY(auto stop, item.NonEmptyString());
    chat.stop.push_back(std::move(stop));
  }
  return {};
}

Result<domain::Tool> DecodeToolSpec(const JsonField& spec) {
  STRATA_CHECK_OK(spec.OnlyMembers({"name", "description", "inputSchema", "strict"}));
  domain::Tool out;
  auto name = spec.Get("name");
  STRATA_TRY(out.name, name.NonEmptyString());
  if (auto description = spec.Get("description"); description.present()) {
    STRATA_TRY(out.description, description.String());
  }
  auto schema = spec.Get("inputSchema");
  STRATA_TRY(auto kind, schema.OnlyMember());
  auto json = schema.Get(kind);
  if (kind != "json") return Fail(json.Wrong("expected json"));
  STRATA_TRY(out.input_schema, json.ObjectText());
  if (auto strict = spec.Get("strict"); strict.present()) {
    STRATA_TRY(out.strict, strict.Bool());
  }
  return out;
}

Result<> DecodeTools(const JsonField& tools, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(tools.ExpectArray());
  for (std::size_t i = 0; i < tools.size(); ++i) {
    auto item = tools.Item(i);
    STRATA_TRY(auto kind, item.OnlyMember());
    auto value = item.Get(kind);
    if (kind == "toolSpec") {
      STRATA_TRY(auto tool, DecodeToolSpec(value));
      chat.tools.push_back(std::move(tool));
    } else if (kind == "cachePoint") {
      if (chat.tools.empty()) return Fail(value.Wrong("a cache point must follow a tool"));
      STRATA_TRY(chat.tools.back().cache_point, DecodeCachePoint(value));
    } else {
      return Fail(value.Wrong("tools of this kind are not supported"));
    }
  }
  return {};
}

Result<> DecodeToolConfig(const JsonField& config, domain::ChatRequest& chat) {
  using Kind = domain::ToolChoice::Kind;
  STRATA_CHECK_OK(config.OnlyMembers({"tools", "toolChoice"}));
  auto tools = config.Get("tools");
  STRATA_CHECK_OK(DecodeTools(tools, chat));
  auto choice = config.Get("toolChoice");
  if (!choice.present()) return {};
  STRATA_TRY(auto kind, choice.OnlyMember());
  auto value = choice.Get(kind);
  domain::ToolChoice out;
  if (kind == "tool") {
    STRATA_CHECK_OK(value.OnlyMembers({"name"}));
    out.kind = Kind::kNamed;
    auto name = value.Get("name");
    STRATA_TRY(out.name, name.NonEmptyString());
  } else if (kind == "any") {
    out.kind = Kind::kAny;
  } else if (kind != "auto") {
    return Fail(value.Wrong("expected auto, any or tool"));
  }
  chat.tool_choice = std::move(out);
  return {};
}

Result<> DecodeGuardrail(const JsonField& config, ConverseRequest& out) {
  STRATA_CHECK_OK(config.OnlyMembers(
      {"guardrailIdentifier", "guardrailVersion", "trace", "streamProcessingMode"}));
  GuardrailConfig guardrail;
  auto identifier = config.Get("guardrailIdentifier");
  auto version = config.Get("guardrailVersion");
  if (identifier.present()) {
    STRATA_TRY(guardrail.identifier, identifier.String());
  }
  if (version.present()) {
    STRATA_TRY(guardrail.version, version.String());
  }
  if (auto trace = config.Get("trace"); trace.present()) {
    STRATA_TRY(guardrail.trace, trace.OneOf({"enabled", "disabled", "enabled_full"}));
  }
  if (auto mode = config.Get("streamProcessingMode"); mode.present()) {
    STRATA_TRY(guardrail.processing_mode, mode.OneOf({"sync", "async"}));
  }
  out.guardrail = std::move(guardrail);
  return {};
}

// Anthropic's `thinking`, which older examples call reasoning_config.
Result<> DecodeThinking(const JsonField& thinking, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(thinking.OnlyMembers({"type", "budget_tokens"}));
  STRATA_TRY(chat.reasoning, ReadThinking(thinking));
  return {};
}

// What the domain has a word for is taken out; the rest is for the model's own family.
Result<> DecodeAdditional(const JsonField& fields, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(fields.ExpectObject());
  JsonWriter rest;
  rest.BeginObject();
  bool any = false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    auto field = fields.Member(i);
    const auto name = fields.MemberName(i);
    if (!field.present()) continue;
    if (name == "top_k") {
      STRATA_TRY(chat.top_k, field.Integer(0, kTokensMax));
    } else if (name == "thinking" || name == "reasoning_config") {
      STRATA_CHECK_OK(DecodeThinking(field, chat));
    } else {
      rest.RawField(name, field.value().Dump());
      any = true;
    }
  }
  if (!any) return {};
  chat.extra.text = rest.EndObject().Take();
  chat.extra_dialect = "bedrock";
  return {};
}

Result<> DecodeTextFormat(const JsonField& format, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(format.OnlyMembers({"type", "structure"}));
  auto type = format.Get("type");
  if (!type.Is("json_schema")) return Fail(type.Wrong("expected json_schema"));
  auto structure = format.Get("structure");
  STRATA_TRY(auto kind, structure.OnlyMember());
  auto definition = structure.Get(kind);
  if (kind != "jsonSchema") return Fail(definition.Wrong("expected jsonSchema"));
  STRATA_CHECK_OK(definition.OnlyMembers({"schema", "name", "description"}));
  domain::JsonOutput out;
  auto schema = definition.Get("schema");
  STRATA_TRY(auto text, schema.String());
  auto parsed = ParseJson(text);
  if (!parsed || parsed->object() == nullptr) {
    return Fail(schema.Wrong("expected a string that holds a JSON Schema object"));
  }
  out.schema.text = parsed->Dump();
  if (auto name = definition.Get("name"); name.present()) {
    STRATA_TRY(out.name, name.String());
  }
  if (auto description = definition.Get("description"); description.present()) {
    STRATA_TRY(out.description, description.String());
  }
  chat.json_output = std::move(out);
  return {};
}

Result<> DecodeOutputConfig(const JsonField& config, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(config.OnlyMembers({"textFormat", "effort"}));
  if (auto format = config.Get("textFormat"); format.present()) {
    STRATA_CHECK_OK(DecodeTextFormat(format, chat));
  }
  auto effort = config.Get("effort");
  if (!effort.present()) return {};
  STRATA_TRY(auto word, effort.NonEmptyString());
  if (word.size() > 16) return Fail(effort.Wrong("expected at most 16 characters"));
  if (!chat.reasoning) chat.reasoning.emplace();
  chat.reasoning->effort = std::move(word);
  return {};
}

Result<> DecodeMetadata(const JsonField& metadata, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(metadata.ExpectObject());
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    auto item = metadata.Member(i);
    STRATA_TRY(auto value, item.String());
    const auto key = metadata.MemberName(i);
    if (key.size() > kMetadataBytes || value.size() > kMetadataBytes) {
      return Fail(
          item.Wrong(FormatMessage("keys and values have at most {} bytes", kMetadataBytes)));
    }
    chat.metadata[std::string(key)] = std::move(value);
  }
  return {};
}

Result<> DecodeVariables(const JsonField& variables, ConverseRequest& out) {
  STRATA_CHECK_OK(variables.ExpectObject());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    auto item = variables.Member(i);
    STRATA_TRY(auto kind, item.OnlyMember());
    auto text = item.Get(kind);
    if (kind != "text") return Fail(text.Wrong("expected text"));
    STRATA_TRY(out.prompt_variables[std::string(variables.MemberName(i))], text.String());
  }
  return {};
}

Result<> DecodeServing(const JsonField& body, ConverseRequest& out) {
  if (auto performance = body.Get("performanceConfig"); performance.present()) {
    STRATA_CHECK_OK(performance.OnlyMembers({"latency"}));
    auto latency = performance.Get("latency");
    STRATA_TRY(out.performance_latency, latency.OneOf({"standard", "optimized"}));
  }
  if (auto tier = body.Get("serviceTier"); tier.present()) {
    STRATA_CHECK_OK(tier.OnlyMembers({"type"}));
    auto type = tier.Get("type");
    STRATA_TRY(out.chat.service_tier, type.OneOf({"priority", "default", "flex", "reserved"}));
  }
  auto paths = body.Get("additionalModelResponseFieldPaths");
  if (!paths.present()) return {};
  STRATA_CHECK_OK(paths.ExpectArray());
  if (paths.size() > 10) return Fail(paths.Wrong("expected at most 10 paths"));
  for (std::size_t i = 0; i < paths.size(); ++i) {
    auto path = paths.Item(i);
    STRATA_TRY(out.response_field_paths.emplace_back(), path.NonEmptyString());
  }
  return {};
}

enum class Messages : std::uint8_t { kRequired, kOptional };

Result<ConverseRequest> DecodeFields(const JsonField& body, Messages needed) {
  STRATA_CHECK_OK(body.OnlyMembers(
      {"messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig",
       "additionalModelRequestFields", "promptVariables", "additionalModelResponseFieldPaths",
       "requestMetadata", "performanceConfig", "serviceTier", "outputConfig"}));
  ConverseRequest out;
  auto optional = [&](std::string_view key, auto decode) -> Result<> {
    auto field = body.Get(key);
    return field.present() ? decode(field) : Result<>();
  };
  auto& chat = out.chat;
  STRATA_CHECK_OK(optional("system", [&](auto& f) { return DecodeSystem(f, chat); }));
  STRATA_CHECK_OK(optional("promptVariables", [&](auto& f) { return DecodeVariables(f, out); }));
  if (auto messages = body.Get("messages"); messages.present() || needed == Messages::kRequired) {
    STRATA_CHECK_OK(DecodeMessages(messages, chat));
  }
  STRATA_CHECK_OK(optional("inferenceConfig", [&](auto& f) { return DecodeInference(f, chat); }));
  STRATA_CHECK_OK(optional("toolConfig", [&](auto& f) { return DecodeToolConfig(f, chat); }));
  STRATA_CHECK_OK(optional("guardrailConfig", [&](auto& f) { return DecodeGuardrail(f, out); }));
  STRATA_CHECK_OK(
      optional("additionalModelRequestFields", [&](auto& f) { return DecodeAdditional(f, chat); }));
  STRATA_CHECK_OK(optional("outputConfig", [&](auto& f) { return DecodeOutputConfig(f, chat); }));
  STRATA_CHECK_OK(optional("requestMetadata", [&](auto& f) { return DecodeMetadata(f, chat); }));
  STRATA_CHECK_OK(DecodeServing(body, out));
  return out;
}

}  // namespace

Result<ConverseRequest> DecodeConverseFields(const JsonField& body) {
  return DecodeFields(body, Messages::kRequired);
}

Result<ConverseRequest> DecodeConverseOfPrompt(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  return DecodeFields(body, Messages::kOptional);
}

Result<ConverseRequest> DecodeConverse(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  return DecodeConverseFields(body);
}

}  // namespace strata::dialect::bedrock
