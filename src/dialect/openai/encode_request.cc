// Domain → chat completion request, for providers that speak this dialect.

#include <fmt/format.h>

#include "base/format_message.h"
#include "dialect/json/claude.h"
#include "dialect/json/extra.h"
#include "dialect/json/media.h"
#include "dialect/json/schema.h"
#include "dialect/openai.h"
#include "dialect/openai/message.h"

namespace strata::dialect::openai {
namespace {

constexpr std::size_t kOwnStopMax = 4;  // OpenAI's

using domain::ContentBlock;
using domain::Message;
using domain::TextBlock;
using domain::ToolResultBlock;

Result<> WriteUserPart(JsonWriter& out, const ContentBlock& block) {
  if (const auto* text = std::get_if<TextBlock>(&block)) {
    out.BeginObject().Field("type", "text").Field("text", text->text).EndObject();
  } else if (const auto* image = std::get_if<domain::ImageBlock>(&block)) {
    if (image->url.starts_with("gs:")) {
      return Fail(Code::kInvalidArgument, "this provider takes no images by gs: address");
    }
    out.BeginObject().Field("type", "image_url").Key("image_url").BeginObject();
    out.Field("url", image->url.empty() ? EncodeDataUrl(ImageMediaType(image->format), image->bytes)
                                        : image->url);
    out.FieldIfAny("detail", image->detail).EndObject().EndObject();
  } else if (const auto* document = std::get_if<domain::DocumentBlock>(&block)) {
    if (document->cite == true) out.Dropped("citations of documents");
    if (!document->bytes.empty()) {
      out.BeginObject().Field("type", "file").Key("file").BeginObject();
      out.FieldIfAny("filename", document->name);
      out.Field("file_data", EncodeDataUrl(DocumentMediaType(document->format), document->bytes));
      out.EndObject().EndObject();
    } else {
      // The API takes no text files, so the text goes in as text, under its name.
      STRATA_TRY(auto content, DocumentText(*document));
      out.BeginObject().Field("type", "text");
      out.Field("text", fmt::format("Document: {}\n\n{}", document->name, content)).EndObject();
    }
  } else if (std::holds_alternative<domain::ToolUseBlock>(block) ||
             std::holds_alternative<domain::ReasoningBlock>(block)) {
    return Fail(Code::kInvalidArgument,
                "a user message holds a block that only an assistant message may hold");
  }
  return {};  // cache points: servers of this dialect cache by themselves
}

Result<> WriteUser(JsonWriter& out, const Message& message,
                   const std::vector<const ContentBlock*>& blocks) {
  out.BeginObject().Field("role", "user").FieldIfAny("name", message.name).Key("content");
  const auto* only = blocks.size() == 1 ? std::get_if<TextBlock>(blocks.front()) : nullptr;
  if (only != nullptr) {
    out.Value(only->text);
  } else {
    out.BeginArray();
    for (const auto* block : blocks) STRATA_CHECK_OK(WriteUserPart(out, *block));
    out.EndArray();
  }
  out.EndObject();
  return {};
}

// The dialect has images only in user messages, so those of results stand in the one behind them.
constexpr std::string_view kImageFollows = "[image: see the next message]";

Result<std::string> ToolResultText(const ToolResultBlock& result) {
  std::string text;
  for (const auto& piece : result.content) {
    if (!text.empty()) text += '\n';
    if (const auto* block = std::get_if<TextBlock>(&piece)) {
      text += block->text;
    } else if (const auto* json = std::get_if<JsonText>(&piece)) {
      text += json->text;
    } else if (const auto* document = std::get_if<domain::DocumentBlock>(&piece)) {
      STRATA_TRY(auto content, DocumentText(*document));
      text += content;
    } else {
      text += kImageFollows;
    }
  }
  // The dialect has no flag for it.
  if (result.is_error && !text.starts_with("Error")) text.insert(0, "Error: ");
  return text;
}

Result<> WriteToolResult(JsonWriter& out, const ToolResultBlock& result) {
  STRATA_TRY(auto text, ToolResultText(result));
  out.BeginObject().Field("role", "tool").Field("tool_call_id", result.tool_use_id);
  out.Field("content", text).EndObject();
  return {};
}

// Tool results become messages of their own, before the rest: the API demands that they follow the
// calls directly.
Result<> WriteUserTurn(JsonWriter& out, const Message& message) {
  std::vector<const ContentBlock*> rest;
  std::vector<ContentBlock> images;
  for (const auto& block : message.content) {
    if (const auto* result = std::get_if<ToolResultBlock>(&block)) {
      STRATA_CHECK_OK(WriteToolResult(out, *result));
      for (const auto& piece : result->content) {
        const auto* image = std::get_if<domain::ImageBlock>(&piece);
        if (image != nullptr) images.emplace_back(*image);
      }
    } else if (!std::holds_alternative<domain::CachePoint>(block)) {
      rest.push_back(&block);
    }
  }
  for (auto at = images.rbegin(); at != images.rend(); ++at) rest.insert(rest.begin(), &*at);
  if (rest.empty()) return {};
  return WriteUser(out, message, rest);
}

void WriteSystem(JsonWriter& out, const std::vector<ContentBlock>& system) {
  std::vector<const TextBlock*> texts;
  for (const auto& block : system) {
    if (const auto* text = std::get_if<TextBlock>(&block)) texts.push_back(text);
  }
  if (texts.empty()) return;
  out.BeginObject().Field("role", "system").Key("content");
  if (texts.size() == 1) {
    out.Value(texts.front()->text);
  } else {
    out.BeginArray();
    for (const auto* text : texts) {
      out.BeginObject().Field("type", "text").Field("text", text->text).EndObject();
    }
    out.EndArray();
  }
  out.EndObject();
}

void WriteTools(JsonWriter& out, const domain::ChatRequest& request) {
  if (!request.tools.empty()) {
    out.Key("tools").BeginArray();
    for (const auto& tool : request.tools) {
      out.BeginObject().Field("type", "function").Key("function").BeginObject();
      out.Field("name", tool.name).FieldIfAny("description", tool.description);
      if (!tool.input_schema.text.empty()) out.RawField("parameters", tool.input_schema.text);
      const bool strict = tool.strict && FitsStrict(tool.input_schema.text);
      if (strict != tool.strict) out.Dropped("strict, as the schema leaves something open");
      if (strict) out.Field("strict", true);
      out.EndObject().EndObject();
    }
    out.EndArray();
  }
  if (!request.tool_choice) return;
  using Kind = domain::ToolChoice::Kind;
  out.Key("tool_choice");
  switch (request.tool_choice->kind) {
    case Kind::kAuto:
      out.Value("auto");
      break;
    case Kind::kAny:
      out.Value("required");
      break;
    case Kind::kNone:
      out.Value("none");
      break;
    case Kind::kNamed:
      out.BeginObject().Field("type", "function").Key("function").BeginObject();
      out.Field("name", request.tool_choice->name).EndObject().EndObject();
      break;
  }
  if (!request.tool_choice->parallel) out.Field("parallel_tool_calls", false);
}

// Reasoning is played back only to servers that made it: OpenAI's own models take none, and what
// is signed is for others.
Result<> WriteAssistant(JsonWriter& out, const Message& message, const EncodeOptions& options) {
  std::vector<ContentBlock> content;
  for (const auto& block : message.content) {
    const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block);
    if (reasoning != nullptr && (options.own_models || !reasoning->signer.empty())) {
      out.Dropped(reasoning->signer.empty() ? std::string("reasoning") : WhyLeftOut(*reasoning));
    } else if (!std::holds_alternative<domain::CachePoint>(block)) {
      content.push_back(block);
    }
  }
  if (content.empty()) return {};  // the API refuses a message without content
  out.BeginObject();
  STRATA_CHECK_OK(WriteAssistantMembers(out, content, MessageUse::kPlayBack));
  out.FieldIfAny("name", message.name).EndObject();
  return {};
}

void WriteResponseFormat(JsonWriter& out, const domain::JsonOutput& output) {
  out.Key("response_format").BeginObject();
  if (output.schema.text.empty()) {
    out.Field("type", "json_object").EndObject();
    return;
  }
  out.Field("type", "json_schema").Key("json_schema").BeginObject();
  out.Field("name", output.name.empty() ? "answer" : output.name);
  out.FieldIfAny("description", output.description).RawField("schema", output.schema.text);
  // Strict mode refuses schemas that leave anything open; other families have no such rule.
  const bool strict = output.strict && FitsStrict(output.schema.text);
  if (strict != output.strict) out.Dropped("strict, as the schema leaves something open");
  out.Field("strict", strict).EndObject().EndObject();
}

// Anthropic's guide pairs small, medium and large budgets with the words; the borders are ours.
std::string EffortOf(const domain::ReasoningConfig& reasoning) {
  if (!reasoning.effort.empty()) return reasoning.effort;
  if (!reasoning.enabled) return {};
  if (reasoning.budget_tokens == 0) return "medium";
  if (reasoning.budget_tokens <= 2048) return "low";
  return reasoning.budget_tokens <= 8192 ? "medium" : "high";
}

void WriteSampling(JsonWriter& out, const domain::ChatRequest& request,
                   const EncodeOptions& options) {
  if (request.json_output) WriteResponseFormat(out, *request.json_output);
  if (request.max_tokens) {
    out.Field(options.own_models ? "max_completion_tokens" : "max_tokens", *request.max_tokens);
  }
  if (request.temperature) out.Field("temperature", *request.temperature);
  if (request.top_p) out.Field("top_p", *request.top_p);
  if (request.top_k) out.Field("top_k", *request.top_k);
  if (request.seed) out.Field("seed", *request.seed);
  if (!request.stop.empty()) {
    out.Key("stop").BeginArray();
    for (const auto& stop : request.stop) out.Value(stop);
    out.EndArray();
  }
  if (request.logprobs) {
    out.Field("logprobs", true);
    if (request.top_logprobs > 0) out.Field("top_logprobs", request.top_logprobs);
  }
  if (request.reasoning) out.FieldIfAny("reasoning_effort", EffortOf(*request.reasoning));
}

void WriteCallerMembers(JsonWriter& out, const domain::ChatRequest& request,
                        const EncodeOptions& options) {
  out.FieldIfAny("user", request.user).FieldIfAny("service_tier", request.service_tier);
  if (!request.metadata.empty()) {
    out.Key("metadata").BeginObject();
    for (const auto& [key, value] : request.metadata) out.Field(key, value);
    out.EndObject();
  }
  if (options.stream) {
    out.Field("stream", true).Key("stream_options").BeginObject();
    out.Field("include_usage", true).EndObject();
  }
}

}  // namespace

Result<std::string> EncodeChatRequest(const domain::ChatRequest& request,
                                      const EncodeOptions& options) {
  if (options.own_models && request.stop.size() > kOwnStopMax) {
    return Fail(InvalidArgument(
        "stop", FormatMessage("this provider takes at most {} stop sequences", kOwnStopMax)));
  }
  JsonWriter out(options.notes);
  out.BeginObject();
  if (options.name_model) out.Field("model", request.model);
  out.Key("messages").BeginArray();
  WriteSystem(out, request.system);
  for (const auto& message : request.messages) {
    if (message.role == domain::Role::kUser) {
      STRATA_CHECK_OK(WriteUserTurn(out, message));
    } else {
      STRATA_CHECK_OK(WriteAssistant(out, message, options));
    }
  }
  out.EndArray();
  WriteTools(out, request);
  WriteSampling(out, request, options);
  WriteCallerMembers(out, request, options);
  STRATA_CHECK_OK(WriteExtra(out, request, "openai",
                             {"model",
                              "messages",
                              "tools",
                              "tool_choice",
                              "parallel_tool_calls",
                              "response_format",
                              "max_tokens",
                              "max_completion_tokens",
                              "temperature",
                              "top_p",
                              "top_k",
                              "seed",
                              "stop",
                              "logprobs",
                              "top_logprobs",
                              "reasoning_effort",
                              "user",
                              "service_tier",
                              "metadata",
                              "stream",
                              "stream_options"}));
  return out.EndObject().Take();
}

}  // namespace strata::dialect::openai
