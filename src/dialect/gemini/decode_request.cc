// generateContent request → domain.

#include <algorithm>
#include <array>
#include <set>

#include "base/format_message.h"
#include "dialect/gemini.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/extra.h"

namespace strata::dialect::gemini {
namespace {

constexpr std::int64_t kTokensMax = 1LL << 31;
constexpr std::size_t kStopMax = 64;
constexpr int kTopLogprobsMax = 20;  // the API's

Result<> DecodeContents(const JsonField& contents, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(contents.ExpectArray());
  if (contents.size() == 0) return Fail(contents.Wrong("expected at least one content"));
  CallIds ids;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    auto content = contents.Item(i);
    STRATA_CHECK_OK(content.OnlyMembers({"role", "parts"}));
    domain::Message message;
    if (auto role = content.Get("role"); role.present()) {
      STRATA_TRY(auto name, role.OneOf({"user", "model", "function"}));
      message.role = name == "model" ? domain::Role::kAssistant : domain::Role::kUser;
    }
    auto parts = content.Get("parts");
    STRATA_CHECK_OK(parts.ExpectArray());
    if (parts.size() == 0) return Fail(parts.Wrong("expected at least one part"));
    for (std::size_t k = 0; k < parts.size(); ++k) {
      auto part = parts.Item(k);
      STRATA_CHECK_OK(DecodePart(part, PartUse::kRequest, ids, message.content));
    }
    chat.messages.push_back(std::move(message));
  }
  return {};
}

Result<> DecodeSystem(const JsonField& system, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(system.OnlyMembers({"role", "parts"}));
  auto parts = system.Get("parts");
  STRATA_CHECK_OK(parts.ExpectArray());
  CallIds ids;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto part = parts.Item(i);
    STRATA_CHECK_OK(part.OnlyMembers({"text"}));
    STRATA_CHECK_OK(DecodePart(part, PartUse::kRequest, ids, chat.system));
  }
  return {};
}

Result<domain::Tool> DecodeFunction(const JsonField& function) {
  STRATA_CHECK_OK(function.OnlyMembers({"name", "description", "parameters", "parametersJsonSchema",
                                        "response", "responseJsonSchema", "behavior"}));
  auto behavior = function.Get("behavior");
  if (behavior.present() && !behavior.Is("BLOCKING")) {
    return Fail(behavior.Wrong("only BLOCKING is supported"));
  }
  domain::Tool tool;
  auto name = function.Get("name");
  STRATA_TRY(tool.name, name.NonEmptyString());
  tool.description = function.TextAt("description");
  tool.input_schema.text = R"({"type":"object","properties":{}})";
  auto schema = function.Get("parametersJsonSchema");
  auto parameters = function.Get("parameters");
  if (schema.present()) {
    STRATA_TRY(tool.input_schema, schema.ObjectText());
  } else if (parameters.present()) {
    STRATA_CHECK_OK(parameters.ExpectObject());
    tool.input_schema = JsonSchemaOf(parameters.value());
  }
  return tool;
}

// Tools that run at Google have no word in the domain; they are kept for its models.
Result<> DecodeTools(const JsonField& tools, domain::ChatRequest& chat, JsonWriter& kept) {
  STRATA_CHECK_OK(tools.ExpectArray());
  for (std::size_t i = 0; i < tools.size(); ++i) {
    auto tool = tools.Item(i);
    STRATA_CHECK_OK(tool.ExpectObject());
    auto functions = tool.Get("functionDeclarations");
    for (std::size_t k = 0; k < functions.size(); ++k) {
      auto function = functions.Item(k);
      STRATA_TRY(auto decoded, DecodeFunction(function));
      chat.tools.push_back(std::move(decoded));
    }
    for (std::size_t k = 0; k < tool.size(); ++k) {
      auto member = tool.Member(k);
      if (tool.MemberName(k) == "functionDeclarations" || !member.present()) continue;
      kept.BeginObject().RawField(tool.MemberName(k), member.value().Dump()).EndObject();
    }
  }
  return {};
}

Result<> DecodeToolConfig(const JsonField& config, domain::ChatRequest& chat) {
  using Kind = domain::ToolChoice::Kind;
  STRATA_CHECK_OK(config.OnlyMembers({"functionCallingConfig"}));
  auto calling = config.Get("functionCallingConfig");
  if (!calling.present()) return {};
  STRATA_CHECK_OK(calling.OnlyMembers({"mode", "allowedFunctionNames"}));
  domain::ToolChoice choice;
  if (auto mode_field = calling.Get("mode"); mode_field.present()) {
    STRATA_TRY(auto mode,
               mode_field.OneOf({"AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"}));
    if (mode == "ANY") choice.kind = Kind::kAny;
    if (mode == "NONE") choice.kind = Kind::kNone;
    if (mode == "VALIDATED") {
      for (auto& tool : chat.tools) tool.strict = true;
    }
  }
  std::set<std::string> names;
  auto allowed = calling.Get("allowedFunctionNames");
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    auto item = allowed.Item(i);
    STRATA_TRY(auto name, item.NonEmptyString());
    names.insert(std::move(name));
  }
  if (names.size() == 1 && choice.kind == Kind::kAny) {
    choice.kind = Kind::kNamed;
    choice.name = *names.begin();
  } else if (!names.empty()) {
    // Several: the others are not shown, which says the same in every dialect.
    std::erase_if(chat.tools, [&](const domain::Tool& tool) { return !names.contains(tool.name); });
  }
  chat.tool_choice = std::move(choice);
  return {};
}

Result<> DecodeThinking(const JsonField& thinking, GenerateRequest& out) {
  STRATA_CHECK_OK(thinking.OnlyMembers({"includeThoughts", "thinkingBudget", "thinkingLevel"}));
  domain::ReasoningConfig config;
  if (auto field = thinking.Get("includeThoughts"); field.present()) {
    STRATA_TRY(out.include_thoughts, field.Bool());
  }
  auto budget = thinking.Get("thinkingBudget");
  auto level = thinking.Get("thinkingLevel");
  if (budget.present()) {
    STRATA_TRY(auto tokens, budget.Integer(-1, kTokensMax));  // -1: the model decides
    config.enabled = tokens != 0;
    config.budget_tokens = std::max<std::int64_t>(tokens, 0);
  }
  if (level.present()) {
    STRATA_TRY(auto word, level.OneOf({"MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH", "minimal",
                                       "low", "medium", "high", "xhigh"}));
    for (char c : word) config.effort += c < 'a' ? static_cast<char>(c + 32) : c;
  }
  out.chat.reasoning = std::move(config);
  return {};
}

Result<> DecodeFormat(const JsonField& config, domain::ChatRequest& chat) {
  auto type = config.Get("responseMimeType");
  auto schema = config.Get("responseSchema");
  auto json_schema = config.Get("responseJsonSchema");
  if (!type.present() || type.Is("text/plain")) {
    for (const auto* field : {&schema, &json_schema}) {
      if (field->present()) {
        return Fail(field->Wrong("needs responseMimeType application/json"));
      }
    }
    return {};
  }
  if (!type.Is("application/json")) {
    return Fail(type.Wrong("expected text/plain or application/json"));
  }
  domain::JsonOutput output;
  if (json_schema.present()) {
    STRATA_TRY(output.schema, json_schema.ObjectText());
  } else if (schema.present()) {
    STRATA_CHECK_OK(schema.ExpectObject());
    output.schema = JsonSchemaOf(schema.value());
  }
  chat.json_output = std::move(output);
  return {};
}

Result<> DecodeSampling(const JsonField& config, domain::ChatRequest& chat) {
  if (auto field = config.Get("maxOutputTokens"); field.present()) {
    STRATA_TRY(chat.max_tokens, field.Integer(1, kTokensMax));
  }
  if (auto field = config.Get("temperature"); field.present()) {
    STRATA_TRY(chat.temperature, field.Double(0, 2));
  }
  if (auto field = config.Get("topP"); field.present()) {
    STRATA_TRY(chat.top_p, field.Double(0, 1));
  }
  if (auto field = config.Get("topK"); field.present()) {
    STRATA_TRY(chat.top_k, field.Integer(1, kTokensMax));
  }
  if (auto field = config.Get("seed"); field.present()) {
    STRATA_TRY(chat.seed, field.Integer(INT32_MIN, INT32_MAX));
  }
  if (auto field = config.Get("responseLogprobs"); field.present()) {
    STRATA_TRY(chat.logprobs, field.Bool());
  }
  if (auto field = config.Get("logprobs"); field.present()) {
    if (!chat.logprobs) return Fail(field.Wrong("needs responseLogprobs"));
    STRATA_TRY(auto top, field.Integer(0, kTopLogprobsMax));
    chat.top_logprobs = static_cast<int>(top);
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

Result<> CheckOneAnswer(const JsonField& config) {
  auto count = config.Get("candidateCount");
  if (count.present() && !count.Integer(1, 1)) {
    return Fail(count.Wrong("only one candidate is supported"));
  }
  auto modalities = config.Get("responseModalities");
  for (std::size_t i = 0; i < modalities.size(); ++i) {
    auto item = modalities.Item(i);
    if (!item.Is("TEXT")) return Fail(item.Wrong("only TEXT is supported"));
  }
  return {};
}

// Members without a word in the domain (penalties, speech and so on), for Google's own models.
Result<std::string> UnknownConfig(const JsonField& config) {
  static constexpr std::array<std::string_view, 14> kKnown = {"candidateCount",
                                                              "responseModalities",
                                                              "maxOutputTokens",
                                                              "temperature",
                                                              "topP",
                                                              "topK",
                                                              "seed",
                                                              "stopSequences",
                                                              "responseMimeType",
                                                              "responseSchema",
                                                              "responseJsonSchema",
                                                              "thinkingConfig",
                                                              "responseLogprobs",
                                                              "logprobs"};
  domain::ChatRequest kept;
  STRATA_CHECK_OK(KeepExtra(config, kKnown, "gemini", kept));
  return std::move(kept.extra.text);
}

Result<> DecodeConfig(const JsonField& config, GenerateRequest& out, JsonWriter& extra) {
  if (!config.present()) return {};
  STRATA_CHECK_OK(config.ExpectObject());
  STRATA_CHECK_OK(CheckOneAnswer(config));
  STRATA_CHECK_OK(DecodeSampling(config, out.chat));
  STRATA_CHECK_OK(DecodeFormat(config, out.chat));
  if (auto thinking = config.Get("thinkingConfig"); thinking.present()) {
    STRATA_CHECK_OK(DecodeThinking(thinking, out));
  }
  STRATA_TRY(auto unknown, UnknownConfig(config));
  if (!unknown.empty()) extra.RawField("generationConfig", unknown);
  return {};
}

Result<> DecodeLabels(const JsonField& labels, domain::ChatRequest& chat) {
  if (!labels.present()) return {};
  STRATA_CHECK_OK(labels.ExpectObject());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    auto value = labels.Member(i);
    STRATA_TRY(chat.metadata[std::string(labels.MemberName(i))], value.String());
  }
  return {};
}

Result<> DecodeTier(const JsonField& tier, domain::ChatRequest& chat) {
  if (!tier.present()) return {};
  STRATA_TRY(auto word, tier.NonEmptyString());
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  chat.service_tier = word == "standard" ? "default" : word;
  return {};
}

Result<GenerateRequest> Decode(const JsonField& body) {
  STRATA_CHECK_OK(body.ExpectObject());
  GenerateRequest out;
  auto contents = body.Get("contents");
  STRATA_CHECK_OK(DecodeContents(contents, out.chat));
  if (auto system = body.Get("systemInstruction"); system.present()) {
    STRATA_CHECK_OK(DecodeSystem(system, out.chat));
  }
  JsonWriter extra;
  extra.BeginObject();
  if (auto tools = body.Get("tools"); tools.present()) {
    JsonWriter kept;
    kept.BeginArray();
    STRATA_CHECK_OK(DecodeTools(tools, out.chat, kept));
    kept.EndArray();
    if (kept.text() != "[]") extra.RawField("tools", kept.text());
  }
  if (auto config = body.Get("toolConfig"); config.present()) {
    STRATA_CHECK_OK(DecodeToolConfig(config, out.chat));
  }
  auto config = body.Get("generationConfig");
  STRATA_CHECK_OK(DecodeConfig(config, out, extra));
  auto labels = body.Get("labels");
  STRATA_CHECK_OK(DecodeLabels(labels, out.chat));
  auto tier = body.Get("serviceTier");
  STRATA_CHECK_OK(DecodeTier(tier, out.chat));
  for (std::size_t i = 0; i < body.size(); ++i) {
    auto member = body.Member(i);
    const auto name = body.MemberName(i);
    constexpr std::array<std::string_view, 8> kRead = {
        "contents", "systemInstruction", "tools", "toolConfig", "generationConfig",
        "labels",   "serviceTier",       "model"};
    if (!member.present() || std::ranges::find(kRead, name) != kRead.end()) continue;
    extra.RawField(name, member.value().Dump());
  }
  extra.EndObject();
  if (extra.text() != "{}") {
    out.chat.extra.text = extra.Take();
    out.chat.extra_dialect = "gemini";
  }
  return out;
}

}  // namespace

Result<GenerateRequest> DecodeGenerate(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  CamelKeys(root);
  return Decode(JsonField(root));
}

Result<domain::ChatRequest> DecodeCount(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  CamelKeys(root);
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  STRATA_CHECK_OK(body.OnlyMembers({"contents", "generateContentRequest", "model",
                                    "systemInstruction", "tools", "generationConfig"}));
  auto whole = body.Get("generateContentRequest");
  STRATA_TRY(auto request, Decode(whole.present() ? whole : body));
  return std::move(request.chat);
}

}  // namespace strata::dialect::gemini
