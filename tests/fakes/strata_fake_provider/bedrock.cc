// Bedrock's runtime: Converse, ConverseStream, CountTokens, InvokeModel of Claude and of Titan's
// and Cohere's embeddings, and ListFoundationModels. Shapes: botocore's service models
// bedrock-runtime (2023-09-30) and bedrock (2023-04-20).

#include <fmt/format.h>

#include <boost/json.hpp>
#include <set>

#include "base/clock.h"
#include "base/encoding.h"
#include "net/sigv4.h"
#include "tests/fakes/strata_fake_provider/vendor.h"

namespace strata::fakes::bedrock {
namespace {

namespace json = boost::json;

const std::set<std::string_view> kConverseMembers = {
    "messages",        "system",
    "inferenceConfig", "toolConfig",
    "guardrailConfig", "additionalModelRequestFields",
    "promptVariables", "additionalModelResponseFieldPaths",
    "requestMetadata", "performanceConfig",
    "serviceTier",     "outputConfig"};
const std::set<std::string_view> kBlocks = {"text",
                                            "image",
                                            "document",
                                            "video",
                                            "audio",
                                            "toolUse",
                                            "toolResult",
                                            "guardContent",
                                            "cachePoint",
                                            "reasoningContent",
                                            "citationsContent",
                                            "searchResult"};

Refusal Bad(std::string message) {
  return {400, "ValidationException", std::move(message), "", ""};
}

// The parts of /model/{modelId}/{operation}, split before decoding, as ids hold %2F.
struct Target {
  std::string model;
  std::string operation;
};
std::optional<Target> TargetOf(std::string_view path) {
  constexpr std::string_view kPrefix = "/model/";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  auto slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto model = PercentDecode(path.substr(0, slash));
  if (!model) return std::nullopt;
  return Target{*model, std::string(path.substr(slash + 1))};
}

Checked CheckSignature(const Exchange& exchange) {
  const auto& keys = exchange.keys;
  auto authorization = exchange.request.headers.Get("Authorization");
  if (authorization.starts_with("Bearer ")) {
    if (authorization.substr(7) == keys.bedrock_bearer) return std::nullopt;
    return Refusal{403, "AccessDeniedException", "Authentication failed", "", ""};
  }
  auto secret_of = [&](std::string_view id) -> std::optional<std::string> {
    if (id != keys.aws_access_key_id) return std::nullopt;
    return keys.aws_secret_access_key;
  };
  auto verified = net::VerifySigV4(exchange.request, SystemClock(), secret_of);
  if (!verified.has_value()) {
    return Refusal{403, "InvalidSignatureException",
                   "The request signature we calculated does not match the signature you "
                   "provided: " +
                       verified.error().message(),
                   "", ""};
  }
  if (verified->session_token != keys.aws_session_token) {
    return Refusal{403, "UnrecognizedClientException",
                   "The security token included in the request is invalid.", "", ""};
  }
  return std::nullopt;
}

Checked CheckBlock(const json::value& block, std::string_view place,
                   std::set<std::string>& tool_ids) {
  const auto* object = block.if_object();
  if (object == nullptr || object->size() != 1) {
    return Bad(fmt::format("{}: a content block has exactly one member", place));
  }
  const auto& member = *object->begin();
  if (!kBlocks.contains(member.key())) {
    return Bad(fmt::format("{}: unknown content block {}", place, std::string_view(member.key())));
  }
  if (member.key() == "text" &&
      (!member.value().is_string() || member.value().get_string().empty())) {
    return Bad(fmt::format("The text field in the ContentBlock object at {} is blank.", place));
  }
  const auto* value = member.value().if_object();
  if (member.key() == "image") {
    const auto* source = value == nullptr ? nullptr : Member(*value, "source");
    if (source == nullptr || !source->is_object() || source->get_object().size() != 1) {
      return Bad(fmt::format("{}.image.source: expected bytes or s3Location", place));
    }
  }
  if (member.key() == "toolUse") {
    if (value == nullptr || !IsString(*value, "toolUseId") || !IsString(*value, "name") ||
        !value->contains("input")) {
      return Bad(fmt::format("{}.toolUse: missing required member", place));
    }
    tool_ids.emplace(value->at("toolUseId").get_string());
  }
  if (member.key() == "toolResult") {
    if (value == nullptr || !IsString(*value, "toolUseId") ||
        !tool_ids.contains(std::string(value->at("toolUseId").get_string()))) {
      return Bad("The toolResult blocks do not match the toolUse blocks of the previous turn.");
    }
  }
  return std::nullopt;
}

Checked CheckMessages(const json::object& body) {
  const auto* messages = FilledArray(body, "messages");
  if (messages == nullptr) {
    return Bad(
        "1 validation error detected: Value at 'messages' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1");
  }
  std::set<std::string> tool_ids;
  for (std::size_t i = 0; i < messages->size(); ++i) {
    const auto* message = (*messages)[i].if_object();
    auto place = fmt::format("messages.{}.content", i);
    const auto* content = message == nullptr ? nullptr : FilledArray(*message, "content");
    if (content == nullptr) return Bad("The content field in the Message object is empty.");
    const auto* role = Member(*message, "role");
    if (role == nullptr || (*role != json::value("user") && *role != json::value("assistant"))) {
      return Bad("messages: role must be user or assistant");
    }
    if (i == 0 && *role != json::value("user")) {
      return Bad("A conversation must start with a user message.");
    }
    for (const auto& block : *content) {
      if (auto refusal = CheckBlock(block, place, tool_ids)) return refusal;
    }
  }
  return std::nullopt;
}

Checked CheckConverse(const json::object& body) {
  for (const auto& member : body) {
    if (!kConverseMembers.contains(member.key())) {
      return Bad(
          fmt::format("extraneous key [{}] is not permitted", std::string_view(member.key())));
    }
  }
  if (auto refusal = CheckMessages(body)) return refusal;
  if (const auto* config = Member(body, "inferenceConfig")) {
    const auto* limit = config->is_object() ? Member(config->get_object(), "maxTokens") : nullptr;
    if (!config->is_object() ||
        (limit != nullptr && (!limit->is_int64() || limit->get_int64() < 1))) {
      return Bad("inferenceConfig.maxTokens: must be greater than or equal to 1");
    }
  }
  if (const auto* config = Member(body, "toolConfig")) {
    if (!config->is_object() || FilledArray(config->get_object(), "tools") == nullptr) {
      return Bad("toolConfig.tools: Member must have length greater than or equal to 1");
    }
  }
  return std::nullopt;
}

Checked CheckCount(const json::object& body) {
  const auto* input = Member(body, "input");
  if (input == nullptr || !input->is_object() || input->get_object().size() != 1) {
    return Bad("input: exactly one of converse, invokeModel");
  }
  const auto* converse = Member(input->get_object(), "converse");
  if (converse == nullptr) return std::nullopt;
  return converse->is_object() ? CheckMessages(converse->get_object())
                               : Bad("input.converse: must be a structure");
}

bool IsClaude(std::string_view model) { return model.find("anthropic.") != model.npos; }

Checked CheckInvoke(const std::string& model, const Exchange& exchange) {
  const auto& body = exchange.body;
  if (IsClaude(model)) {
    if (body.contains("stream")) return Bad("stream: Extra inputs are not permitted");
    if (exchange.request.body.find(R"("type":"url")") != std::string::npos ||
        exchange.request.body.find(R"("type": "url")") != std::string::npos) {
      return Bad("image sources of type url are not supported");
    }
    return anthropic::CheckHostedBody(exchange, "bedrock-2023-05-31");
  }
  if (model.find("titan-embed") != std::string::npos) {
    if (!IsString(body, "inputText")) return Bad("Malformed input request: inputText is required");
    return std::nullopt;
  }
  if (model.find("cohere.embed") != std::string::npos) {
    if (FilledArray(body, "texts") == nullptr || !IsString(body, "input_type")) {
      return Bad("Malformed input request: texts and input_type are required");
    }
    return std::nullopt;
  }
  return Bad("The fake invokes Claude and embedding models of Titan and Cohere only");
}

std::string StopReason(const FakeAnswer& answer) {
  std::string stop = StopOf(answer);
  return stop == "content_filter" || stop == "refusal" ? "content_filtered" : stop;
}

json::object Usage(const FakeUsage& usage) {
  json::object out = {
      {"inputTokens", usage.input},
      {"outputTokens", usage.output},
      {"totalTokens", usage.input + usage.output + usage.cache_read + usage.cache_write}};
  if (usage.cache_read > 0) out["cacheReadInputTokens"] = usage.cache_read;
  if (usage.cache_write > 0) out["cacheWriteInputTokens"] = usage.cache_write;
  return out;
}

json::object Citation(const FakeAnswer& answer) {
  json::object web = {{"url", answer.citation_uri}};
  json::object location = {{"web", std::move(web)}};
  return {{"title", answer.citation_title},
          {"source", answer.citation_uri},
          {"sourceContent", json::array{json::object{{"text", answer.citation_quote}}}},
          {"location", std::move(location)}};
}

Reply Whole(const Exchange& exchange, const FakeAnswer& answer) {
  json::array content;
  if (!answer.reasoning.empty()) {
    json::object text = {{"text", answer.reasoning}, {"signature", "fake-signature"}};
    content.push_back({{"reasoningContent", {{"reasoningText", std::move(text)}}}});
  }
  std::string text;
  for (const auto& chunk : answer.chunks) text += chunk;
  if (!text.empty() && !answer.citation_uri.empty()) {
    json::object cited = {{"content", json::array{json::object{{"text", text}}}},
                          {"citations", json::array{Citation(answer)}}};
    content.push_back(json::object{{"citationsContent", std::move(cited)}});
  } else if (!text.empty()) {
    content.push_back(json::object{{"text", text}});
  }
  for (const auto& call : answer.tool_calls) {
    json::object use = {
        {"toolUseId", call.id}, {"name", call.name}, {"input", json::parse(call.input)}};
    content.push_back(json::object{{"toolUse", std::move(use)}});
  }
  json::object message = {{"role", "assistant"}, {"content", std::move(content)}};
  json::object output = {{"message", std::move(message)}};
  json::object metrics = {{"latencyMs", 5}};
  return JsonReply(200, json::object{{"output", std::move(output)},
                                     {"stopReason", StopReason(answer)},
                                     {"usage", Usage(UsageOf(answer, exchange))},
                                     {"metrics", std::move(metrics)}});
}

void AppendBig(std::string& out, std::uint32_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  AppendBig(out, static_cast<std::uint32_t>(name.size()), 1);
  out += name;
  AppendBig(out, 7, 1);  // a string
  AppendBig(out, static_cast<std::uint32_t>(value.size()), 2);
  out += value;
}

// One frame of application/vnd.amazon.eventstream: lengths and prelude CRC, headers, payload, CRC.
std::string Frame(std::string_view kind, std::string_view type, const json::object& payload) {
  std::string headers;
  AppendHeader(headers, fmt::format(":{}-type", kind), type);
  AppendHeader(headers, ":content-type", "application/json");
  AppendHeader(headers, ":message-type", kind);
  std::string body = json::serialize(payload);
  std::string out;
  AppendBig(out, static_cast<std::uint32_t>(16 + headers.size() + body.size()), 4);
  AppendBig(out, static_cast<std::uint32_t>(headers.size()), 4);
  AppendBig(out, Crc32(out), 4);
  out += headers + body;
  AppendBig(out, Crc32(out), 4);
  return out;
}

class EventWriter {
 public:
  explicit EventWriter(Reply& reply) : reply_(reply) {}

  // "p" is the random padding that AWS adds; clients ignore it.
  void Event(std::string_view type, json::object data) {
    data["p"] = "abcdefghij";
    reply_.frames.push_back(Frame("event", type, data));
  }
  void Exception(std::string_view type, std::string_view message) {
    reply_.frames.push_back(Frame("exception", type, {{"message", message}}));
  }
  // No start event for text and reasoning, as the real service does.
  void Delta(json::object delta) {
    Event("contentBlockDelta", {{"contentBlockIndex", index_}, {"delta", std::move(delta)}});
  }
  void ToolStart(const FakeToolCall& call) {
    json::object use = {{"toolUseId", call.id}, {"name", call.name}};
    json::object start = {{"toolUse", std::move(use)}};
    Event("contentBlockStart", {{"contentBlockIndex", index_}, {"start", std::move(start)}});
  }
  void Stop() {
    json::object data;
    data["contentBlockIndex"] = index_++;
    Event("contentBlockStop", std::move(data));
  }

 private:
  Reply& reply_;
  int index_ = 0;
};

json::object One(std::string_view key, json::value value) {
  json::object out;
  out[key] = std::move(value);
  return out;
}

void StreamToolCall(const FakeToolCall& call, EventWriter& out) {
  out.ToolStart(call);
  auto half = call.input.size() / 2;
  for (const auto& part : {call.input.substr(0, half), call.input.substr(half)}) {
    out.Delta(One("toolUse", One("input", json::value(part))));
  }
  out.Stop();
}

Reply Stream(const Exchange& exchange, const FakeAnswer& answer) {
  Reply reply;
  reply.streamed = true;
  reply.headers.Add("Content-Type", "application/vnd.amazon.eventstream");
  EventWriter out(reply);
  out.Event("messageStart", One("role", "assistant"));
  if (!answer.reasoning.empty()) {
    out.Delta(One("reasoningContent", One("text", json::value(answer.reasoning))));
    out.Delta(One("reasoningContent", One("signature", "fake-signature")));
    out.Stop();
  }
  for (const auto& chunk : answer.chunks) out.Delta(One("text", json::value(chunk)));
  if (!answer.citation_uri.empty()) out.Delta(One("citation", json::value(Citation(answer))));
  if (!answer.stream_error.empty()) {
    out.Exception(answer.stream_error, answer.error_message);
    return reply;
  }
  if (!answer.chunks.empty()) out.Stop();
  for (const auto& call : answer.tool_calls) StreamToolCall(call, out);
  out.Event("messageStop", One("stopReason", json::value(StopReason(answer))));
  json::object metadata;
  metadata["usage"] = Usage(UsageOf(answer, exchange));
  metadata["metrics"] = One("latencyMs", 5);
  out.Event("metadata", std::move(metadata));
  return reply;
}

// The vendor's stream JSON in chunks; the last one has Bedrock's own counts.
Reply InvokeStream(const Exchange& exchange, const FakeAnswer& answer) {
  auto vendor = anthropic::AnswerStream(exchange, answer);
  Reply reply;
  reply.streamed = true;
  reply.headers.Add("Content-Type", "application/vnd.amazon.eventstream");
  EventWriter out(reply);
  for (const auto& frame : vendor.frames) {
    const auto at = frame.find("data: ") + 6;
    auto document = json::parse(frame.substr(at, frame.size() - at - 2));
    if (document.at("type") == json::value("error")) {
      out.Exception("throttlingException", answer.error_message);
      return reply;
    }
    if (document.at("type") == json::value("message_stop")) {
      const auto usage = UsageOf(answer, exchange);
      document.get_object()["amazon-bedrock-invocationMetrics"] = {
          {"inputTokenCount", usage.input},
          {"outputTokenCount", usage.output},
          {"cacheReadInputTokenCount", usage.cache_read},
          {"cacheWriteInputTokenCount", usage.cache_write},
          {"invocationLatency", 5}};
    }
    out.Event("chunk", One("bytes", json::value(Base64Encode(json::serialize(document)))));
  }
  return reply;
}

Reply Invoke(const Exchange& exchange, const std::string& model) {
  const auto& body = exchange.body;
  int dimensions = 8;
  if (const auto* asked = Member(body, "dimensions"); asked != nullptr && asked->is_int64()) {
    dimensions = static_cast<int>(asked->get_int64());
  }
  if (model.find("titan-embed") != std::string::npos) {
    std::string text(body.at("inputText").get_string());
    json::object out;
    out["embedding"] = json::value_from(FakeVector(text, dimensions));
    out["inputTextTokenCount"] = static_cast<std::int64_t>((text.size() + 3) / 4);
    return JsonReply(200, out);
  }
  json::array vectors;
  for (const auto& text : body.at("texts").get_array()) {
    vectors.push_back(json::value_from(FakeVector(std::string(text.get_string()), dimensions)));
  }
  json::object out;
  out["id"] = "fake";
  out["response_type"] = "embeddings_floats";
  out["embeddings"] = std::move(vectors);
  out["texts"] = body.at("texts");
  return JsonReply(200, out);
}

Reply ModelsReply() {
  json::array models;
  for (const char* id : {"anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0",
                         "amazon.titan-embed-text-v2:0"}) {
    json::object model;
    model["modelId"] = id;
    model["modelArn"] = fmt::format("arn:aws:bedrock:us-east-1::foundation-model/{}", id);
    model["modelName"] = id;
    model["providerName"] = "Fake";
    models.push_back(std::move(model));
  }
  return JsonReply(200, One("modelSummaries", std::move(models)));
}

std::string DefaultType(int status) {
  switch (status) {
    case 403:
      return "AccessDeniedException";
    case 404:
      return "ResourceNotFoundException";
    case 408:
      return "ModelTimeoutException";
    case 424:
      return "ModelErrorException";
    case 429:
      return "ThrottlingException";
    case 503:
      return "ServiceUnavailableException";
    default:
      return status >= 500 ? "InternalServerException" : "ValidationException";
  }
}

}  // namespace

bool Serves(std::string_view path) {
  return path.starts_with("/model/") || path == "/foundation-models";
}

Checked Check(const Exchange& exchange) {
  if (auto refusal = CheckSignature(exchange)) return refusal;
  auto path = exchange.request.path();
  if (path == "/foundation-models") return std::nullopt;
  auto target = TargetOf(path);
  if (!target) return Refusal{404, "UnknownOperationException", "no such operation", "", ""};
  if (!exchange.body_is_json) return Refusal{400, "SerializationException", "not JSON", "", ""};
  if (target->operation == "converse" || target->operation == "converse-stream") {
    return CheckConverse(exchange.body);
  }
  if (target->operation == "count-tokens") return CheckCount(exchange.body);
  if (target->operation == "invoke" || target->operation == "invoke-with-response-stream") {
    return CheckInvoke(target->model, exchange);
  }
  return Refusal{404, "UnknownOperationException", "no such operation", "", ""};
}

Reply Answer(const Exchange& exchange, const FakeAnswer& answer) {
  auto target = TargetOf(exchange.request.path());
  if (!target) return ModelsReply();
  if (target->operation == "converse-stream") return Stream(exchange, answer);
  if (target->operation == "invoke-with-response-stream") return InvokeStream(exchange, answer);
  if (target->operation == "invoke") {
    return IsClaude(target->model) ? anthropic::Answer(exchange, answer)
                                   : Invoke(exchange, target->model);
  }
  if (target->operation == "count-tokens") {
    return JsonReply(200, One("inputTokens", UsageOf(answer, exchange).input));
  }
  return Whole(exchange, answer);
}

Reply Refuse(const Refusal& refusal) {
  auto reply = JsonReply(refusal.status, One("message", json::value(refusal.message)));
  reply.headers.Add("x-amzn-ErrorType",
                    refusal.type.empty() ? DefaultType(refusal.status) : refusal.type);
  reply.headers.Add("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000");
  return reply;
}

}  // namespace strata::fakes::bedrock
