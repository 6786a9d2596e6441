// Chat completion request → domain.

#include <utility>

#include "base/format_message.h"
#include "dialect/json/extra.h"
#include "dialect/json_value.h"
#include "dialect/openai.h"
#include "dialect/openai/annotations.h"
#include "dialect/openai/parts.h"

namespace strata::dialect::openai {
namespace {

using domain::ContentBlock;
using domain::Message;
using domain::Role;
using domain::TextBlock;

constexpr std::int64_t kTokensMax = 1LL << 31;
constexpr std::size_t kStopMax = 64;
constexpr std::int64_t kTopLogprobsMax = 20;

Result<TextBlock> DecodeTextPart(const JsonField& part) {
  STRATA_CHECK_OK(part.OnlyMembers({"type", "text", "annotations"}));
  auto field = part.Get("text");
  STRATA_TRY(auto text, field.String());
  return TextBlock{.text = std::move(text), .citations = {}};
}

Result<domain::ImageBlock> DecodeImagePart(const JsonField& part) {
  STRATA_CHECK_OK(part.OnlyMembers({"type", "image_url"}));
  auto image_url = part.Get("image_url");
  STRATA_CHECK_OK(image_url.OnlyMembers({"url", "detail"}));
  domain::ImageBlock image;
  if (auto detail = image_url.Get("detail"); detail.present()) {
    STRATA_TRY(image.detail, detail.OneOf({"auto", "low", "high"}));
  }
  auto url = image_url.Get("url");
  STRATA_CHECK_OK(ReadImageAddress(url, image));
  return image;
}

Result<domain::DocumentBlock> DecodeFilePart(const JsonField& part) {
  STRATA_CHECK_OK(part.OnlyMembers({"type", "file"}));
  auto file = part.Get("file");
  STRATA_CHECK_OK(file.ExpectObject());
  auto file_id = file.Get("file_id");
  if (file_id.present()) {
    return Fail(file_id.Wrong("uploaded files cannot be used here; send file_data"));
  }
  STRATA_CHECK_OK(file.OnlyMembers({"file_data", "filename"}));
  domain::DocumentBlock document;
  if (auto name = file.Get("filename"); name.present()) {
    STRATA_TRY(document.name, name.String());
  }
  auto data = file.Get("file_data");
  STRATA_CHECK_OK(ReadFileData(data, document));
  return document;
}

Result<ContentBlock> DecodeUserPart(const JsonField& part) {
  STRATA_CHECK_OK(part.ExpectObject());
  auto type_field = part.Get("type");
  STRATA_TRY(auto type, type_field.String());
  if (type == "text") return DecodeTextPart(part);
  if (type == "image_url") return DecodeImagePart(part);
  if (type == "file") return DecodeFilePart(part);
  if (type == "input_audio") return Fail(type_field.Wrong("audio input is not supported"));
  return Fail(type_field.Wrong("expected one of text, image_url, file"));
}

// A string, or a list of parts that are all text.
Result<std::vector<TextBlock>> DecodeTextContent(const JsonField& content) {
  std::vector<TextBlock> blocks;
  if (content.present() && content.value().string() != nullptr) {
    blocks.push_back({.text = *content.value().string(), .citations = {}});
    return blocks;
  }
  if (!content.ExpectArray()) {
    return Fail(content.Wrong("expected a string or a list of content parts"));
  }
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto part = content.Item(i);
    STRATA_CHECK_OK(part.ExpectObject());
    auto type = part.Get("type");
    if (!type.Is("text")) return Fail(type.Wrong("only text parts are supported here"));
    STRATA_TRY(auto text, DecodeTextPart(part));
    blocks.push_back(std::move(text));
  }
  return blocks;
}

Result<Message> DecodeUser(const JsonField& message) {
  STRATA_CHECK_OK(message.OnlyMembers({"role", "content", "name"}));
  Message out;
  out.role = Role::kUser;
  if (auto name = message.Get("name"); name.present()) {
    STRATA_TRY(out.name, name.String());
  }
  auto content = message.Get("content");
  if (content.present() && content.value().string() != nullptr) {
    out.content.push_back(TextBlock{.text = *content.value().string(), .citations = {}});
    return out;
  }
  if (!content.ExpectArray() || content.size() == 0) {
    return Fail(content.Wrong("expected a string or a list of content parts"));
  }
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto part = content.Item(i);
    STRATA_TRY(auto block, DecodeUserPart(part));
    out.content.push_back(std::move(block));
  }
  return out;
}

Result<> DecodeToolCalls(const JsonField& calls, Message& out) {
  STRATA_CHECK_OK(calls.ExpectArray());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto call = calls.Item(i);
    STRATA_CHECK_OK(call.OnlyMembers({"id", "type", "function", "index"}));
    auto type = call.Get("type");
    if (type.present() && !type.Is("function")) {
      return Fail(type.Wrong("only calls of type function are supported"));
    }
    auto function = call.Get("function");
    STRATA_CHECK_OK(function.OnlyMembers({"name", "arguments"}));
    STRATA_TRY(auto use, ReadCall(call.Get("id"), function.Get("name"), function.Get("arguments")));
    out.content.push_back(std::move(use));
  }
  return {};
}

// Text of an assistant message that is played back: content (string, text and refusal parts).
Result<> DecodeAssistantContent(const JsonField& content, Message& out) {
  if (!content.present()) return {};
  if (const auto* text = content.value().string()) {
    if (!text->empty()) out.content.push_back(TextBlock{.text = *text, .citations = {}});
    return {};
  }
  if (!content.ExpectArray()) {
    return Fail(content.Wrong("expected a string or a list of content parts"));
  }
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto part = content.Item(i);
    STRATA_CHECK_OK(part.ExpectObject());
    auto type = part.Get("type");
    const bool refusal = type.Is("refusal");
    if (!refusal && !type.Is("text")) return Fail(type.Wrong("expected text or refusal"));
    auto text_field = part.Get(refusal ? "refusal" : "text");
    STRATA_TRY(auto text, text_field.String());
    out.content.push_back(TextBlock{.text = std::move(text), .citations = {}});
  }
  return {};
}

Result<Message> DecodeAssistant(const JsonField& message) {
  STRATA_CHECK_OK(
      message.OnlyMembers({"role", "content", "name", "refusal", "tool_calls", "reasoning_content",
                           "reasoning", "annotations", "audio", "function_call"}));
  for (auto key : {"audio", "function_call"}) {
    auto field = message.Get(key);
    if (field.present()) return Fail(field.Wrong("this member is not supported"));
  }
  Message out;
  out.role = Role::kAssistant;
  if (auto name = message.Get("name"); name.present()) {
    STRATA_TRY(out.name, name.String());
  }
  for (auto key : {"reasoning_content", "reasoning"}) {
    auto field = message.Get(key);
    if (!field.present()) continue;
    STRATA_TRY(auto text, field.String());
    if (!text.empty()) {
      out.content.push_back(
          domain::ReasoningBlock{.text = std::move(text), .signature = {}, .redacted = {}});
      break;  // some servers send both, with the same text
    }
  }
  auto content = message.Get("content");
  STRATA_CHECK_OK(DecodeAssistantContent(content, out));
  if (auto refusal = message.Get("refusal"); refusal.present()) {
    STRATA_TRY(auto text, refusal.String());
    out.content.push_back(TextBlock{.text = std::move(text), .citations = {}});
  }
  if (auto annotations = message.Get("annotations"); annotations.present()) {
    STRATA_CHECK_OK(DecodeAnnotations(annotations, out.content));
  }
  if (auto calls = message.Get("tool_calls"); calls.present()) {
    STRATA_CHECK_OK(DecodeToolCalls(calls, out));
  }
  if (out.content.empty() && content.present()) {
    out.content.push_back(TextBlock{.text = {}, .citations = {}});  // an answer that was empty
  }
  if (out.content.empty()) {
    return Fail(content.Wrong("an assistant message needs content or tool_calls"));
  }
  return out;
}

Result<domain::ToolResultBlock> DecodeTool(const JsonField& message) {
  STRATA_CHECK_OK(message.OnlyMembers({"role", "content", "tool_call_id", "name"}));
  domain::ToolResultBlock out;
  auto id = message.Get("tool_call_id");
  STRATA_TRY(out.tool_use_id, id.NonEmptyString());
  auto content = message.Get("content");
  STRATA_TRY(auto blocks, DecodeTextContent(content));
  for (auto& block : blocks) out.content.emplace_back(std::move(block));
  return out;
}

// Tool messages become blocks of one user message; a user message right after them joins it, as
// Anthropic and Bedrock want results and what follows in one turn.
class MessageList {
 public:
  explicit MessageList(domain::ChatRequest& chat) : chat_(chat) {}

  Result<> Add(const JsonField& message) {
    STRATA_CHECK_OK(message.ExpectObject());
    auto role = message.Get("role");
    if (role.Is("system") || role.Is("developer")) return AddSystem(message);
    if (role.Is("tool")) {
      STRATA_TRY(auto result, DecodeTool(message));
      if (!after_tool_) chat_.messages.push_back({.role = Role::kUser, .content = {}});
      chat_.messages.back().content.emplace_back(std::move(result));
      after_tool_ = true;
      return {};
    }
    if (role.Is("user")) {
      STRATA_TRY(auto user, DecodeUser(message));
      AddUser(std::move(user));
      return {};
    }
    if (role.Is("assistant")) {
      STRATA_TRY(auto assistant, DecodeAssistant(message));
      chat_.messages.push_back(std::move(assistant));
      after_tool_ = false;
      return {};
    }
    return Fail(role.Wrong("expected one of system, developer, user, assistant, tool"));
  }

 private:
  // Wherever it stands: the domain has one place for instructions.
  Result<> AddSystem(const JsonField& message) {
    STRATA_CHECK_OK(message.OnlyMembers({"role", "content", "name"}));
    auto content = message.Get("content");
    STRATA_TRY(auto blocks, DecodeTextContent(content));
    for (auto& block : blocks) chat_.system.emplace_back(std::move(block));
    return {};
  }

  void AddUser(Message user) {
    if (after_tool_) {
      auto& last = chat_.messages.back();
      for (auto& block : user.content) last.content.push_back(std::move(block));
      last.name = std::move(user.name);
    } else {
      chat_.messages.push_back(std::move(user));
    }
    after_tool_ = false;
  }

  domain::ChatRequest& chat_;
  bool after_tool_ = false;
};

Result<> DecodeTools(const JsonField& tools, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(tools.ExpectArray());
  for (std::size_t i = 0; i < tools.size(); ++i) {
    auto item = tools.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    auto type = item.Get("type");
    if (!type.Is("function")) return Fail(type.Wrong("only tools of type function are supported"));
    STRATA_CHECK_OK(item.OnlyMembers({"type", "function"}));
    auto function = item.Get("function");
    STRATA_CHECK_OK(function.OnlyMembers({"name", "description", "parameters", "strict"}));
    STRATA_TRY(auto tool, ReadFunction(function));
    chat.tools.push_back(std::move(tool));
  }
  return {};
}

Result<domain::ToolChoice> DecodeChoice(const JsonField& choice) {
  using Kind = domain::ToolChoice::Kind;
  if (choice.Is("auto")) return domain::ToolChoice{.kind = Kind::kAuto, .name = {}};
  if (choice.Is("none")) return domain::ToolChoice{.kind = Kind::kNone, .name = {}};
  if (choice.Is("required")) return domain::ToolChoice{.kind = Kind::kAny, .name = {}};
  auto type = choice.Get("type");
  if (!type.Is("function")) {
    return Fail(choice.Wrong("expected auto, none, required or one function by name"));
  }
  auto function = choice.Get("function");
  STRATA_CHECK_OK(function.ExpectObject());
  auto name = function.Get("name");
  STRATA_TRY(auto named, name.NonEmptyString());
  return domain::ToolChoice{.kind = Kind::kNamed, .name = std::move(named)};
}

Result<> DecodeToolMembers(const JsonField& body, domain::ChatRequest& chat) {
  for (auto key : {"functions", "function_call"}) {
    auto field = body.Get(key);
    if (field.present()) return Fail(field.Wrong("this form is no longer supported; use tools"));
  }
  if (auto tools = body.Get("tools"); tools.present()) STRATA_CHECK_OK(DecodeTools(tools, chat));
  if (auto choice = body.Get("tool_choice"); choice.present()) {
    STRATA_TRY(chat.tool_choice, DecodeChoice(choice));
  }
  if (auto parallel = body.Get("parallel_tool_calls"); parallel.present()) {
    STRATA_TRY(auto allowed, parallel.Bool());
    if (!allowed && !chat.tool_choice) chat.tool_choice.emplace();
    if (chat.tool_choice) chat.tool_choice->parallel = allowed;
  }
  return {};
}

Result<> DecodeResponseFormat(const JsonField& format, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(format.OnlyMembers({"type", "json_schema"}));
  auto type_field = format.Get("type");
  STRATA_TRY(auto type, type_field.OneOf({"text", "json_object", "json_schema"}));
  if (type == "text") return {};
  domain::JsonOutput output;
  if (type == "json_schema") {
    auto schema = format.Get("json_schema");
    STRATA_CHECK_OK(schema.OnlyMembers({"name", "description", "schema", "strict"}));
    auto name = schema.Get("name");
    STRATA_TRY(output.name, name.NonEmptyString());
    if (auto description = schema.Get("description"); description.present()) {
      STRATA_TRY(output.description, description.String());
    }
    auto text = schema.Get("schema");
    STRATA_TRY(output.schema, text.ObjectText());
    output.strict = false;
    if (auto strict = schema.Get("strict"); strict.present()) {
      STRATA_TRY(output.strict, strict.Bool());
    }
  }
  chat.json_output = std::move(output);
  return {};
}

Result<> DecodeStop(const JsonField& stop, domain::ChatRequest& chat) {
  if (stop.value().string() != nullptr) {
    STRATA_TRY(auto one, stop.NonEmptyString());
    chat.stop.push_back(std::move(one));
    return {};
  }
  if (!stop.ExpectArray() || stop.size() > kStopMax) {
    return Fail(stop.Wrong(FormatMessage("expected a string or a list of up to {}", kStopMax)));
  }
  for (std::size_t i = 0; i < stop.size(); ++i) {
    auto item = stop.Item(i);
    STRATA_TRY(auto one, item.NonEmptyString());
    chat.stop.push_back(std::move(one));
  }
  return {};
}

// Members that ask for something that answers here never hold.
Result<> RefuseUnsupported(const JsonField& body) {
  if (auto n = body.Get("n"); n.present()) {
    auto count = n.Integer(1, 1);
    if (!count) return Fail(n.Wrong("expected 1: one choice an answer is supported"));
  }
  if (auto audio = body.Get("audio"); audio.present()) {
    return Fail(audio.Wrong("audio output is not supported"));
  }
  if (auto modalities = body.Get("modalities"); modalities.present()) {
    STRATA_CHECK_OK(modalities.ExpectArray());
    for (std::size_t i = 0; i < modalities.size(); ++i) {
      auto item = modalities.Item(i);
      if (!item.Is("text")) return Fail(item.Wrong("only text output is supported"));
    }
  }
  return {};
}

Result<> DecodeLogprobs(const JsonField& body, domain::ChatRequest& chat) {
  if (auto field = body.Get("logprobs"); field.present()) {
    STRATA_TRY(chat.logprobs, field.Bool());
  }
  if (auto field = body.Get("top_logprobs"); field.present()) {
    STRATA_TRY(auto count, field.Integer(0, kTopLogprobsMax));
    if (!chat.logprobs) return Fail(field.Wrong("needs \"logprobs\": true"));
    chat.top_logprobs = static_cast<int>(count);
  }
  return {};
}

Result<> DecodeTokenLimit(const JsonField& body, domain::ChatRequest& chat) {
  for (auto key : {"max_tokens", "max_completion_tokens"}) {
    auto field = body.Get(key);
    if (!field.present()) continue;
    STRATA_TRY(auto limit, field.Integer(1, kTokensMax));
    if (chat.max_tokens && *chat.max_tokens != limit) {
      return Fail(field.Wrong("differs from max_tokens; give one of them"));
    }
    chat.max_tokens = limit;
  }
  return {};
}

Result<> DecodeSampling(const JsonField& body, domain::ChatRequest& chat) {
  if (auto field = body.Get("temperature"); field.present()) {
    STRATA_TRY(chat.temperature, field.Double(0, 2));
  }
  if (auto field = body.Get("top_p"); field.present()) {
    STRATA_TRY(chat.top_p, field.Double(0, 1));
  }
  if (auto field = body.Get("top_k"); field.present()) {  // vLLM and others
    STRATA_TRY(chat.top_k, field.Integer(-1, kTokensMax));
    if (*chat.top_k <= 0) chat.top_k.reset();
  }
  if (auto field = body.Get("seed"); field.present()) {
    STRATA_TRY(chat.seed, field.Integer(INT64_MIN, INT64_MAX));
  }
  if (auto field = body.Get("stop"); field.present()) STRATA_CHECK_OK(DecodeStop(field, chat));
  if (auto field = body.Get("reasoning_effort"); field.present()) {
    STRATA_TRY(auto effort,
               field.OneOf({"none", "minimal", "low", "medium", "high", "xhigh", "max"}));
    chat.reasoning =
        domain::ReasoningConfig{.enabled = effort != "none", .budget_tokens = 0, .effort = effort};
  }
  return {};
}

// Kept for a provider of the same dialect, in the form that OpenAI takes.
Result<> CheckHints(const JsonField& body) {
  if (auto store = body.Get("store"); store.present()) {
    STRATA_TRY([[maybe_unused]] auto stored, store.Bool());
  }
  for (const char* name : {"prompt_cache_key", "prompt_cache_retention", "safety_identifier"}) {
    if (auto field = body.Get(name); field.present()) {
      STRATA_TRY([[maybe_unused]] auto text, field.String());
    }
  }
  if (auto verbosity = body.Get("verbosity"); verbosity.present()) {
    STRATA_TRY([[maybe_unused]] auto word, verbosity.OneOf({"low", "medium", "high"}));
  }
  return {};
}

// The same.
Result<> CheckBiases(const JsonField& body) {
  for (const char* name : {"presence_penalty", "frequency_penalty"}) {
    if (auto field = body.Get(name); field.present()) {
      STRATA_TRY([[maybe_unused]] auto penalty, field.Double(-2, 2));
    }
  }
  auto biases = body.Get("logit_bias");
  if (!biases.present()) return {};
  STRATA_CHECK_OK(biases.ExpectObject());
  for (std::size_t i = 0; i < biases.size(); ++i) {
    auto bias = biases.Member(i);
    auto token = biases.MemberName(i);
    if (token.empty() || token.find_first_not_of("0123456789") != token.npos) {
      return Fail(bias.Wrong("expected the number of a token as its name"));
    }
    STRATA_TRY([[maybe_unused]] auto value, bias.Double(-100, 100));
  }
  return {};
}

Result<> DecodeCallerMembers(const JsonField& body, domain::ChatRequest& chat) {
  if (auto field = body.Get("user"); field.present()) {
    STRATA_TRY(chat.user, field.String());
  }
  // The newer name of it. CheckHints looks at it too, for a request that has both.
  if (auto field = body.Get("safety_identifier"); chat.user.empty() && field.present()) {
    STRATA_TRY(chat.user, field.String());
  }
  if (auto field = body.Get("service_tier"); field.present()) {
    STRATA_TRY(chat.service_tier, field.String());
  }
  auto metadata = body.Get("metadata");
  if (!metadata.present()) return {};
  STRATA_CHECK_OK(metadata.ExpectObject());
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    auto value = metadata.Member(i);
    STRATA_TRY(chat.metadata[std::string(metadata.MemberName(i))], value.String());
  }
  return {};
}

}  // namespace

Result<ChatCompletionRequest> DecodeChatRequest(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  ChatCompletionRequest out;
  auto& chat = out.chat;
  auto model = body.Get("model");
  STRATA_TRY(chat.model, model.NonEmptyString());
  STRATA_CHECK_OK(RefuseUnsupported(body));
  auto messages = body.Get("messages");
  STRATA_CHECK_OK(messages.ExpectArray());
  MessageList list(chat);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto message = messages.Item(i);
    STRATA_CHECK_OK(list.Add(message));
  }
  if (chat.messages.empty()) return Fail(messages.Wrong("expected at least one user message"));
  STRATA_CHECK_OK(DecodeToolMembers(body, chat));
  if (auto format = body.Get("response_format"); format.present()) {
    STRATA_CHECK_OK(DecodeResponseFormat(format, chat));
  }
  STRATA_CHECK_OK(DecodeLogprobs(body, chat));
  STRATA_CHECK_OK(DecodeTokenLimit(body, chat));
  STRATA_CHECK_OK(DecodeSampling(body, chat));
  STRATA_CHECK_OK(CheckBiases(body));
  STRATA_CHECK_OK(CheckHints(body));
  STRATA_CHECK_OK(DecodeCallerMembers(body, chat));
  STRATA_CHECK_OK(ReadStreamMembers(body, out.chat.stream, out.include_usage));
  STRATA_CHECK_OK(RefuseOtherCase(body, kKeptMembers));
  STRATA_CHECK_OK(KeepExtra(body, kRequestMembers, "openai", chat));
  return out;
}

}  // namespace strata::dialect::openai
