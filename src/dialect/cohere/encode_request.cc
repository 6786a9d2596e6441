// Domain → Cohere chat request.

#include <fmt/format.h>

#include "base/format_message.h"
#include "dialect/cohere.h"
#include "dialect/json/extra.h"
#include "dialect/json/media.h"

namespace strata::dialect::cohere {
namespace {

using domain::ContentBlock;
using domain::TextBlock;

constexpr std::size_t kStopsMax = 5;  // the API's

Result<std::string> ToolResultText(const domain::ToolResultBlock& result) {
  std::string text = result.is_error ? "Error: " : "";
  for (const auto& piece : result.content) {
    if (const auto* block = std::get_if<TextBlock>(&piece)) {
      text += block->text;
    } else if (const auto* json = std::get_if<JsonText>(&piece)) {
      text += json->text;
    } else if (const auto* document = std::get_if<domain::DocumentBlock>(&piece)) {
      STRATA_TRY(auto content, DocumentText(*document));
      text += content;
    } else {
      return Fail(Code::kInvalidArgument,
                  "a tool result holds an image, which this provider takes only in user messages");
    }
    text += '\n';
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

void WriteParts(JsonWriter& out, const std::vector<const ContentBlock*>& blocks) {
  const auto* only = blocks.size() == 1 ? std::get_if<TextBlock>(blocks.front()) : nullptr;
  if (only != nullptr) {
    out.Value(only->text);
    return;
  }
  out.BeginArray();
  for (const auto* block : blocks) {
    if (const auto* text = std::get_if<TextBlock>(block)) {
      out.BeginObject().Field("type", "text").Field("text", text->text).EndObject();
    } else if (const auto* image = std::get_if<domain::ImageBlock>(block)) {
      out.BeginObject().Field("type", "image_url").Key("image_url").BeginObject();
      out.Field("url", image->url.empty()
                           ? EncodeDataUrl(ImageMediaType(image->format), image->bytes)
                           : image->url);
      out.FieldIfAny("detail", image->detail).EndObject().EndObject();
    }
  }
  out.EndArray();
}

// Results of tools first, each a message of its own; documents have their place at the top level.
Result<> WriteUser(JsonWriter& out, const domain::Message& message) {
  std::vector<const ContentBlock*> rest;
  for (const auto& block : message.content) {
    if (const auto* result = std::get_if<domain::ToolResultBlock>(&block)) {
      STRATA_TRY(auto text, ToolResultText(*result));
      out.BeginObject().Field("role", "tool").Field("tool_call_id", result->tool_use_id);
      out.Field("content", text).EndObject();
    } else if (std::holds_alternative<TextBlock>(block) ||
               std::holds_alternative<domain::ImageBlock>(block)) {
      rest.push_back(&block);
    }
  }
  if (rest.empty()) return {};
  out.BeginObject().Field("role", "user").Key("content");
  WriteParts(out, rest);
  out.EndObject();
  return {};
}

void WriteCalls(JsonWriter& out, const std::vector<ContentBlock>& content) {
  out.Key("tool_calls").BeginArray();
  for (const auto& block : content) {
    const auto* use = std::get_if<domain::ToolUseBlock>(&block);
    if (use == nullptr) continue;
    out.BeginObject().Field("id", use->id).Field("type", "function").Key("function").BeginObject();
    out.Field("name", use->name);
    out.Field("arguments", use->input.text.empty() ? "{}" : use->input.text);
    out.EndObject().EndObject();
  }
  out.EndArray();
}

// Beside calls, what the assistant said is its plan.
void WriteAssistant(JsonWriter& out, const domain::Message& message) {
  bool calls = false;
  bool thought = false;
  for (const auto& block : message.content) {
    calls = calls || std::holds_alternative<domain::ToolUseBlock>(block);
    const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block);
    thought = thought || (reasoning != nullptr && !reasoning->text.empty());
  }
  const auto text = domain::TextOf(message.content);
  out.BeginObject().Field("role", "assistant");
  if (calls) {
    out.FieldIfAny("tool_plan", text);
    WriteCalls(out, message.content);
  }
  if (thought || (!calls && !text.empty())) {
    out.Key("content").BeginArray();
    for (const auto& block : message.content) {
      const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block);
      if (reasoning == nullptr || reasoning->text.empty()) continue;
      out.BeginObject().Field("type", "thinking").Field("thinking", reasoning->text).EndObject();
    }
    if (!calls && !text.empty()) {
      out.BeginObject().Field("type", "text").Field("text", text).EndObject();
    }
    out.EndArray();
  }
  out.EndObject();
}

Result<> WriteMessages(JsonWriter& out, const domain::ChatRequest& request) {
  out.Key("messages").BeginArray();
  if (auto system = domain::TextOf(request.system); !system.empty()) {
    out.BeginObject().Field("role", "system").Field("content", system).EndObject();
  }
  for (const auto& message : request.messages) {
    if (message.role == domain::Role::kUser) {
      STRATA_CHECK_OK(WriteUser(out, message));
    } else {
      WriteAssistant(out, message);
    }
  }
  out.EndArray();
  return {};
}

// In order, so that a citation's "doc_N" is Citation::document_index.
Result<> WriteDocuments(JsonWriter& out, const domain::ChatRequest& request) {
  int count = 0;
  bool cite = false;
  for (const auto& message : request.messages) {
    for (const auto& block : message.content) {
      const auto* document = std::get_if<domain::DocumentBlock>(&block);
      if (document == nullptr) continue;
      STRATA_TRY(auto text, DocumentText(*document));
      if (count == 0) out.Key("documents").BeginArray();
      out.BeginObject().Field("id", fmt::format("doc_{}", count++)).Key("data").BeginObject();
      out.FieldIfAny("title", document->name).FieldIfAny("url", document->source_uri);
      out.FieldIfAny("context", document->context).Field("text", text);
      out.EndObject().EndObject();
      cite = cite || document->cite == true;
    }
  }
  if (count == 0) return {};
  out.EndArray().Key("citation_options").BeginObject();
  out.Field("mode", cite ? "ENABLED" : "DISABLED").EndObject();
  return {};
}

void WriteTools(JsonWriter& out, const domain::ChatRequest& request) {
  using Kind = domain::ToolChoice::Kind;
  const auto kind = request.tool_choice ? request.tool_choice->kind : Kind::kAuto;
  bool strict = false;
  if (!request.tools.empty()) {
    out.Key("tools").BeginArray();
    for (const auto& tool : request.tools) {
      // The API cannot name one tool: it is offered alone, and required.
      if (kind == Kind::kNamed && tool.name != request.tool_choice->name) continue;
      strict = strict || tool.strict;
      out.BeginObject().Field("type", "function").Key("function").BeginObject();
      out.Field("name", tool.name).FieldIfAny("description", tool.description);
      out.RawField("parameters", tool.input_schema.text.empty() ? R"({"type":"object"})"
                                                                : tool.input_schema.text);
      out.EndObject().EndObject();
    }
    out.EndArray();
  }
  if (strict) out.Field("strict_tools", true);
  if (kind == Kind::kNone) out.Field("tool_choice", "NONE");
  if (kind == Kind::kAny || kind == Kind::kNamed) out.Field("tool_choice", "REQUIRED");
}

// Budgets for effort words: the borders that the openai codec uses the other way round.
std::int64_t BudgetOf(const domain::ReasoningConfig& reasoning) {
  if (reasoning.budget_tokens > 0) return reasoning.budget_tokens;
  if (reasoning.effort == "minimal" || reasoning.effort == "low") return 2048;
  return reasoning.effort == "medium" ? 8192 : 0;
}

void WriteSampling(JsonWriter& out, const domain::ChatRequest& request) {
  if (request.json_output) {
    out.Key("response_format").BeginObject().Field("type", "json_object");
    if (const auto& schema = request.json_output->schema.text; !schema.empty()) {
      out.RawField("json_schema", schema);
    }
    out.EndObject();
  }
  if (request.max_tokens) out.Field("max_tokens", *request.max_tokens);
  if (request.temperature) out.Field("temperature", *request.temperature);
  if (request.top_p) out.Field("p", *request.top_p);
  if (request.top_k) out.Field("k", *request.top_k);
  if (request.seed) out.Field("seed", *request.seed);
  if (request.logprobs) out.Field("logprobs", true);
  if (!request.stop.empty()) {
    out.Key("stop_sequences").BeginArray();
    for (const auto& stop : request.stop) out.Value(stop);
    out.EndArray();
  }
  if (request.reasoning) {
    out.Key("thinking").BeginObject();
    out.Field("type", request.reasoning->enabled ? "enabled" : "disabled");
    const auto budget = request.reasoning->enabled ? BudgetOf(*request.reasoning) : 0;
    if (budget > 0) out.Field("token_budget", budget);
    out.EndObject();
  }
}

}  // namespace

Result<std::string> EncodeChatRequest(const domain::ChatRequest& request) {
  if (request.top_logprobs > 0) {
    return Fail(InvalidArgument("top_logprobs",
                                "the provider that was chosen gives no alternatives; leave it out "
                                "or name another model"));
  }
  if (request.stop.size() > kStopsMax) {
    return Fail(InvalidArgument(
        "stop", FormatMessage("this provider takes at most {} stop sequences", kStopsMax)));
  }
  JsonWriter out;
  out.BeginObject().Field("model", request.model).Field("stream", request.stream);
  STRATA_CHECK_OK(WriteMessages(out, request));
  STRATA_CHECK_OK(WriteDocuments(out, request));
  WriteTools(out, request);
  WriteSampling(out, request);
  STRATA_CHECK_OK(WriteExtra(out, request, "cohere", {}));
  return out.EndObject().Take();
}

}  // namespace strata::dialect::cohere
