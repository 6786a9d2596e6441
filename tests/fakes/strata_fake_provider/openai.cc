// The OpenAI API, and Azure's two forms of it: https://platform.openai.com/docs/api-reference

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <set>

#include "base/encoding.h"
#include "tests/fakes/strata_fake_provider/openai_responses.h"
#include "tests/fakes/strata_fake_provider/vendor.h"

namespace strata::fakes::openai {
namespace {

namespace json = boost::json;

constexpr std::int64_t kCreated = 1'760'000'000;

const std::set<std::string_view> kChatMembers = {"model",
                                                 "messages",
                                                 "tools",
                                                 "tool_choice",
                                                 "temperature",
                                                 "top_p",
                                                 "n",
                                                 "stream",
                                                 "stream_options",
                                                 "stop",
                                                 "max_tokens",
                                                 "max_completion_tokens",
                                                 "seed",
                                                 "response_format",
                                                 "parallel_tool_calls",
                                                 "user",
                                                 "metadata",
                                                 "service_tier",
                                                 "logprobs",
                                                 "top_logprobs",
                                                 "presence_penalty",
                                                 "logit_bias",
                                                 "store",
                                                 "reasoning_effort",
                                                 "modalities",
                                                 "prediction",
                                                 "audio",
                                                 "safety_identifier",
                                                 "prompt_cache_key",
                                                 "frequency_penalty",
                                                 "top_k"};  // top_k: vLLM's extension

Refusal Bad(std::string message, std::string param, std::string code = "") {
  return {400, "invalid_request_error", std::move(message), std::move(param), std::move(code)};
}

bool IsAzure(std::string_view path) { return path.starts_with("/openai/"); }
bool IsDeployment(std::string_view path) { return path.starts_with("/openai/deployments/"); }

Checked CheckKey(const Exchange& exchange) {
  const auto& headers = exchange.request.headers;
  if (IsAzure(exchange.request.path())) {
    if (headers.Get("api-key") != exchange.keys.azure) {
      return Refusal{401, "", "Access denied due to invalid subscription key.", "", "401"};
    }
    if (IsDeployment(exchange.request.path()) &&
        !net::QueryParameter(exchange.request.query(), "api-version")) {
      return Refusal{404, "", "Resource not found", "", "404"};
    }
    return std::nullopt;
  }
  if (exchange.keys.openai.empty()) return std::nullopt;  // as Ollama and vLLM without a key
  auto key = headers.Get("Authorization");
  if (key == "Bearer " + exchange.keys.openai) return std::nullopt;
  auto shown = key.starts_with("Bearer ") ? key.substr(7) : std::string_view("");
  return Refusal{401, "invalid_request_error",
                 fmt::format("Incorrect API key provided: {}.", shown), "", "invalid_api_key"};
}

Checked CheckMessage(const json::object& message, std::size_t index,
                     std::set<std::string>& open_calls) {
  auto param = fmt::format("messages.[{}]", index);
  if (!IsString(message, "role")) return Bad("Missing required parameter: role.", param + ".role");
  std::string role(message.at("role").get_string());
  const auto* content = Member(message, "content");
  bool has_content = content != nullptr && (content->is_string() || content->is_array());
  if (role == "assistant") {
    if (const auto* calls = FilledArray(message, "tool_calls")) {
      for (const auto& call : *calls) {
        const auto* object = call.if_object();
        if (object == nullptr || !IsString(*object, "id") || !object->contains("function")) {
          return Bad("Invalid tool_calls.", param + ".tool_calls");
        }
        open_calls.emplace(object->at("id").get_string());
      }
      return std::nullopt;
    }
  } else if (role == "tool") {
    if (!IsString(message, "tool_call_id") ||
        !open_calls.contains(std::string(message.at("tool_call_id").get_string()))) {
      return Bad(
          "messages with role 'tool' must be a response to a preceding message with "
          "'tool_calls'.",
          param + ".role");
    }
  } else if (role != "user" && role != "system" && role != "developer") {
    return Bad(fmt::format("Invalid value: '{}'.", role), param + ".role", "invalid_value");
  }
  if (!has_content) {
    return Bad("Invalid type for content: expected a string or an array.", param + ".content");
  }
  return std::nullopt;
}

Checked CheckTools(const json::object& body) {
  const auto* tools = Member(body, "tools");
  if (tools == nullptr) {
    if (body.contains("tool_choice")) {
      return Bad("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice");
    }
    return std::nullopt;
  }
  const auto* list = FilledArray(body, "tools");
  if (list == nullptr) return Bad("[] is too short - 'tools'", "tools");
  for (const auto& item : *list) {
    const auto* tool = item.if_object();
    const auto* function = tool == nullptr ? nullptr : Member(*tool, "function");
    if (function == nullptr || tool->at("type") != json::value("function") ||
        !function->is_object() || !IsString(function->get_object(), "name")) {
      return Bad("Missing required parameter: 'tools[].function.name'.", "tools");
    }
  }
  return std::nullopt;
}

Checked CheckChat(const Exchange& exchange) {
  const auto& body = exchange.body;
  for (const auto& member : body) {
    if (!kChatMembers.contains(member.key())) {
      return Bad(
          fmt::format("Unrecognized request argument supplied: {}", std::string_view(member.key())),
          "");
    }
  }
  if (!IsString(body, "model") && !IsDeployment(exchange.request.path())) {
    return Bad("you must provide a model parameter", "model");
  }
  const auto* messages = FilledArray(body, "messages");
  if (messages == nullptr) return Bad("[] is too short - 'messages'", "messages");
  std::set<std::string> open_calls;
  for (std::size_t i = 0; i < messages->size(); ++i) {
    const auto* message = (*messages)[i].if_object();
    if (message == nullptr) return Bad("expected an object", fmt::format("messages.[{}]", i));
    if (auto refusal = CheckMessage(*message, i, open_calls)) return refusal;
  }
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    const auto* limit = Member(body, key);
    if (limit != nullptr && (!limit->is_int64() || limit->get_int64() < 1)) {
      return Bad(fmt::format("Invalid '{}': integer below minimum value.", key), key);
    }
  }
  const auto* stream = Member(body, "stream");
  bool streams = stream != nullptr && stream->is_bool() && stream->get_bool();
  if (body.contains("stream_options") && !streams) {
    return Bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
               "stream_options");
  }
  return CheckTools(body);
}

Checked CheckEmbed(const Exchange& exchange) {
  if (!IsString(exchange.body, "model") && !IsDeployment(exchange.request.path())) {
    return Bad("you must provide a model parameter", "model");
  }
  if (!IsString(exchange.body, "input") && FilledArray(exchange.body, "input") == nullptr) {
    return Bad("'$.input' is invalid.", "input");
  }
  return std::nullopt;
}

std::string FinishReason(const FakeAnswer& answer) {
  std::string stop = StopOf(answer);
  if (stop == "tool_use") return "tool_calls";
  if (stop == "max_tokens") return "length";
  if (stop == "content_filter") return "content_filter";
  return "stop";
}

json::object Usage(const FakeUsage& usage) {
  auto prompt = usage.input + usage.cache_read + usage.cache_write;
  return {{"prompt_tokens", prompt},
          {"completion_tokens", usage.output},
          {"total_tokens", prompt + usage.output},
          {"prompt_tokens_details", {{"cached_tokens", usage.cache_read}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning}}}};
}

json::value ModelName(const Exchange& exchange) {
  const auto* model = Member(exchange.body, "model");
  return model == nullptr ? json::value("deployment") : *model;
}

// Offsets count code points; scripted texts that are cited are ASCII.
json::array Annotations(const FakeAnswer& answer, const std::string& text) {
  return {{{"type", "url_citation"},
           {"url_citation",
            {{"start_index", 0},
             {"end_index", text.size()},
             {"url", answer.citation_uri},
             {"title", answer.citation_title}}}}};
}

Reply WholeChat(const Exchange& exchange, const FakeAnswer& answer) {
  json::object message = {{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  std::string text;
  for (const auto& chunk : answer.chunks) text += chunk;
  if (!text.empty() || answer.tool_calls.empty()) message["content"] = text;
  if (answer.stop == "refusal") {
    message["content"] = nullptr;
    message["refusal"] = text;
  }
  if (!answer.citation_uri.empty()) message["annotations"] = Annotations(answer, text);
  if (!answer.reasoning.empty()) message["reasoning_content"] = answer.reasoning;
  if (!answer.tool_calls.empty()) {
    json::array calls;
    for (const auto& call : answer.tool_calls) {
      calls.push_back({{"id", call.id},
                       {"type", "function"},
                       {"function", {{"name", call.name}, {"arguments", call.input}}}});
    }
    message["tool_calls"] = std::move(calls);
  }
  json::object choice = {{"index", 0},
                         {"message", std::move(message)},
                         {"logprobs", nullptr},
                         {"finish_reason", FinishReason(answer)}};
  json::object body = {{"id", "chatcmpl-fake"},
                       {"object", "chat.completion"},
                       {"created", kCreated},
                       {"model", ModelName(exchange)},
                       {"choices", json::array{std::move(choice)}}};
  if (!answer.no_usage) body["usage"] = Usage(UsageOf(answer, exchange));
  return JsonReply(200, body);
}

class ChunkWriter {
 public:
  ChunkWriter(const Exchange& exchange, Reply& reply)
      : model_(ModelName(exchange)), reply_(reply) {}

  void Delta(json::object delta, json::value finish_reason = nullptr) {
    json::object choice = {{"index", 0},
                           {"delta", std::move(delta)},
                           {"logprobs", nullptr},
                           {"finish_reason", std::move(finish_reason)}};
    Chunk(json::array{std::move(choice)}, nullptr);
  }
  void Chunk(json::array choices, json::value usage) {
    json::object chunk = {{"id", "chatcmpl-fake"},
                          {"object", "chat.completion.chunk"},
                          {"created", kCreated},
                          {"model", model_},
                          {"choices", std::move(choices)}};
    if (!usage.is_null()) chunk["usage"] = std::move(usage);
    Data(json::serialize(chunk));
  }
  void Data(const std::string& text) { reply_.frames.push_back("data: " + text + "\n\n"); }

 private:
  json::value model_;
  Reply& reply_;
};

void StreamToolCalls(const FakeAnswer& answer, ChunkWriter& out) {
  int index = 0;
  for (const auto& call : answer.tool_calls) {
    out.Delta(
        {{"tool_calls", json::array{{{"index", index},
                                     {"id", call.id},
                                     {"type", "function"},
                                     {"function", {{"name", call.name}, {"arguments", ""}}}}}}});
    // Arguments come in pieces that are no JSON of their own.
    auto half = call.input.size() / 2;
    for (const auto& part : {call.input.substr(0, half), call.input.substr(half)}) {
      out.Delta(
          {{"tool_calls", json::array{{{"index", index}, {"function", {{"arguments", part}}}}}}});
    }
    ++index;
  }
}

Reply StreamChat(const Exchange& exchange, const FakeAnswer& answer) {
  Reply reply;
  reply.streamed = true;
  reply.headers.Add("Content-Type", "text/event-stream; charset=utf-8");
  ChunkWriter out(exchange, reply);
  out.Delta({{"role", "assistant"}, {"content", ""}});
  if (!answer.reasoning.empty()) out.Delta({{"reasoning_content", answer.reasoning}});
  std::string text;
  for (const auto& chunk : answer.chunks) {
    text += chunk;
    out.Delta({{answer.stop == "refusal" ? "refusal" : "content", chunk}});
  }
  if (!answer.citation_uri.empty()) out.Delta({{"annotations", Annotations(answer, text)}});
  if (!answer.stream_error.empty()) {
    out.Data(json::serialize(json::object{{"error",
                                           {{"message", answer.error_message},
                                            {"type", answer.stream_error},
                                            {"param", nullptr},
                                            {"code", nullptr}}}}));
    return reply;
  }
  StreamToolCalls(answer, out);
  out.Delta({}, json::value(FinishReason(answer)));
  const auto* options = Member(exchange.body, "stream_options");
  bool wants_usage =
      options != nullptr && options->is_object() && options->get_object().contains("include_usage");
  if (wants_usage && !answer.no_usage) out.Chunk({}, Usage(UsageOf(answer, exchange)));
  out.Data("[DONE]");
  return reply;
}

json::value Vector(std::string_view text, int dimensions, bool base64) {
  auto values = FakeVector(text, dimensions);
  if (!base64) return json::value_from(values);
  std::string bytes;
  for (double value : values) {
    auto number = static_cast<float>(value);
    std::array<char, sizeof number> raw{};
    std::memcpy(raw.data(), &number, sizeof number);
    bytes.append(raw.data(), raw.size());
  }
  return json::value(Base64Encode(bytes));
}

Reply EmbedReply(const Exchange& exchange) {
  const auto& body = exchange.body;
  json::array inputs;
  if (body.at("input").is_array()) {
    inputs = body.at("input").get_array();
  } else {
    inputs.push_back(body.at("input"));
  }
  int dimensions = 8;
  if (const auto* asked = Member(body, "dimensions"); asked != nullptr && asked->is_int64()) {
    dimensions = static_cast<int>(asked->get_int64());
  }
  const auto* format = Member(body, "encoding_format");
  bool base64 = format != nullptr && *format == json::value("base64");
  json::array data;
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::string text =
        inputs[i].is_string() ? std::string(inputs[i].get_string()) : json::serialize(inputs[i]);
    tokens += static_cast<std::int64_t>((text.size() + 3) / 4);
    data.push_back(
        {{"object", "embedding"}, {"index", i}, {"embedding", Vector(text, dimensions, base64)}});
  }
  return JsonReply(200, {{"object", "list"},
                         {"data", std::move(data)},
                         {"model", ModelName(exchange)},
                         {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}

Reply ModelsReply() {
  json::array data;
  for (const char* id : {"gpt-4o-mini", "gpt-4o", "text-embedding-3-small"}) {
    data.push_back({{"id", id}, {"object", "model"}, {"created", kCreated}, {"owned_by", "fake"}});
  }
  return JsonReply(200, {{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace

bool Serves(std::string_view path) {
  return path.ends_with("/chat/completions") || path.ends_with("/embeddings") ||
         path.ends_with("/models") || IsJudge(path) || IsResponses(path);
}

Checked Check(const Exchange& exchange) {
  if (auto refusal = CheckKey(exchange)) return refusal;
  if (exchange.request.path().ends_with("/models")) return std::nullopt;
  if (IsResponses(exchange.request.path())) return CheckResponses(exchange);
  if (!exchange.request.headers.Get("Content-Type").starts_with("application/json") ||
      !exchange.body_is_json) {
    return Bad("We could not parse the JSON body of your request.", "");
  }
  if (IsJudge(exchange.request.path())) return CheckJudge(exchange);
  return exchange.request.path().ends_with("/embeddings") ? CheckEmbed(exchange)
                                                          : CheckChat(exchange);
}

Reply Answer(const Exchange& exchange, const FakeAnswer& answer) {
  auto path = exchange.request.path();
  if (path.ends_with("/models")) return ModelsReply();
  if (IsResponses(path)) return AnswerResponses(exchange, answer);
  if (path.ends_with("/embeddings")) return EmbedReply(exchange);
  if (IsJudge(path)) return AnswerJudge(exchange);
  const auto* stream = Member(exchange.body, "stream");
  bool streams = stream != nullptr && stream->is_bool() && stream->get_bool();
  return streams ? StreamChat(exchange, answer) : WholeChat(exchange, answer);
}

Reply Refuse(const Refusal& refusal) {
  std::string type = refusal.type;
  if (type.empty()) type = refusal.status >= 500 ? "server_error" : "requests";
  auto text_or_null = [](const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
  };
  return JsonReply(refusal.status, {{"error",
                                     {{"message", refusal.message},
                                      {"type", type},
                                      {"param", text_or_null(refusal.param)},
                                      {"code", text_or_null(refusal.code)}}}});
}

}  // namespace strata::fakes::openai
