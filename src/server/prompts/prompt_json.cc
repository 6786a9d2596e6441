#include "server/prompts/prompt_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "base/format_message.h"
#include "dialect/bedrock.h"
#include "dialect/json_value.h"
#include "provider/registry.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr std::size_t kNameMax = 100;
constexpr std::size_t kDescriptionMax = 200;
constexpr std::size_t kVariablesMax = 20;
constexpr std::size_t kMetadataMax = 50;

// ([0-9a-zA-Z][_-]?){1,100}
bool IsName(std::string_view text) {
  std::size_t letters = 0;
  bool mark_allowed = false;
  for (char c : text) {
    bool mark = c == '_' || c == '-';
    bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(mark && mark_allowed)) return false;
    letters += letter ? 1 : 0;
    mark_allowed = letter;
  }
  return letters >= 1 && letters <= kNameMax;
}

Result<std::string> ReadName(const JsonField& field) {
  STRATA_TRY(auto name, field.String());
  if (!IsName(name)) {
    return Fail(field.Wrong("expected 1 to 100 letters or digits, each may be followed by _ or -"));
  }
  return name;
}

Result<std::string> ReadDescription(const JsonField& field) {
  if (!field.present()) return std::string();
  STRATA_TRY(auto text, field.NonEmptyString());
  if (text.size() > 4 * kDescriptionMax) {
    return Fail(field.Wrong(FormatMessage("at most {} characters", kDescriptionMax)));
  }
  return text;
}

Result<std::set<std::string>> ReadVariables(const JsonField& list) {
  std::set<std::string> names;
  if (!list.present()) return names;
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() > kVariablesMax) {
    return Fail(list.Wrong(FormatMessage("at most {} variables", kVariablesMax)));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    auto name = item.Get("name");
    STRATA_TRY(auto text, ReadName(name));
    names.insert(std::move(text));
  }
  return names;
}

// The variant as the Converse body that it stands for, placeholders unfilled.
Result<std::string> ConverseBody(const JsonField& variant) {
  json::object body;
  auto copy = [&](const char* to, const JsonField& from) {
    if (from.present()) body[to] = json::parse(from.value().Dump());
  };
  auto configuration = variant.Get("templateConfiguration");
  STRATA_CHECK_OK(configuration.ExpectObject());
  STRATA_TRY(auto kind, configuration.OnlyMember());
  auto type = variant.Get("templateType");
  STRATA_TRY(auto type_name, type.OneOf({"TEXT", "CHAT"}));
  if ((kind == "text") != (type_name == "TEXT") || (kind != "text" && kind != "chat")) {
    return Fail(
        configuration.Wrong(FormatMessage("expected the member {} with templateType {}",
                                          Own(type_name == "TEXT" ? "text" : "chat"), type_name)));
  }
  auto content = configuration.Get(kind);
  STRATA_CHECK_OK(content.ExpectObject());
  if (kind == "text") {
    STRATA_CHECK_OK(content.OnlyMembers({"text", "cachePoint", "inputVariables"}));
    auto text = content.Get("text");
    STRATA_TRY(auto words, text.NonEmptyString());
    json::array blocks{json::object{{"text", words}}};
    if (auto cache = content.Get("cachePoint"); cache.present()) {
      blocks.push_back(json::object{{"cachePoint", json::parse(cache.value().Dump())}});
    }
    body["messages"] = json::array{json::object{{"role", "user"}, {"content", std::move(blocks)}}};
  } else {
    STRATA_CHECK_OK(
        content.OnlyMembers({"messages", "system", "inputVariables", "toolConfiguration"}));
    copy("messages", content.Get("messages"));
    copy("system", content.Get("system"));
    copy("toolConfig", content.Get("toolConfiguration"));
  }
  if (auto inference = variant.Get("inferenceConfiguration"); inference.present()) {
    STRATA_CHECK_OK(inference.ExpectObject());
    STRATA_CHECK_OK(inference.OnlyMembers({"text"}));
    copy("inferenceConfig", inference.Get("text"));
  }
  copy("additionalModelRequestFields", variant.Get("additionalModelRequestFields"));
  return json::serialize(body);
}

Result<> CheckMetadata(const JsonField& list) {
  if (!list.present()) return {};
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() > kMetadataMax) {
    return Fail(list.Wrong(FormatMessage("at most {} entries", kMetadataMax)));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    auto key = item.Get("key");
    auto value = item.Get("value");
    STRATA_TRY(auto key_text, key.NonEmptyString());
    STRATA_TRY(auto value_text, value.String());
  }
  return {};
}

// `{{name}}` with blanks inside the braces; calls `found` with the name and appends what it gives.
template <class F>
Result<std::string> ReplacePlaceholders(std::string_view text, F found) {
  std::string out;
  while (true) {
    auto open = text.find("{{");
    auto close = open == text.npos ? text.npos : text.find("}}", open);
    if (close == text.npos) break;
    auto name = text.substr(open + 2, close - open - 2);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    out += text.substr(0, open);
    if (IsName(name)) {
      STRATA_TRY(auto value, found(std::string(name)));
      out += value;
    } else {
      out += text.substr(open, close + 2 - open);  // somebody's own braces
    }
    text.remove_prefix(close + 2);
  }
  out += text;
  return out;
}

template <class F>
Result<> EachText(domain::ChatRequest& request, F change) {
  auto blocks = [&](std::vector<domain::ContentBlock>& content) -> Result<> {
    for (auto& block : content) {
      if (auto* text = std::get_if<domain::TextBlock>(&block)) {
        STRATA_TRY(text->text, change(text->text));
      }
    }
    return {};
  };
  STRATA_CHECK_OK(blocks(request.system));
  for (auto& message : request.messages) STRATA_CHECK_OK(blocks(message.content));
  return {};
}

// By its id here or by its ARN; an alias may hide one.
bool IsPrompt(std::string_view model) {
  const auto spellings = provider::BedrockSpellings(model);
  return (spellings.empty() ? model : std::string_view(spellings.front())).starts_with("prompt/");
}

struct Variant {
  domain::ChatRequest request;  // placeholders unfilled
  std::set<std::string> variables;
};

Result<Variant> DecodeVariant(const JsonField& variant) {
  STRATA_CHECK_OK(variant.ExpectObject());
  STRATA_CHECK_OK(variant.OnlyMembers({"name", "templateType", "templateConfiguration", "modelId",
                                       "inferenceConfiguration", "metadata",
                                       "additionalModelRequestFields", "genAiResource"}));
  if (variant.Get("genAiResource").present()) {
    return Fail(variant.Wrong("genAiResource: this server has no agents to put behind a prompt"));
  }
  auto name = variant.Get("name");
  STRATA_TRY(auto name_text, ReadName(name));
  STRATA_CHECK_OK(CheckMetadata(variant.Get("metadata")));
  Variant out;
  STRATA_TRY(auto body, ConverseBody(variant));
  auto converse = dialect::bedrock::DecodeConverse(body);
  if (!converse.has_value()) {
    return Fail(
        Error(converse.error())
            .Because("templateConfiguration")
            .AtField(variant.Path() + ".templateConfiguration." + converse.error().field()));
  }
  out.request = std::move(converse->chat);
  if (auto model = variant.Get("modelId"); model.present()) {
    STRATA_TRY(out.request.model, model.NonEmptyString());
    if (IsPrompt(out.request.model))
      return Fail(model.Wrong("is a prompt itself; expected a model"));
  }
  auto configuration = variant.Get("templateConfiguration");
  auto text = configuration.Get("text");
  auto chat = configuration.Get("chat");
  STRATA_TRY(out.variables, ReadVariables((text.present() ? text : chat).Get("inputVariables")));
  return out;
}

}  // namespace

Result<PromptContent> DecodePromptContent(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"name", "description", "customerEncryptionKeyArn",
                                   "defaultVariant", "variants", "clientToken", "tags"}));
  PromptContent content;
  auto name = top.Get("name");
  STRATA_TRY(content.name, ReadName(name));
  STRATA_TRY(content.description, ReadDescription(top.Get("description")));
  if (auto key = top.Get("customerEncryptionKeyArn"); key.present()) {
    STRATA_TRY(content.encryption_key_arn, key.NonEmptyString());
  }
  auto chosen = top.Get("defaultVariant");
  if (chosen.present()) {
    STRATA_TRY(content.default_variant, ReadName(chosen));
  }
  auto variants = top.Get("variants");
  if (!variants.present()) return content;
  STRATA_CHECK_OK(variants.ExpectArray());
  if (variants.size() > 1) return Fail(variants.Wrong("at most one variant"));
  bool known = content.default_variant.empty();
  for (std::size_t i = 0; i < variants.size(); ++i) {
    auto variant = variants.Item(i);
    STRATA_TRY(auto decoded, DecodeVariant(variant));
    // Placeholders of the text must be declared: a misspelt one would go to the model as it stands.
    auto declared = [&](const std::string& text) {
      return ReplacePlaceholders(text, [&](const std::string& used) -> Result<std::string> {
        if (decoded.variables.contains(used)) return std::string();
        return Fail(variant.Wrong(FormatMessage("{{{{{}}}}} is not among inputVariables", used)));
      });
    };
    STRATA_CHECK_OK(EachText(decoded.request, declared));
    known = known || variant.TextAt("name") == content.default_variant;
  }
  if (!known) return Fail(chosen.Wrong("no variant has this name"));
  content.variants.text = variants.value().Dump();
  return content;
}

Result<std::string> DecodePromptVersion(std::string_view body) {
  if (body.empty()) return std::string();
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"description", "clientToken", "tags"}));
  return ReadDescription(top.Get("description"));
}

namespace {

json::object Summary(const Prompt& prompt) {
  json::object out{{"name", prompt.content.name},
                   {"id", prompt.id},
                   {"arn", prompt.Arn()},
                   {"version", prompt.version},
                   {"createdAt", FormatIso8601(prompt.created)},
                   {"updatedAt", FormatIso8601(prompt.updated)}};
  if (!prompt.content.description.empty()) out["description"] = prompt.content.description;
  return out;
}

}  // namespace

std::string EncodePrompt(const Prompt& prompt, PromptData data) {
  auto out = Summary(prompt);
  const auto& c = prompt.content;
  if (!c.default_variant.empty()) out["defaultVariant"] = c.default_variant;
  if (!c.encryption_key_arn.empty()) out["customerEncryptionKeyArn"] = c.encryption_key_arn;
  if (!c.variants.text.empty() && data == PromptData::kAll) {
    out["variants"] = json::parse(c.variants.text);
  }
  return json::serialize(out);
}

std::string EncodePromptList(const std::vector<Prompt>& prompts, std::string_view next_token) {
  json::array items;
  for (const auto& prompt : prompts) items.push_back(Summary(prompt));
  json::object out{{"promptSummaries", std::move(items)}};
  if (!next_token.empty()) out["nextToken"] = next_token;
  return json::serialize(out);
}

std::string EncodePromptDeleted(std::string_view id, std::string_view version) {
  json::object out{{"id", id}};
  if (!version.empty()) out["version"] = version;
  return json::serialize(out);
}

std::string ModelOfPrompt(const Prompt& prompt) {
  auto parsed = dialect::ParseJson(prompt.content.variants.text);
  if (!parsed.has_value()) return {};
  JsonField variants(*parsed);
  auto first = variants.Item(0);
  return first.TextAt("modelId");
}

namespace {

Result<Variant> VariantOf(const Prompt& prompt) {
  if (prompt.content.variants.text.empty()) {
    return Fail(InvalidArgument("modelId", FormatMessage("prompt {} has no variant", prompt.id)));
  }
  STRATA_TRY(auto parsed, dialect::ParseJson(prompt.content.variants.text));
  JsonField variants(parsed);
  if (variants.size() == 0) {
    return Fail(InvalidArgument("modelId", FormatMessage("prompt {} has no variant", prompt.id)));
  }
  auto first = variants.Item(0);
  STRATA_TRY(auto variant, DecodeVariant(first));
  if (variant.request.model.empty()) {
    return Fail(InvalidArgument("modelId", FormatMessage("prompt {} names no model", prompt.id)));
  }
  return variant;
}

}  // namespace

Result<std::vector<std::string>> VariablesOfPrompt(const Prompt& prompt) {
  STRATA_TRY(auto variant, VariantOf(prompt));
  return std::vector<std::string>(variant.variables.begin(), variant.variables.end());
}

Result<domain::ChatRequest> RenderPrompt(const Prompt& prompt,
                                         const std::map<std::string, std::string>& variables) {
  STRATA_TRY(auto variant, VariantOf(prompt));
  for (const auto& [name, value] : variables) {
    if (variant.variables.contains(name)) continue;
    return Fail(InvalidArgument("promptVariables",
                                FormatMessage("'{}' is no variable of the prompt", name)));
  }
  auto fill = [&](const std::string& text) {
    return ReplacePlaceholders(text, [&](const std::string& name) -> Result<std::string> {
      auto at = variables.find(name);
      if (at != variables.end()) return at->second;
      return Fail(InvalidArgument("promptVariables", FormatMessage("'{}' has no value", name)));
    });
  };
  STRATA_CHECK_OK(EachText(variant.request, fill));
  return std::move(variant.request);
}

}  // namespace strata::server
