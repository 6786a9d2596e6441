// OpenAI's Responses API, and Azure's v1 form of it:
// https://platform.openai.com/docs/api-reference/responses

#include "tests/fakes/strata_fake_provider/openai_responses.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>
#include <mutex>
#include <set>

#include "base/ids.h"

namespace strata::fakes::openai {
namespace {

namespace json = boost::json;

constexpr std::int64_t kCreated = 1'760'000'000;
constexpr std::int64_t kOutputTokensMin = 16;
constexpr std::string_view kBase = "/responses";

const std::set<std::string_view> kMembers = {"background",
                                             "context_management",
                                             "conversation",
                                             "include",
                                             "input",
                                             "instructions",
                                             "max_output_tokens",
                                             "max_tool_calls",
                                             "metadata",
                                             "model",
                                             "moderation",
                                             "parallel_tool_calls",
                                             "previous_response_id",
                                             "prompt",
                                             "prompt_cache_key",
                                             "prompt_cache_retention",
                                             "reasoning",
                                             "safety_identifier",
                                             "service_tier",
                                             "store",
                                             "stream",
                                             "stream_options",
                                             "temperature",
                                             "text",
                                             "tool_choice",
                                             "tools",
                                             "top_logprobs",
                                             "top_p",
                                             "truncation",
                                             "user"};

const std::set<std::string_view> kToolTypes = {
    "function",         "file_search",          "web_search", "web_search_preview",
    "code_interpreter", "image_generation",     "mcp",        "computer",
    "custom",           "computer_use_preview", "shell",      "apply_patch"};

const std::set<std::string_view> kItemTypes = {"message",
                                               "function_call",
                                               "function_call_output",
                                               "reasoning",
                                               "web_search_call",
                                               "file_search_call",
                                               "code_interpreter_call",
                                               "item_reference",
                                               "mcp_call",
                                               "custom_tool_call",
                                               "custom_tool_call_output",
                                               "image_generation_call",
                                               "computer_call",
                                               "computer_call_output",
                                               "compaction"};

const std::set<std::string_view> kIncludes = {
    "file_search_call.results",       "web_search_call.results",
    "web_search_call.action.sources", "message.input_image.image_url",
    "reasoning.encrypted_content",    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",  "message.output_text.logprobs"};

// Thread-safe.
class Shelf {
 public:
  struct One {
    json::object response;
    json::array input;
  };
  void Put(const std::string& id, One one) {
    std::lock_guard lock(mutex_);
    all_.insert_or_assign(id, std::move(one));
  }
  std::optional<One> Get(const std::string& id) const {
    std::lock_guard lock(mutex_);
    auto at = all_.find(id);
    return at == all_.end() ? std::nullopt : std::optional(at->second);
  }
  void Delete(const std::string& id) {
    std::lock_guard lock(mutex_);
    all_.erase(id);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, One> all_;
};

Shelf& Kept() {
  static Shelf shelf;
  return shelf;
}

Refusal Bad(std::string message, std::string param, std::string code = "") {
  return {400, "invalid_request_error", std::move(message), std::move(param), std::move(code)};
}

bool IsTrue(const json::object& body, std::string_view key) {
  const auto* value = Member(body, key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::string TextAt(const json::object& object, std::string_view key) {
  return IsString(object, key) ? std::string(object.at(key).get_string()) : "";
}

// "resp_…" and what stands behind it of a path below /responses/.
struct Below {
  std::string id;
  std::string rest;
};
Below BelowOf(std::string_view path) {
  path.remove_prefix(path.find(kBase) + kBase.size());
  if (path.empty()) return {};
  path.remove_prefix(1);
  const auto slash = path.find('/');
  return {std::string(path.substr(0, slash)),
          slash == path.npos ? "" : std::string(path.substr(slash))};
}

Checked CheckParts(const json::value& content, bool assistant, const std::string& param) {
  if (content.is_string()) return std::nullopt;
  if (!content.is_array()) return Bad("Invalid type for content.", param, "invalid_type");
  for (const auto& item : content.get_array()) {
    const auto* part = item.if_object();
    const auto type = part == nullptr ? "" : TextAt(*part, "type");
    const bool fits = assistant
                          ? type == "output_text" || type == "refusal"
                          : type == "input_text" || type == "input_image" || type == "input_file";
    if (!fits) {
      return Bad(fmt::format("Invalid value: '{}'. Supported values are: {}.", type,
                             assistant ? "'output_text' and 'refusal'"
                                       : "'input_text', 'input_image' and 'input_file'"),
                 param, "invalid_value");
    }
  }
  return std::nullopt;
}

// `calls`: those that an output may answer.
Checked CheckItem(const json::object& item, const std::string& param,
                  std::set<std::string>& calls) {
  const auto type = IsString(item, "type") ? TextAt(item, "type") : "message";
  if (!kItemTypes.contains(type)) {
    return Bad(fmt::format("Invalid value: '{}'.", type), param + ".type", "invalid_value");
  }
  if (type == "function_call") {
    for (const char* key : {"call_id", "name", "arguments"}) {
      if (IsString(item, key)) continue;
      return Bad(fmt::format("Missing required parameter: '{}.{}'.", param, key), param);
    }
    calls.insert(TextAt(item, "call_id"));
  }
  if (type == "function_call_output" && !calls.contains(TextAt(item, "call_id"))) {
    return Bad(fmt::format("No tool call found for function call output with call_id {}.",
                           TextAt(item, "call_id")),
               "input");
  }
  if (type == "reasoning" && Member(item, "summary") == nullptr) {
    return Bad(fmt::format("Missing required parameter: '{}.summary'.", param), param);
  }
  if (type != "message") return std::nullopt;
  const auto role = TextAt(item, "role");
  const auto* content = Member(item, "content");
  const bool known =
      role == "user" || role == "assistant" || role == "system" || role == "developer";
  if (!known || content == nullptr) {
    return Bad("Missing or invalid role or content.", param, "invalid_value");
  }
  return CheckParts(*content, role == "assistant", param + ".content");
}

Checked CheckInput(const Exchange& exchange, std::set<std::string> calls) {
  const auto& body = exchange.body;
  if (IsString(body, "input")) return std::nullopt;
  const auto* items = FilledArray(body, "input");
  if (items == nullptr) {
    if (body.contains("prompt")) return std::nullopt;
    return Bad(
        "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must "
        "be provided.",
        "input");
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    const auto param = fmt::format("input[{}]", i);
    const auto* item = (*items)[i].if_object();
    if (item == nullptr) return Bad("Invalid type for input item.", param, "invalid_type");
    if (auto refusal = CheckItem(*item, param, calls)) return refusal;
  }
  return std::nullopt;
}

Checked CheckTools(const json::object& body) {
  const auto* tools = FilledArray(body, "tools");
  for (std::size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    const auto* tool = (*tools)[i].if_object();
    const auto type = tool == nullptr ? "" : TextAt(*tool, "type");
    const auto param = fmt::format("tools[{}]", i);
    if (!kToolTypes.contains(type)) {
      return Bad(fmt::format("Invalid value: '{}'.", type), param + ".type", "invalid_value");
    }
    const char* needed = type == "function" || type == "custom" ? "name"
                         : type == "file_search"                ? "vector_store_ids"
                         : type == "mcp"                        ? "server_label"
                         : type == "code_interpreter"           ? "container"
                                                                : nullptr;
    if (needed != nullptr && !tool->contains(needed)) {
      return Bad(fmt::format("Missing required parameter: '{}.{}'.", param, needed), param,
                 "missing_required_parameter");
    }
  }
  const auto* include = FilledArray(body, "include");
  for (std::size_t i = 0; include != nullptr && i < include->size(); ++i) {
    const auto& name = (*include)[i];
    if (name.is_string() && kIncludes.contains(std::string_view(name.get_string()))) continue;
    return Bad("Invalid value in include.", fmt::format("include[{}]", i), "invalid_value");
  }
  return std::nullopt;
}

Checked CheckForm(const json::object& body) {
  for (const auto& member : body) {
    if (kMembers.contains(member.key())) continue;
    return Bad(fmt::format("Unknown parameter: '{}'.", std::string_view(member.key())),
               std::string(member.key()), "unknown_parameter");
  }
  if (!IsString(body, "model")) {
    return Bad("Missing required parameter: 'model'.", "model", "missing_required_parameter");
  }
  const auto* limit = Member(body, "max_output_tokens");
  if (limit != nullptr && !limit->is_null() &&
      (!limit->is_int64() || limit->get_int64() < kOutputTokensMin)) {
    return Bad("Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.",
               "max_output_tokens", "integer_below_min_value");
  }
  if (body.contains("stream_options") && !IsTrue(body, "stream")) {
    return Bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
               "stream_options");
  }
  const auto* store = Member(body, "store");
  const bool stored = store == nullptr || store->is_null() || IsTrue(body, "store");
  if (IsTrue(body, "background") && !stored) {
    return Bad("Background mode requires store to be true.", "store");
  }
  if (body.contains("conversation") && body.contains("previous_response_id")) {
    return Bad("Mutually exclusive parameters: 'previous_response_id' and 'conversation'.",
               "conversation", "mutually_exclusive_parameters");
  }
  return std::nullopt;
}

Checked CheckCreate(const Exchange& exchange) {
  const auto& body = exchange.body;
  if (!exchange.request.headers.Get("Content-Type").starts_with("application/json") ||
      !exchange.body_is_json) {
    return Bad("We could not parse the JSON body of your request.", "");
  }
  if (auto refusal = CheckForm(body)) return refusal;
  std::set<std::string> calls;
  if (auto previous = TextAt(body, "previous_response_id"); !previous.empty()) {
    auto kept = Kept().Get(previous);
    if (!kept) {
      return Bad(fmt::format("Previous response with id '{}' not found.", previous),
                 "previous_response_id", "previous_response_not_found");
    }
    for (const auto& item : kept->response.at("output").get_array()) {
      calls.insert(TextAt(item.get_object(), "call_id"));
    }
  }
  if (auto refusal = CheckTools(body)) return refusal;
  return CheckInput(exchange, std::move(calls));
}

// ---- answers ----

bool HasTool(const json::object& body, std::string_view type) {
  const auto* tools = FilledArray(body, "tools");
  for (std::size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    if (TextAt((*tools)[i].get_object(), "type").starts_with(type)) return true;
  }
  return false;
}

json::value OrNull(const json::object& body, std::string_view key) {
  const auto* value = Member(body, key);
  return value == nullptr ? json::value(nullptr) : *value;
}

json::object UsageOfAnswer(const FakeUsage& usage) {
  const auto input = usage.input + usage.cache_read + usage.cache_write;
  return {{"input_tokens", input},
          {"input_tokens_details", {{"cached_tokens", usage.cache_read}}},
          {"output_tokens", usage.output},
          {"output_tokens_details", {{"reasoning_tokens", usage.reasoning}}},
          {"total_tokens", input + usage.output}};
}

// One answer, written item by item; with `events`, as the API's events too.
class Writer {
 public:
  Writer(const Exchange& exchange, const FakeAnswer& answer, std::vector<std::string>* events)
      : exchange_(exchange),
        answer_(answer),
        events_(events),
        id_("resp_" + NewRequestId().value) {}

  json::object Run() {
    Emit("response.created", {{"response", Response("in_progress")}});
    Emit("response.in_progress", {{"response", Response("in_progress")}});
    if (!answer_.reasoning.empty()) Reasoning();
    if (HasTool(exchange_.body, "web_search")) WebSearch();
    if (!answer_.chunks.empty() || answer_.tool_calls.empty()) Message();
    if (!answer_.stream_error.empty()) return Failed();
    for (const auto& call : answer_.tool_calls) Call(call);
    const auto stop = StopOf(answer_);
    const bool cut = stop == "max_tokens" || stop == "content_filter";
    auto whole = Response(cut ? "incomplete" : "completed");
    if (cut) {
      whole["incomplete_details"] = {
          {"reason", stop == "max_tokens" ? "max_output_tokens" : stop.c_str()}};
    }
    if (!answer_.no_usage) whole["usage"] = UsageOfAnswer(UsageOf(answer_, exchange_));
    Emit(cut ? "response.incomplete" : "response.completed", {{"response", whole}});
    return whole;
  }

  const std::string& id() const { return id_; }

  json::object Response(const char* status) const {
    const auto& body = exchange_.body;
    json::object out{{"id", id_},
                     {"object", "response"},
                     {"created_at", kCreated},
                     {"status", status},
                     {"background", IsTrue(body, "background")},
                     {"error", nullptr},
                     {"incomplete_details", nullptr},
                     {"instructions", OrNull(body, "instructions")},
                     {"max_output_tokens", OrNull(body, "max_output_tokens")},
                     {"model", body.at("model")},
                     {"output", output_},
                     {"parallel_tool_calls", true},
                     {"previous_response_id", OrNull(body, "previous_response_id")},
                     {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                     {"store", !body.contains("store") || IsTrue(body, "store")},
                     {"temperature", 1.0},
                     {"text", {{"format", {{"type", "text"}}}}},
                     {"tool_choice", "auto"},
                     {"tools", body.contains("tools") ? body.at("tools") : json::array()},
                     {"top_p", 1.0},
                     {"truncation", "disabled"},
                     {"usage", nullptr},
                     {"metadata", body.contains("metadata") ? body.at("metadata")
                                                            : json::value(json::object())}};
    return out;
  }

 private:
  void Emit(const char* type, json::object data) {
    if (events_ == nullptr) return;
    json::object event{{"type", type}, {"sequence_number", sequence_++}};
    for (auto& member : data) event[member.key()] = std::move(member.value());
    events_->push_back(fmt::format("event: {}\ndata: {}\n\n", type, json::serialize(event)));
  }
  // With the place of the item that is written.
  void EmitAt(const char* type, json::object data) {
    data["output_index"] = output_.size();
    Emit(type, std::move(data));
  }
  void Begin(const json::object& item) { EmitAt("response.output_item.added", {{"item", item}}); }
  void End(json::object item) {
    EmitAt("response.output_item.done", {{"item", item}});
    output_.push_back(std::move(item));
  }
  std::string ItemId(const char* prefix) const {
    return fmt::format("{}_{}{}", prefix, id_.substr(5), output_.size());
  }

  bool Includes(std::string_view what) const {
    const auto* include = FilledArray(exchange_.body, "include");
    for (std::size_t i = 0; include != nullptr && i < include->size(); ++i) {
      if ((*include)[i].get_string() == what) return true;
    }
    return false;
  }

  json::object Failed() {
    auto whole = Response("failed");
    whole["error"] = {{"code", answer_.stream_error}, {"message", answer_.error_message}};
    Emit("response.failed", {{"response", whole}});
    return whole;
  }

  void Reasoning() {
    json::object item{{"id", ItemId("rs")}, {"type", "reasoning"}, {"summary", json::array()}};
    Begin(item);
    if (AsksForSummary()) Summary(item);
    if (Includes("reasoning.encrypted_content")) item["encrypted_content"] = "gAAAAB-fake";
    End(std::move(item));
  }

  bool AsksForSummary() const {
    const auto* reasoning = Member(exchange_.body, "reasoning");
    const auto* asked = reasoning == nullptr ? nullptr : reasoning->if_object();
    return asked != nullptr && IsString(*asked, "summary");
  }

  void Summary(json::object& item) {
    const json::object at{{"item_id", item.at("id")}, {"summary_index", 0}};
    auto with = [&](const char* key, json::value value) {
      auto data = at;
      data[key] = std::move(value);
      return data;
    };
    auto part = [](const std::string& text) {
      return json::object{{"type", "summary_text"}, {"text", text}};
    };
    EmitAt("response.reasoning_summary_part.added", with("part", part("")));
    EmitAt("response.reasoning_summary_text.delta", with("delta", json::value(answer_.reasoning)));
    EmitAt("response.reasoning_summary_text.done", with("text", json::value(answer_.reasoning)));
    EmitAt("response.reasoning_summary_part.done", with("part", part(answer_.reasoning)));
    item["summary"] = json::array{part(answer_.reasoning)};
  }

  void WebSearch() {
    json::object item{{"id", ItemId("ws")},
                      {"type", "web_search_call"},
                      {"status", "in_progress"},
                      {"action", {{"type", "search"}, {"query", LastUserText(exchange_.body)}}}};
    Begin(item);
    for (const char* step :
         {"response.web_search_call.in_progress", "response.web_search_call.searching",
          "response.web_search_call.completed"}) {
      EmitAt(step, {{"item_id", item.at("id")}});
    }
    item["status"] = "completed";
    End(std::move(item));
  }

  json::object Part(const std::string& text, const json::array& annotations) const {
    if (answer_.stop == "refusal") return {{"type", "refusal"}, {"refusal", text}};
    return {{"type", "output_text"},
            {"annotations", annotations},
            {"logprobs", json::array()},
            {"text", text}};
  }

  void Message() {
    json::object item{{"id", ItemId("msg")},
                      {"type", "message"},
                      {"status", "in_progress"},
                      {"role", "assistant"},
                      {"content", json::array()}};
    Begin(item);
    const json::object at{{"item_id", item.at("id")}, {"content_index", 0}};
    auto with = [&](const char* key, json::value value) {
      auto data = at;
      data[key] = std::move(value);
      return data;
    };
    const bool refused = answer_.stop == "refusal";
    EmitAt("response.content_part.added", with("part", Part("", {})));
    std::string text;
    for (const auto& chunk : answer_.chunks) {
      text += chunk;
      auto data = with("delta", json::value(chunk));
      if (!refused) data["logprobs"] = json::array();
      data["obfuscation"] = "xY3";
      EmitAt(refused ? "response.refusal.delta" : "response.output_text.delta", std::move(data));
    }
    json::array annotations;
    if (!answer_.citation_uri.empty()) {
      annotations.push_back({{"type", "url_citation"},
                             {"start_index", 0},
                             {"end_index", text.size()},
                             {"url", answer_.citation_uri},
                             {"title", answer_.citation_title}});
      auto data = with("annotation", annotations.front());
      data["annotation_index"] = 0;
      EmitAt("response.output_text.annotation.added", std::move(data));
    }
    if (!answer_.stream_error.empty()) return;
    auto done = with(refused ? "refusal" : "text", json::value(text));
    EmitAt(refused ? "response.refusal.done" : "response.output_text.done", std::move(done));
    EmitAt("response.content_part.done", with("part", Part(text, annotations)));
    item["content"] = json::array{Part(text, annotations)};
    item["status"] = "completed";
    End(std::move(item));
  }

  void Call(const FakeToolCall& call) {
    json::object item{{"id", ItemId("fc")}, {"type", "function_call"}, {"status", "in_progress"},
                      {"arguments", ""},    {"call_id", call.id},      {"name", call.name}};
    Begin(item);
    // Arguments come in pieces that are no JSON of their own.
    const auto half = call.input.size() / 2;
    for (const auto& piece : {call.input.substr(0, half), call.input.substr(half)}) {
      EmitAt("response.function_call_arguments.delta",
             {{"item_id", item.at("id")}, {"delta", piece}});
    }
    EmitAt("response.function_call_arguments.done",
           {{"item_id", item.at("id")}, {"name", call.name}, {"arguments", call.input}});
    item["arguments"] = call.input;
    item["status"] = "completed";
    End(std::move(item));
  }

  const Exchange& exchange_;
  const FakeAnswer& answer_;
  std::vector<std::string>* events_;
  const std::string id_;
  json::array output_;
  std::int64_t sequence_ = 0;
};

json::array ItemsOf(const json::object& body) {
  const auto* items = FilledArray(body, "input");
  json::array out;
  if (items == nullptr) {
    json::array parts{{{"type", "input_text"}, {"text", OrNull(body, "input")}}};
    out.push_back({{"type", "message"}, {"role", "user"}, {"content", std::move(parts)}});
  } else {
    out = *items;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].get_object().emplace("id", fmt::format("msg_in{}", i));
  }
  return out;
}

Reply Create(const Exchange& exchange, const FakeAnswer& answer) {
  Reply reply;
  reply.streamed = IsTrue(exchange.body, "stream");
  Writer writer(exchange, answer, reply.streamed ? &reply.frames : nullptr);
  auto queued = writer.Response("queued");
  auto whole = writer.Run();
  if (whole.at("store").get_bool()) {
    Kept().Put(writer.id(), {.response = whole, .input = ItemsOf(exchange.body)});
  }
  if (reply.streamed) {
    reply.headers.Add("Content-Type", "text/event-stream; charset=utf-8");
    return reply;
  }
  return JsonReply(200, IsTrue(exchange.body, "background") ? queued : whole);
}

Reply OfKept(const Exchange& exchange, const Below& below) {
  auto kept = Kept().Get(below.id);
  if (!kept) return {};  // checked
  if (exchange.request.method == "DELETE") {
    Kept().Delete(below.id);
    return JsonReply(200, {{"id", below.id}, {"object", "response"}, {"deleted", true}});
  }
  if (below.rest == "/input_items") {
    auto id = [](const json::value& item) { return item.get_object().at("id"); };
    json::object page{{"object", "list"},
                      {"first_id", id(kept->input.front())},
                      {"last_id", id(kept->input.back())},
                      {"has_more", false}};
    page["data"] = std::move(kept->input);
    return JsonReply(200, page);
  }
  if (below.rest == "/cancel") {
    kept->response["status"] = "cancelled";
    Kept().Put(below.id, *kept);
  }
  return JsonReply(200, kept->response);
}

}  // namespace

bool IsResponses(std::string_view path) {
  const auto at = path.find(kBase);
  return at != path.npos && (at + kBase.size() == path.size() || path[at + kBase.size()] == '/');
}

Checked CheckResponses(const Exchange& exchange) {
  const auto below = BelowOf(exchange.request.path());
  const auto& method = exchange.request.method;
  if (below.id.empty()) {
    return method == "POST" ? CheckCreate(exchange) : Bad("Method not allowed.", "");
  }
  auto kept = Kept().Get(below.id);
  if (!kept) {
    return Refusal{404, "invalid_request_error",
                   fmt::format("Response with id '{}' not found.", below.id), "response_id", ""};
  }
  const bool known = (below.rest.empty() && (method == "GET" || method == "DELETE")) ||
                     (below.rest == "/input_items" && method == "GET") ||
                     (below.rest == "/cancel" && method == "POST");
  if (!known) return Bad("Invalid URL or method.", "");
  if (below.rest == "/cancel" && !kept->response.at("background").get_bool()) {
    return Bad("Cannot cancel a synchronous response.", "response_id");
  }
  return std::nullopt;
}

Reply AnswerResponses(const Exchange& exchange, const FakeAnswer& answer) {
  const auto below = BelowOf(exchange.request.path());
  return below.id.empty() ? Create(exchange, answer) : OfKept(exchange, below);
}

}  // namespace strata::fakes::openai
