// The Anthropic API: https://docs.anthropic.com/en/api

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "tests/fakes/strata_fake_provider/vendor.h"

namespace strata::fakes::anthropic {
namespace {

namespace json = boost::json;

const std::set<std::string_view> kMembers = {
    "model",          "messages",  "max_tokens",  "system",       "stream",
    "temperature",    "top_p",     "top_k",       "tools",        "tool_choice",
    "stop_sequences", "metadata",  "thinking",    "service_tier", "output_config",
    "output_format",  "container", "mcp_servers", "cache_control"};

Refusal Bad(std::string message) {
  return {400, "invalid_request_error", std::move(message), "", ""};
}

bool IsCount(std::string_view path) {
  return path.ends_with("/count_tokens") || path.ends_with("/count-tokens:rawPredict");
}

Checked CheckBlock(const json::object& block, std::string_view place,
                   std::set<std::string>& tool_ids) {
  if (!IsString(block, "type")) return Bad(fmt::format("{}.type: Field required", place));
  std::string type(block.at("type").get_string());
  if (type == "text" && !IsString(block, "text")) {
    return Bad(fmt::format("{}: text content blocks must be non-empty", place));
  }
  if (type == "tool_use") {
    if (!IsString(block, "id") || !IsString(block, "name") || !block.contains("input")) {
      return Bad(fmt::format("{}.tool_use: Field required", place));
    }
    tool_ids.emplace(block.at("id").get_string());
  }
  if (type == "tool_result") {
    if (!IsString(block, "tool_use_id") ||
        !tool_ids.contains(std::string(block.at("tool_use_id").get_string()))) {
      return Bad(fmt::format("{}: unexpected `tool_use_id` found in `tool_result` blocks", place));
    }
  }
  return std::nullopt;
}

Checked CheckMessages(const json::array& messages) {
  std::set<std::string> tool_ids;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto* message = messages[i].if_object();
    auto place = fmt::format("messages.{}", i);
    if (message == nullptr || !IsString(*message, "role")) {
      return Bad(place + ".role: Field required");
    }
    const auto& role = message->at("role").get_string();
    if (role != "user" && role != "assistant") {
      return Bad(fmt::format("{}: Input should be 'user' or 'assistant'", place));
    }
    const auto* content = Member(*message, "content");
    if (content == nullptr) return Bad(place + ".content: Field required");
    if (content->is_string()) continue;
    if (!content->is_array()) return Bad(place + ".content: Input should be a valid list");
    for (const auto& block : content->get_array()) {
      if (!block.is_object()) return Bad(place + ".content: Input should be a valid dictionary");
      if (auto refusal = CheckBlock(block.get_object(), place + ".content", tool_ids)) {
        return refusal;
      }
    }
  }
  if (messages.front().get_object().at("role") != json::value("user")) {
    return Bad("messages: first message must use the \"user\" role");
  }
  return std::nullopt;
}

Checked CheckTools(const json::object& body) {
  const auto* tools = Member(body, "tools");
  if (tools == nullptr) return std::nullopt;
  if (!tools->is_array()) return Bad("tools: Input should be a valid list");
  for (const auto& item : tools->get_array()) {
    const auto* tool = item.if_object();
    if (tool == nullptr || !IsString(*tool, "name") || !tool->contains("input_schema")) {
      return Bad("tools.0.custom.input_schema: Field required");
    }
  }
  return std::nullopt;
}

// Version 2026-10-21 takes no sampling parameters; the SDKs that speak it send a bearer key.
constexpr std::string_view kVersions[] = {"2023-06-01", "2026-10-21"};

Checked CheckHeaders(const Exchange& exchange) {
  const auto& headers = exchange.request.headers;
  bool bearer = headers.Get("Authorization") == "Bearer " + exchange.keys.anthropic;
  if (headers.Get("x-api-key") != exchange.keys.anthropic && !bearer) {
    return Refusal{401, "authentication_error", "invalid x-api-key", "", ""};
  }
  auto version = headers.Get("anthropic-version");
  if (std::ranges::find(kVersions, version) == std::end(kVersions)) {
    return Bad("anthropic-version: header is required");
  }
  if (version == kVersions[0]) return std::nullopt;
  for (const char* key : {"temperature", "top_p", "top_k"}) {
    if (exchange.body.contains(key)) return Bad(fmt::format("{}: not supported", key));
  }
  return std::nullopt;
}

std::string StopReason(const FakeAnswer& answer) {
  std::string stop = StopOf(answer);
  return stop == "content_filter" ? "refusal" : stop;
}

json::object Usage(const FakeUsage& usage) {
  return {{"input_tokens", usage.input},
          {"cache_creation_input_tokens", usage.cache_write},
          {"cache_read_input_tokens", usage.cache_read},
          {"output_tokens", usage.output}};
}

// Vertex AI has the model in the path.
json::value ModelOf(const Exchange& exchange) {
  const auto* model = Member(exchange.body, "model");
  return model == nullptr ? json::value("claude") : *model;
}

json::object Citation(const FakeAnswer& answer) {
  return {{"type", "search_result_location"},
          {"cited_text", answer.citation_quote},
          {"source", answer.citation_uri},
          {"title", answer.citation_title},
          {"search_result_index", 0},
          {"start_block_index", 0},
          {"end_block_index", 1}};
}

json::value StopSequence(const FakeAnswer& answer) {
  if (answer.stop_sequence.empty()) return nullptr;
  return json::value(answer.stop_sequence);
}

Reply Whole(const Exchange& exchange, const FakeAnswer& answer) {
  json::array content;
  if (!answer.reasoning.empty()) {
    content.push_back(
        {{"type", "thinking"}, {"thinking", answer.reasoning}, {"signature", "fake-signature"}});
  }
  std::string text;
  for (const auto& chunk : answer.chunks) text += chunk;
  if (!text.empty()) {
    json::object block = {{"type", "text"}, {"text", text}};
    if (!answer.citation_uri.empty()) block["citations"] = json::array{Citation(answer)};
    content.push_back(std::move(block));
  }
  for (const auto& call : answer.tool_calls) {
    content.push_back({{"type", "tool_use"},
                       {"id", call.id},
                       {"name", call.name},
                       {"input", json::parse(call.input)}});
  }
  return JsonReply(200, {{"id", "msg_fake"},
                         {"type", "message"},
                         {"role", "assistant"},
                         {"model", ModelOf(exchange)},
                         {"content", std::move(content)},
                         {"stop_reason", StopReason(answer)},
                         {"stop_sequence", StopSequence(answer)},
                         {"usage", Usage(UsageOf(answer, exchange))}});
}

class EventWriter {
 public:
  explicit EventWriter(Reply& reply) : reply_(reply) {}

  void Event(std::string_view type, json::object data) {
    data["type"] = type;
    reply_.frames.push_back(fmt::format("event: {}\ndata: {}\n\n", type, json::serialize(data)));
  }
  void Start(json::object block) {
    Event("content_block_start", {{"index", index_}, {"content_block", std::move(block)}});
  }
  void Delta(json::object delta) {
    Event("content_block_delta", {{"index", index_}, {"delta", std::move(delta)}});
  }
  void Stop() { Event("content_block_stop", {{"index", index_++}}); }

 private:
  Reply& reply_;
  int index_ = 0;
};

void StreamBlocks(const FakeAnswer& answer, EventWriter& out) {
  if (!answer.reasoning.empty()) {
    out.Start({{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
    out.Delta({{"type", "thinking_delta"}, {"thinking", answer.reasoning}});
    out.Delta({{"type", "signature_delta"}, {"signature", "fake-signature"}});
    out.Stop();
  }
  if (!answer.chunks.empty()) {
    out.Start({{"type", "text"}, {"text", ""}});
    out.Event("ping", {});
    for (const auto& chunk : answer.chunks) {
      out.Delta({{"type", "text_delta"}, {"text", chunk}});
    }
    if (!answer.citation_uri.empty()) {
      out.Delta({{"type", "citations_delta"}, {"citation", Citation(answer)}});
    }
    if (answer.stream_error.empty()) out.Stop();
  }
}

Reply Stream(const Exchange& exchange, const FakeAnswer& answer) {
  Reply reply;
  reply.streamed = true;
  reply.headers.Add("Content-Type", "text/event-stream; charset=utf-8");
  EventWriter out(reply);
  auto usage = UsageOf(answer, exchange);
  auto at_start = Usage(usage);
  at_start["output_tokens"] = 1;
  out.Event("message_start", {{"message",
                               {{"id", "msg_fake"},
                                {"type", "message"},
                                {"role", "assistant"},
                                {"model", ModelOf(exchange)},
                                {"content", json::array()},
                                {"stop_reason", nullptr},
                                {"stop_sequence", nullptr},
                                {"usage", std::move(at_start)}}}});
  StreamBlocks(answer, out);
  if (!answer.stream_error.empty()) {
    out.Event("error",
              {{"error", {{"type", answer.stream_error}, {"message", answer.error_message}}}});
    return reply;
  }
  for (const auto& call : answer.tool_calls) {
    out.Start(
        {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", json::object()}});
    auto half = call.input.size() / 2;
    for (const auto& part : {call.input.substr(0, half), call.input.substr(half)}) {
      out.Delta({{"type", "input_json_delta"}, {"partial_json", part}});
    }
    out.Stop();
  }
  out.Event(
      "message_delta",
      {{"delta", {{"stop_reason", StopReason(answer)}, {"stop_sequence", StopSequence(answer)}}},
       {"usage", {{"output_tokens", usage.output}}}});
  out.Event("message_stop", {});
  return reply;
}

Reply ModelsReply() {
  json::array data;
  for (const char* id : {"claude-sonnet-4-5", "claude-haiku-4-5"}) {
    data.push_back({{"type", "model"},
                    {"id", id},
                    {"display_name", id},
                    {"created_at", "2025-10-01T00:00:00Z"}});
  }
  return JsonReply(200, {{"data", std::move(data)},
                         {"has_more", false},
                         {"first_id", "claude-sonnet-4-5"},
                         {"last_id", "claude-haiku-4-5"}});
}

}  // namespace

bool Serves(const net::HttpRequest& request) {
  auto path = request.path();
  if (path.ends_with("/v1/models")) {
    return request.headers.Has("anthropic-version") || request.headers.Has("x-api-key");
  }
  return path.ends_with("/v1/messages") || path.ends_with("/v1/messages/count_tokens");
}

Checked CheckHostedBody(const Exchange& exchange, std::string_view wanted) {
  const auto* version = Member(exchange.body, "anthropic_version");
  if (version == nullptr || *version != json::value(wanted)) {
    return Bad("anthropic_version: Field required");
  }
  // What is counted names its model in the body, as its path does not.
  const bool count = IsCount(exchange.request.path());
  if (exchange.body.contains("model") != count) {
    return Bad(count ? "model: Field required" : "model: Extra inputs are not permitted");
  }
  const auto* messages = FilledArray(exchange.body, "messages");
  if (messages == nullptr) return Bad("messages: at least one message is required");
  if (!count && !exchange.body.contains("max_tokens")) return Bad("max_tokens: Field required");
  if (auto refusal = CheckMessages(*messages)) return refusal;
  return CheckTools(exchange.body);
}

Checked Check(const Exchange& exchange) {
  if (auto refusal = CheckHeaders(exchange)) return refusal;
  const auto& headers = exchange.request.headers;
  if (exchange.request.path().ends_with("/v1/models")) return std::nullopt;
  if (!headers.Get("Content-Type").starts_with("application/json") || !exchange.body_is_json) {
    return Bad("The request body is not valid JSON");
  }
  const auto& body = exchange.body;
  for (const auto& member : body) {
    if (!kMembers.contains(member.key())) {
      return Bad(fmt::format("{}: Extra inputs are not permitted", std::string_view(member.key())));
    }
  }
  if (!IsString(body, "model")) return Bad("model: Field required");
  const auto* limit = Member(body, "max_tokens");
  bool count = IsCount(exchange.request.path());
  if (!count && limit == nullptr) return Bad("max_tokens: Field required");
  if (count && limit != nullptr) return Bad("max_tokens: Extra inputs are not permitted");
  if (limit != nullptr && (!limit->is_int64() || limit->get_int64() < 1)) {
    return Bad("max_tokens: Input should be greater than or equal to 1");
  }
  const auto* messages = FilledArray(body, "messages");
  if (messages == nullptr) return Bad("messages: at least one message is required");
  if (auto refusal = CheckMessages(*messages)) return refusal;
  return CheckTools(body);
}

Reply Answer(const Exchange& exchange, const FakeAnswer& answer) {
  auto path = exchange.request.path();
  if (path.ends_with("/v1/models")) return ModelsReply();
  if (IsCount(path)) {
    return JsonReply(200, {{"input_tokens", UsageOf(answer, exchange).input}});
  }
  const auto* stream = Member(exchange.body, "stream");
  bool streams = stream != nullptr && stream->is_bool() && stream->get_bool();
  return streams ? Stream(exchange, answer) : Whole(exchange, answer);
}

Reply AnswerStream(const Exchange& exchange, const FakeAnswer& answer) {
  return Stream(exchange, answer);
}

Reply Refuse(const Refusal& refusal) {
  std::string type = refusal.type;
  if (type.empty()) {
    type = refusal.status == 429   ? "rate_limit_error"
           : refusal.status == 529 ? "overloaded_error"
                                   : "api_error";
  }
  auto reply = JsonReply(refusal.status, {{"type", "error"},
                                          {"error", {{"type", type}, {"message", refusal.message}}},
                                          {"request_id", "req_fake"}});
  reply.headers.Add("request-id", "req_fake");
  return reply;
}

}  // namespace strata::fakes::anthropic
