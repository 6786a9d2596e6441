// The Cohere API, version 2: chat and its stream, embed, rerank; https://docs.cohere.com/reference

#include <fmt/format.h>

#include <boost/json.hpp>
#include <set>

#include "tests/fakes/strata_fake_provider/vendor.h"

namespace strata::fakes::cohere {
namespace {

namespace json = boost::json;

const std::set<std::string_view> kChatMembers = {"model",
                                                 "messages",
                                                 "tools",
                                                 "strict_tools",
                                                 "documents",
                                                 "stream",
                                                 "safety_mode",
                                                 "max_tokens",
                                                 "stop_sequences",
                                                 "temperature",
                                                 "seed",
                                                 "k",
                                                 "p",
                                                 "frequency_penalty",
                                                 "presence_penalty",
                                                 "response_format",
                                                 "logprobs",
                                                 "tool_choice",
                                                 "thinking",
                                                 "citation_options",
                                                 "priority",
                                                 "raw_prompting"};
const std::set<std::string_view> kEmbedMembers = {
    "model",      "texts",           "images",           "inputs",   "input_type",
    "max_tokens", "embedding_types", "output_dimension", "truncate", "priority"};
const std::set<std::string_view> kRerankMembers = {
    "model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"};
constexpr std::size_t kStopsMax = 5;
constexpr std::size_t kTextsMax = 96;
constexpr std::size_t kDocumentsMax = 10'000;

Refusal Bad(std::string message) { return {400, "", std::move(message), "", ""}; }

Checked CheckKey(const Exchange& exchange) {
  if (exchange.request.headers.Get("Authorization") == "Bearer " + exchange.keys.cohere) {
    return std::nullopt;
  }
  return Refusal{401, "", "invalid api token", "", ""};
}

Checked CheckMembers(const json::object& body, const std::set<std::string_view>& known) {
  for (const auto& member : body) {
    if (!known.contains(member.key())) {
      return Bad(
          fmt::format("invalid request: unknown field '{}'", std::string_view(member.key())));
    }
  }
  if (!IsString(body, "model")) return Bad("invalid request: model is required");
  return std::nullopt;
}

Checked CheckRange(const json::object& body, const char* key, double least, double most) {
  const auto* value = Member(body, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || value->to_number<double>() < least ||
      value->to_number<double>() > most) {
    return Bad(fmt::format("invalid request: {} must be between {} and {}", key, least, most));
  }
  return std::nullopt;
}

// Text and images in lists; other kinds of parts belong to other roles.
Checked CheckParts(const json::value& content, std::string_view role) {
  if (content.is_string()) return std::nullopt;
  if (!content.is_array() || content.get_array().empty()) {
    return Bad(fmt::format("invalid request: content of a {} message is empty", role));
  }
  for (const auto& item : content.get_array()) {
    const auto* part = item.if_object();
    std::string type = part != nullptr && IsString(*part, "type")
                           ? std::string(part->at("type").get_string())
                           : std::string();
    const bool fits = (type == "text" && IsString(*part, "text")) ||
                      (type == "thinking" && role == "assistant" && IsString(*part, "thinking")) ||
                      (type == "image_url" && role == "user" && part->contains("image_url")) ||
                      (type == "document" && role == "tool" && part->contains("document"));
    if (!fits) return Bad(fmt::format("invalid request: '{}' in a {} message", type, role));
  }
  return std::nullopt;
}

Checked CheckMessage(const json::object& message, std::set<std::string>& calls) {
  if (!IsString(message, "role")) return Bad("invalid request: a message needs a role");
  const std::string role(message.at("role").get_string());
  const auto* content = Member(message, "content");
  if (role == "assistant") {
    const auto* list = FilledArray(message, "tool_calls");
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const auto* call = (*list)[i].if_object();
      if (call == nullptr || !IsString(*call, "id") || !call->contains("function")) {
        return Bad("invalid request: a tool call needs id and function");
      }
      calls.emplace(call->at("id").get_string());
    }
    if (list != nullptr && content == nullptr) return std::nullopt;
    if (message.contains("tool_plan") && list == nullptr) {
      return Bad("invalid request: tool_plan without tool_calls");
    }
  } else if (role == "tool") {
    if (!IsString(message, "tool_call_id") ||
        !calls.contains(std::string(message.at("tool_call_id").get_string()))) {
      return Bad("invalid request: a tool message must answer a preceding tool call");
    }
  } else if (role != "user" && role != "system") {
    return Bad(fmt::format("invalid request: unknown role '{}'", role));
  }
  if (content == nullptr) return Bad(fmt::format("invalid request: a {} message is empty", role));
  return CheckParts(*content, role);
}

Checked CheckTools(const json::object& body) {
  const auto* tools = Member(body, "tools");
  if (const auto* choice = Member(body, "tool_choice"); choice != nullptr) {
    if (*choice != json::value("REQUIRED") && *choice != json::value("NONE")) {
      return Bad("invalid request: tool_choice must be REQUIRED or NONE");
    }
    if (tools == nullptr) return Bad("invalid request: tool_choice needs tools");
  }
  if (tools == nullptr) return std::nullopt;
  const auto* list = FilledArray(body, "tools");
  if (list == nullptr) return Bad("invalid request: tools is empty");
  for (const auto& item : *list) {
    const auto* tool = item.if_object();
    const auto* function = tool == nullptr ? nullptr : Member(*tool, "function");
    if (function == nullptr || !function->is_object() ||
        !IsString(function->get_object(), "name") ||
        !function->get_object().contains("parameters")) {
      return Bad("invalid request: a tool needs function.name and function.parameters");
    }
  }
  return std::nullopt;
}

Checked CheckDocuments(const json::object& body) {
  const auto* documents = Member(body, "documents");
  if (documents == nullptr) return std::nullopt;
  const auto* list = documents->if_array();
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* document = (*list)[i].if_object();
    const auto* data = document == nullptr ? nullptr : Member(*document, "data");
    if (!(*list)[i].is_string() && (data == nullptr || !data->is_object())) {
      return Bad("invalid request: a document is a string, or an object with data");
    }
  }
  return list == nullptr ? Checked(Bad("invalid request: documents must be a list")) : std::nullopt;
}

Checked CheckFormat(const json::object& body) {
  const auto* format = Member(body, "response_format");
  if (format == nullptr) return std::nullopt;
  const auto* object = format->if_object();
  if (object == nullptr || !IsString(*object, "type")) {
    return Bad("invalid request: response_format needs a type");
  }
  if (body.contains("tools") || body.contains("documents")) {
    return Bad("invalid request: response_format goes with neither tools nor documents");
  }
  return std::nullopt;
}

Checked CheckChat(const json::object& body) {
  if (auto refusal = CheckMembers(body, kChatMembers)) return refusal;
  const auto* messages = FilledArray(body, "messages");
  if (messages == nullptr) return Bad("invalid request: messages must not be empty");
  std::set<std::string> calls;
  for (const auto& item : *messages) {
    const auto* message = item.if_object();
    if (message == nullptr) return Bad("invalid request: a message must be an object");
    if (auto refusal = CheckMessage(*message, calls)) return refusal;
  }
  if (const auto* stops = FilledArray(body, "stop_sequences");
      stops != nullptr && stops->size() > kStopsMax) {
    return Bad("invalid request: at most 5 stop_sequences");
  }
  struct Range {
    const char* key;
    double least, most;
  };
  for (const auto& range : {Range{"p", 0.01, 0.99}, Range{"k", 0, 500}, Range{"max_tokens", 1, 1e9},
                            Range{"temperature", 0, 1e9}}) {
    if (auto refusal = CheckRange(body, range.key, range.least, range.most)) return refusal;
  }
  if (auto refusal = CheckTools(body)) return refusal;
  if (auto refusal = CheckDocuments(body)) return refusal;
  return CheckFormat(body);
}

Checked CheckEmbed(const json::object& body) {
  if (auto refusal = CheckMembers(body, kEmbedMembers)) return refusal;
  if (!IsString(body, "input_type")) return Bad("invalid request: input_type is required");
  const auto* texts = FilledArray(body, "texts");
  if (texts == nullptr || texts->size() > kTextsMax) {
    return Bad("invalid request: expected 1 to 96 texts");
  }
  return std::nullopt;
}

Checked CheckRerank(const json::object& body) {
  if (auto refusal = CheckMembers(body, kRerankMembers)) return refusal;
  if (!IsString(body, "query")) return Bad("invalid request: query is required");
  const auto* documents = FilledArray(body, "documents");
  if (documents == nullptr || documents->size() > kDocumentsMax) {
    return Bad("invalid request: expected 1 to 10000 documents");
  }
  for (const auto& document : *documents) {
    if (!document.is_string()) return Bad("invalid request: documents must be strings");
  }
  return CheckRange(body, "top_n", 1, 1e9);
}

std::string FinishReason(const FakeAnswer& answer) {
  const auto stop = StopOf(answer);
  if (stop == "tool_use") return "TOOL_CALL";
  if (stop == "max_tokens") return "MAX_TOKENS";
  if (stop == "stop_sequence") return "STOP_SEQUENCE";
  if (stop == "content_filter") return "ERROR_TOXIC";
  return "COMPLETE";
}

json::object Usage(const FakeUsage& usage) {
  // The API writes counts as numbers with a point.
  const auto input = static_cast<double>(usage.input + usage.cache_read + usage.cache_write);
  const auto output = static_cast<double>(usage.output);
  return {{"billed_units", {{"input_tokens", input}, {"output_tokens", output}}},
          {"tokens", {{"input_tokens", input + 60}, {"output_tokens", output}}},
          {"cached_tokens", static_cast<double>(usage.cache_read)}};
}

std::string TextOf(const FakeAnswer& answer) {
  std::string text;
  for (const auto& chunk : answer.chunks) text += chunk;
  return text;
}

// Offsets count code points; scripted texts that are cited are ASCII.
json::object Citation(const FakeAnswer& answer) {
  const auto text = TextOf(answer);
  return {{"start", 0},
          {"end", text.size()},
          {"text", text},
          {"sources",
           json::array{{{"type", "document"},
                        {"id", answer.citation_uri},
                        {"document",
                         {{"title", answer.citation_title}, {"text", answer.citation_quote}}}}}},
          {"type", "TEXT_CONTENT"}};
}

json::object Call(const FakeToolCall& call, const std::string& arguments) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", arguments}}}};
}

Reply WholeChat(const Exchange& exchange, const FakeAnswer& answer) {
  json::object message = {{"role", "assistant"}};
  json::array content;
  const auto text = TextOf(answer);
  if (!answer.reasoning.empty()) {
    content.push_back({{"type", "thinking"}, {"thinking", answer.reasoning}});
  }
  if (!text.empty() && answer.tool_calls.empty()) {
    content.push_back({{"type", "text"}, {"text", text}});
  }
  if (!content.empty()) message["content"] = std::move(content);
  if (!answer.tool_calls.empty()) {
    if (!text.empty()) message["tool_plan"] = text;
    json::array calls;
    for (const auto& call : answer.tool_calls) calls.push_back(Call(call, call.input));
    message["tool_calls"] = std::move(calls);
  }
  if (!answer.citation_uri.empty()) message["citations"] = json::array{Citation(answer)};
  json::object body = {
      {"id", "fake"}, {"finish_reason", FinishReason(answer)}, {"message", std::move(message)}};
  if (!answer.no_usage) body["usage"] = Usage(UsageOf(answer, exchange));
  return JsonReply(200, body);
}

class EventWriter {
 public:
  explicit EventWriter(Reply& reply) : reply_(reply) {}

  void Event(const std::string& type, json::object members) {
    members["type"] = type;
    reply_.frames.push_back(fmt::format("event: {}\ndata: {}\n\n", type, json::serialize(members)));
  }
  void Message(const std::string& type, json::object message, int index = -1) {
    json::object members = {{"delta", {{"message", std::move(message)}}}};
    if (index >= 0) members["index"] = index;
    Event(type, std::move(members));
  }

 private:
  Reply& reply_;
};

void StreamContent(const FakeAnswer& answer, EventWriter& out) {
  int index = 0;
  if (!answer.reasoning.empty()) {
    out.Message("content-start", {{"content", {{"type", "thinking"}, {"thinking", ""}}}}, index);
    out.Message("content-delta", {{"content", {{"thinking", answer.reasoning}}}}, index);
    out.Event("content-end", {{"index", index++}});
  }
  if (answer.chunks.empty() || !answer.tool_calls.empty()) return;
  out.Message("content-start", {{"content", {{"type", "text"}, {"text", ""}}}}, index);
  for (const auto& chunk : answer.chunks) {
    out.Message("content-delta", {{"content", {{"text", chunk}}}}, index);
  }
  if (!answer.citation_uri.empty()) {
    out.Message("citation-start", {{"citations", Citation(answer)}}, 0);
    out.Event("citation-end", {{"index", 0}});
  }
  out.Event("content-end", {{"index", index}});
}

void StreamCalls(const FakeAnswer& answer, EventWriter& out) {
  if (answer.tool_calls.empty()) return;
  for (const auto& chunk : answer.chunks) out.Message("tool-plan-delta", {{"tool_plan", chunk}});
  int index = 0;
  for (const auto& call : answer.tool_calls) {
    out.Message("tool-call-start", {{"tool_calls", Call(call, "")}}, index);
    // Arguments come in pieces that are no JSON of their own.
    const auto half = call.input.size() / 2;
    for (const auto& part : {call.input.substr(0, half), call.input.substr(half)}) {
      out.Message("tool-call-delta", {{"tool_calls", {{"function", {{"arguments", part}}}}}},
                  index);
    }
    out.Event("tool-call-end", {{"index", index++}});
  }
}

Reply StreamChat(const Exchange& exchange, const FakeAnswer& answer) {
  Reply reply;
  reply.streamed = true;
  reply.headers.Add("Content-Type", "text/event-stream");
  EventWriter out(reply);
  out.Event("message-start", {{"id", "fake"},
                              {"delta",
                               {{"message",
                                 {{"role", "assistant"},
                                  {"content", json::array()},
                                  {"tool_plan", ""},
                                  {"tool_calls", json::array()},
                                  {"citations", json::array()}}}}}});
  StreamContent(answer, out);
  StreamCalls(answer, out);
  json::object delta = {
      {"finish_reason", answer.stream_error.empty() ? FinishReason(answer) : "ERROR"}};
  if (!answer.no_usage) delta["usage"] = Usage(UsageOf(answer, exchange));
  out.Event("message-end", {{"id", "fake"}, {"delta", std::move(delta)}});
  return reply;
}

Reply EmbedReply(const json::object& body) {
  int dimensions = 8;
  if (const auto* asked = Member(body, "output_dimension"); asked != nullptr && asked->is_int64()) {
    dimensions = static_cast<int>(asked->get_int64());
  }
  json::array rows;
  double tokens = 0;
  for (const auto& text : body.at("texts").get_array()) {
    const std::string value(text.get_string());
    tokens += static_cast<double>((value.size() + 3) / 4);
    rows.push_back(json::value_from(FakeVector(value, dimensions)));
  }
  return JsonReply(
      200, {{"id", "fake"},
            {"embeddings", {{"float", std::move(rows)}}},
            {"texts", body.at("texts")},
            {"meta",
             {{"api_version", {{"version", "2"}}}, {"billed_units", {{"input_tokens", tokens}}}}}});
}

Reply RerankReply(const json::object& body) {
  return JsonReply(
      200,
      {{"id", "fake"},
       {"results", FakeRanking(body)},
       {"meta", {{"api_version", {{"version", "2"}}}, {"billed_units", {{"search_units", 1}}}}}});
}

}  // namespace

bool Serves(std::string_view path) {
  return path == "/v2/chat" || path == "/v2/embed" || path == "/v2/rerank";
}

Checked Check(const Exchange& exchange) {
  if (auto refusal = CheckKey(exchange)) return refusal;
  const auto path = exchange.request.path();
  if (!exchange.body_is_json) return Bad("invalid request: the body is no JSON object");
  if (path == "/v2/embed") return CheckEmbed(exchange.body);
  return path == "/v2/rerank" ? CheckRerank(exchange.body) : CheckChat(exchange.body);
}

Reply Answer(const Exchange& exchange, const FakeAnswer& answer) {
  const auto path = exchange.request.path();
  if (path == "/v2/embed") return EmbedReply(exchange.body);
  if (path == "/v2/rerank") return RerankReply(exchange.body);
  const auto* stream = Member(exchange.body, "stream");
  const bool streams = stream != nullptr && stream->is_bool() && stream->get_bool();
  return streams ? StreamChat(exchange, answer) : WholeChat(exchange, answer);
}

Reply Refuse(const Refusal& refusal) {
  return JsonReply(refusal.status, {{"id", "fake"}, {"message", refusal.message}});
}

}  // namespace strata::fakes::cohere
