// Messages request → domain.

#include "base/format_message.h"
#include "dialect/anthropic.h"
#include "dialect/anthropic/blocks.h"
#include "dialect/json/claude.h"
#include "dialect/json/extra.h"
#include "dialect/json_value.h"

namespace strata::dialect::anthropic {
namespace {

constexpr std::int64_t kTokensMax = 1LL << 31;
constexpr std::size_t kStopMax = 8192;

enum class Purpose : std::uint8_t { kChat, kCount };

// Text blocks must say something, in Anthropic's own words, which its clients look for.
Result<> CheckTexts(const JsonField& content) {
  constexpr std::string_view kEmpty = "text content blocks must be non-empty";
  constexpr std::string_view kBlank = "text content blocks must contain non-whitespace text";
  auto check = [&](const JsonField& field) -> Result<> {
    const auto* text = field.present() ? field.value().string() : nullptr;
    if (text == nullptr || text->find_first_not_of(" \t\r\n") != text->npos) return {};
    return Fail(field.Wrong(text->empty() ? kEmpty : kBlank));
  };
  STRATA_CHECK_OK(check(content));
  if (content.value().array() == nullptr) return {};
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto block = content.Item(i);
    auto text = block.Get("text");
    if (block.Get("type").Is("text")) STRATA_CHECK_OK(check(text));
  }
  return {};
}

bool IsNothing(const JsonField& content) {
  const auto* text = content.value().string();
  return text != nullptr ? text->empty() : content.size() == 0;
}

Result<> DecodeSystem(const JsonField& system, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(DecodeContent(system, chat.system));
  if (system.value().array() != nullptr) STRATA_CHECK_OK(CheckTexts(system));
  for (const auto& block : chat.system) {
    if (!std::holds_alternative<domain::TextBlock>(block) &&
        !std::holds_alternative<domain::CachePoint>(block)) {
      return Fail(system.Wrong("only text blocks are supported here"));
    }
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
    STRATA_TRY(auto role, role_field.OneOf({"user", "assistant"}));
    domain::Message out;
    out.role = role == "user" ? domain::Role::kUser : domain::Role::kAssistant;
    auto content = message.Get("content");
    STRATA_CHECK_OK(DecodeContent(content, out.content));
    if (!IsNothing(content)) {
      STRATA_CHECK_OK(CheckTexts(content));
    } else if (role == "user" || i + 1 < messages.size()) {
      return Fail(
          content.Wrong("all messages must have non-empty content except for the optional "
                        "final assistant message"));
    }
    chat.messages.push_back(std::move(out));
  }
  return {};
}

Result<domain::Tool> DecodeTool(const JsonField& item) {
  STRATA_CHECK_OK(item.ExpectObject());
  auto type = item.Get("type");
  if (type.present() && !type.Is("custom")) {
    return Fail(type.Wrong("only tools of type custom are supported"));
  }
  STRATA_CHECK_OK(
      item.OnlyMembers({"type", "name", "description", "input_schema", "strict", "cache_control"}));
  domain::Tool tool;
  auto name = item.Get("name");
  STRATA_TRY(tool.name, name.NonEmptyString());
  if (auto description = item.Get("description"); description.present()) {
    STRATA_TRY(tool.description, description.String());
  }
  auto schema = item.Get("input_schema");
  STRATA_TRY(tool.input_schema, schema.ObjectText());
  if (auto strict = item.Get("strict"); strict.present()) {
    STRATA_TRY(tool.strict, strict.Bool());
  }
  if (auto mark = item.Get("cache_control"); mark.present()) {
    STRATA_TRY(tool.cache_point, DecodeCacheControl(mark));
  }
  return tool;
}

Result<> DecodeTools(const JsonField& body, domain::ChatRequest& chat) {
  using Kind = domain::ToolChoice::Kind;
  if (auto tools = body.Get("tools"); tools.present()) {
    STRATA_CHECK_OK(tools.ExpectArray());
    for (std::size_t i = 0; i < tools.size(); ++i) {
      auto item = tools.Item(i);
      STRATA_TRY(auto tool, DecodeTool(item));
      chat.tools.push_back(std::move(tool));
    }
  }
  auto choice = body.Get("tool_choice");
  if (!choice.present()) return {};
  STRATA_CHECK_OK(choice.OnlyMembers({"type", "name", "disable_parallel_tool_use"}));
  auto type_field = choice.Get("type");
  STRATA_TRY(auto type, type_field.OneOf({"auto", "any", "none", "tool"}));
  domain::ToolChoice out;
  if (type == "any") out.kind = Kind::kAny;
  if (type == "none") out.kind = Kind::kNone;
  if (type == "tool") {
    out.kind = Kind::kNamed;
    auto name = choice.Get("name");
    STRATA_TRY(out.name, name.NonEmptyString());
  }
  if (auto serial = choice.Get("disable_parallel_tool_use"); serial.present()) {
    STRATA_TRY(auto disabled, serial.Bool());
    out.parallel = !disabled;
  }
  chat.tool_choice = std::move(out);
  return {};
}

// The effort of adaptive thinking stands in output_config.
Result<> DecodeThinking(const JsonField& thinking, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(thinking.OnlyMembers({"type", "budget_tokens", "display"}));
  auto display = thinking.Get("display");
  if (display.present() && !display.Is("summarized")) {
    return Fail(display.Wrong("only summarized is supported"));
  }
  STRATA_TRY(chat.reasoning, ReadThinking(thinking));
  return {};
}

Result<> DecodeFormat(const JsonField& format, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(format.OnlyMembers({"type", "schema"}));
  auto type = format.Get("type");
  if (!type.Is("json_schema")) return Fail(type.Wrong("expected json_schema"));
  domain::JsonOutput out;
  auto schema = format.Get("schema");
  STRATA_TRY(out.schema, schema.ObjectText());
  chat.json_output = std::move(out);
  return {};
}

Result<> DecodeOutputConfig(const JsonField& body, domain::ChatRequest& chat) {
  // The beta form of output_config.format.
  if (auto format = body.Get("output_format"); format.present()) {
    STRATA_CHECK_OK(DecodeFormat(format, chat));
  }
  auto config = body.Get("output_config");
  if (!config.present()) return {};
  STRATA_CHECK_OK(config.OnlyMembers({"format", "effort"}));
  if (auto format = config.Get("format"); format.present()) {
    STRATA_CHECK_OK(DecodeFormat(format, chat));
  }
  auto effort = config.Get("effort");
  if (!effort.present()) return {};
  STRATA_TRY(auto word, effort.OneOf({"low", "medium", "high", "xhigh", "max"}));
  // Effort without thinking only makes the answer shorter or longer.
  if (!chat.reasoning) chat.reasoning = domain::ReasoningConfig{.enabled = false, .effort = {}};
  chat.reasoning->effort = std::move(word);
  return {};
}

Result<> DecodeSampling(const JsonField& body, domain::ChatRequest& chat) {
  if (auto field = body.Get("temperature"); field.present()) {
    STRATA_TRY(chat.temperature, field.Double(0, 1));
  }
  if (auto field = body.Get("top_p"); field.present()) {
    STRATA_TRY(chat.top_p, field.Double(0, 1));
  }
  if (auto field = body.Get("top_k"); field.present()) {
    STRATA_TRY(chat.top_k, field.Integer(0, kTokensMax));
  }
  auto stops = body.Get("stop_sequences");
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

Result<> DecodeMetadata(const JsonField& body, domain::ChatRequest& chat) {
  auto metadata = body.Get("metadata");
  if (!metadata.present()) return {};
  STRATA_CHECK_OK(metadata.OnlyMembers({"user_id"}));
  auto user = metadata.Get("user_id");
  if (!user.present()) return {};
  STRATA_TRY(chat.user, user.String());
  return {};
}

// Members that stand outside the body in Bedrock's form.
Result<> DecodeCallMembers(const JsonField& body, domain::ChatRequest& chat) {
  if (auto tier = body.Get("service_tier"); tier.present()) {
    STRATA_TRY(chat.service_tier, tier.OneOf({"auto", "standard_only"}));
  }
  if (auto stream = body.Get("stream"); stream.present()) {
    STRATA_TRY(chat.stream, stream.Bool());
  }
  return {};
}

Result<> DecodeIdentity(const JsonField& body, Form form, domain::ChatRequest& chat) {
  if (form == Form::kMessages) {
    auto model = body.Get("model");
    STRATA_TRY(chat.model, model.NonEmptyString());
    return {};
  }
  auto version = body.Get("anthropic_version");
  if (!version.Is("bedrock-2023-05-31")) {
    return Fail(version.Wrong("expected bedrock-2023-05-31"));
  }
  return {};
}

Result<domain::ChatRequest> Decode(std::string_view text, Form form, Purpose purpose) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  domain::ChatRequest chat;
  STRATA_CHECK_OK(DecodeIdentity(body, form, chat));
  auto limit = body.Get("max_tokens");
  if (purpose == Purpose::kChat || limit.present()) {
    STRATA_TRY(chat.max_tokens, limit.Integer(1, kTokensMax));
  }
  if (auto system = body.Get("system"); system.present()) {
    STRATA_CHECK_OK(DecodeSystem(system, chat));
  }
  auto messages = body.Get("messages");
  STRATA_CHECK_OK(DecodeMessages(messages, chat));
  STRATA_CHECK_OK(DecodeTools(body, chat));
  if (auto thinking = body.Get("thinking"); thinking.present()) {
    STRATA_CHECK_OK(DecodeThinking(thinking, chat));
  }
  STRATA_CHECK_OK(DecodeOutputConfig(body, chat));
  STRATA_CHECK_OK(DecodeSampling(body, chat));
  STRATA_CHECK_OK(DecodeMetadata(body, chat));
  if (form == Form::kMessages) STRATA_CHECK_OK(DecodeCallMembers(body, chat));
  const MemberNames known =
      form == Form::kBedrock ? MemberNames(kBedrockMembers) : MemberNames(kRequestMembers);
  STRATA_CHECK_OK(KeepExtra(body, known, "anthropic", chat));
  return chat;
}

}  // namespace

Result<domain::ChatRequest> DecodeChatRequest(std::string_view body, Form form) {
  return Decode(body, form, Purpose::kChat);
}

Result<domain::ChatRequest> DecodeCountRequest(std::string_view body) {
  return Decode(body, Form::kMessages, Purpose::kCount);
}

}  // namespace strata::dialect::anthropic
