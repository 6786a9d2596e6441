// The Gemini API: https://ai.google.dev/api, its form on Vertex AI, and Google's token endpoint.

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <set>

#include "base/encoding.h"
#include "tests/fakes/strata_fake_provider/vendor.h"

namespace strata::fakes::gemini {
namespace {

namespace json = boost::json;

constexpr std::string_view kSignature = "ZmFrZS1zaWduYXR1cmU=";  // base64, as the API demands

const std::set<std::string_view> kMembers = {
    "contents",         "systemInstruction", "tools",  "toolConfig",  "safetySettings",
    "generationConfig", "cachedContent",     "labels", "serviceTier", "store"};
const std::set<std::string_view> kConfigMembers = {"temperature",
                                                   "topP",
                                                   "topK",
                                                   "candidateCount",
                                                   "maxOutputTokens",
                                                   "stopSequences",
                                                   "seed",
                                                   "responseMimeType",
                                                   "responseSchema",
                                                   "responseJsonSchema",
                                                   "thinkingConfig",
                                                   "presencePenalty",
                                                   "frequencyPenalty",
                                                   "responseLogprobs",
                                                   "logprobs",
                                                   "responseModalities"};
const std::set<std::string_view> kData = {"text",         "inlineData",       "fileData",
                                          "functionCall", "functionResponse", "executableCode"};

Refusal Bad(std::string message) { return {400, "INVALID_ARGUMENT", std::move(message), "", ""}; }

bool IsVertex(std::string_view path) { return path.starts_with("/v1/projects/"); }
bool IsList(std::string_view path) {
  return path == "/v1beta/models" || path == "/v1beta1/publishers/google/models";
}
bool IsClaude(std::string_view path) { return path.ends_with("awPredict"); }

std::string_view OperationOf(std::string_view path) {
  const auto colon = path.rfind(':');
  return colon == path.npos ? std::string_view() : path.substr(colon + 1);
}

std::string ModelOf(std::string_view path) {
  const auto from = path.rfind('/') + 1;
  return PercentDecode(path.substr(from, path.rfind(':') - from)).value_or("");
}

Checked CheckKey(const Exchange& exchange) {
  const auto& headers = exchange.request.headers;
  const auto path = exchange.request.path();
  if (IsVertex(path) || path.starts_with("/v1beta1/")) {
    if (headers.Get("Authorization") == "Bearer " + exchange.keys.google_token) return std::nullopt;
    return Refusal{401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", "",
                   ""};
  }
  if (headers.Get("x-goog-api-key") == exchange.keys.gemini) return std::nullopt;
  return Refusal{400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "",
                 "API_KEY_INVALID"};
}

// One part of a content; counts calls and their answers, which the API wants in equal number.
struct Turn {
  int calls = 0;
  int results = 0;
};

Checked CheckPart(const json::object& part, std::string_view place, Turn& turn) {
  int data = 0;
  for (const auto& member : part) data += kData.contains(member.key()) ? 1 : 0;
  if (data != 1) {
    return Bad(
        fmt::format("{}.data: required oneof field 'data' must have one initialized field", place));
  }
  if (const auto* call = Member(part, "functionCall")) {
    if (!call->is_object() || !IsString(call->get_object(), "name")) {
      return Bad(fmt::format("{}.function_call.name: Name cannot be empty.", place));
    }
    ++turn.calls;
  }
  if (const auto* result = Member(part, "functionResponse")) {
    if (!result->is_object() || !IsString(result->get_object(), "name") ||
        !result->get_object().contains("response")) {
      return Bad(fmt::format("{}.function_response.name: Name cannot be empty.", place));
    }
    ++turn.results;
  }
  if (const auto* signature = Member(part, "thoughtSignature")) {
    const bool text = signature->is_string();
    const std::string value = text ? std::string(signature->get_string()) : "";
    if (value != kSignature && value != "skip_thought_signature_validator") {
      return Bad("Thought signature is not valid.");
    }
  }
  return std::nullopt;
}

Checked CheckContents(const json::array& contents) {
  Turn before;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const auto place = fmt::format("GenerateContentRequest.contents[{}]", i);
    const auto* content = contents[i].if_object();
    const auto* role = content == nullptr ? nullptr : Member(*content, "role");
    if (role == nullptr || (*role != json::value("user") && *role != json::value("model"))) {
      return Bad("Please use a valid role: user, model.");
    }
    const auto* parts = FilledArray(*content, "parts");
    if (parts == nullptr) return Bad(place + ".parts: contents.parts must not be empty.");
    Turn turn;
    for (const auto& part : *parts) {
      if (!part.is_object()) return Bad(place + ".parts: not an object");
      if (auto refusal = CheckPart(part.get_object(), place + ".parts", turn)) return refusal;
    }
    if (turn.results != before.calls) {
      return Bad(
          "Please ensure that the number of function response parts is equal to the number of "
          "function call parts of the function call turn.");
    }
    before = turn;
  }
  return std::nullopt;
}

Checked CheckGenerate(const json::object& body) {
  for (const auto& member : body) {
    if (!kMembers.contains(member.key())) {
      return Bad(
          fmt::format("Invalid JSON payload received. Unknown name \"{}\": Cannot find field.",
                      std::string_view(member.key())));
    }
  }
  const auto* contents = FilledArray(body, "contents");
  if (contents == nullptr)
    return Bad("* GenerateContentRequest.contents: contents is not specified");
  if (auto refusal = CheckContents(*contents)) return refusal;
  const auto* config = Member(body, "generationConfig");
  if (config == nullptr) return std::nullopt;
  if (!config->is_object()) return Bad("generation_config: not an object");
  for (const auto& member : config->get_object()) {
    if (!kConfigMembers.contains(member.key())) {
      return Bad(fmt::format("Unknown name \"{}\" at 'generation_config': Cannot find field.",
                             std::string_view(member.key())));
    }
  }
  const auto* stops = Member(config->get_object(), "stopSequences");
  if (stops != nullptr && (!stops->is_array() || stops->get_array().size() > 5)) {
    return Bad("generation_config.stop_sequences: at most 5 are allowed");
  }
  return std::nullopt;
}

Checked CheckStatement(const Exchange& exchange) {
  const auto& body = exchange.request.body;
  const auto grant = net::QueryParameter(body, "grant_type");
  const auto assertion = net::QueryParameter(body, "assertion").value_or("");
  const Refusal bad{400, "invalid_grant", "Invalid JWT Signature.", "", ""};
  if (grant != "urn:ietf:params:oauth:grant-type:jwt-bearer") return bad;
  const auto dot = assertion.rfind('.');
  if (dot == assertion.npos) return bad;
  auto encoded = assertion.substr(dot + 1);
  std::ranges::replace(encoded, '-', '+');
  std::ranges::replace(encoded, '_', '/');
  const auto signature = Base64Decode(encoded).value_or("");
  const auto& pem = exchange.keys.google_public_key;
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  auto bytes = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  if (!key || EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestVerify(digest.get(), bytes(signature), signature.size(), bytes(assertion), dot) !=
          1) {
    return bad;
  }
  return std::nullopt;
}

json::object Usage(const FakeUsage& usage) {
  auto prompt = usage.input + usage.cache_read;
  json::object out = {{"promptTokenCount", prompt},
                      {"candidatesTokenCount", usage.output - usage.reasoning},
                      {"totalTokenCount", prompt + usage.output}};
  if (usage.cache_read > 0) out["cachedContentTokenCount"] = usage.cache_read;
  if (usage.reasoning > 0) out["thoughtsTokenCount"] = usage.reasoning;
  return out;
}

std::string FinishReason(const FakeAnswer& answer) {
  const auto stop = StopOf(answer);
  if (stop == "max_tokens") return "MAX_TOKENS";
  return stop == "content_filter" || stop == "refusal" ? "SAFETY" : "STOP";
}

json::object Call(const FakeToolCall& call, bool with_signature) {
  json::object part = {
      {"functionCall", {{"id", call.id}, {"name", call.name}, {"args", json::parse(call.input)}}}};
  if (with_signature) part["thoughtSignature"] = kSignature;
  return part;
}

json::array Calls(const FakeAnswer& answer) {
  json::array parts;
  for (const auto& call : answer.tool_calls) {
    parts.push_back(Call(call, parts.empty() && !answer.reasoning.empty()));
  }
  return parts;
}

void AddGrounding(const FakeAnswer& answer, std::string_view text, json::object& candidate) {
  if (answer.citation_uri.empty()) return;
  json::object source = {{"uri", answer.citation_uri},
                         {"title", answer.citation_title},
                         {"text", answer.citation_quote}};
  json::object support = {
      {"segment", {{"startIndex", 0}, {"endIndex", text.size()}, {"text", text}}},
      {"groundingChunkIndices", json::array{0}}};
  candidate["groundingMetadata"] = {
      {"groundingChunks", json::array{{{"retrievedContext", std::move(source)}}}},
      {"groundingSupports", json::array{std::move(support)}}};
}

json::object Chunk(const Exchange& exchange, json::array parts) {
  return {{"candidates", json::array{{{"content", {{"parts", std::move(parts)}, {"role", "model"}}},
                                      {"index", 0}}}},
          {"modelVersion", ModelOf(exchange.request.path())},
          {"responseId", "fake-response"}};
}

json::object& Candidate(json::object& chunk) {
  return chunk["candidates"].as_array().front().as_object();
}

Reply Whole(const Exchange& exchange, const FakeAnswer& answer) {
  json::array parts;
  if (!answer.reasoning.empty()) parts.push_back({{"text", answer.reasoning}, {"thought", true}});
  std::string text;
  for (const auto& chunk : answer.chunks) text += chunk;
  const bool text_signed = !answer.reasoning.empty() && answer.tool_calls.empty();
  if (!text.empty()) {
    json::object part = {{"text", text}};
    if (text_signed) part["thoughtSignature"] = kSignature;
    parts.push_back(std::move(part));
  }
  for (auto& call : Calls(answer)) parts.push_back(std::move(call));
  auto body = Chunk(exchange, std::move(parts));
  Candidate(body)["finishReason"] = FinishReason(answer);
  AddGrounding(answer, text, Candidate(body));
  if (!answer.citation_uri.empty()) {
    // Offsets count within the part.
    const int part = answer.reasoning.empty() ? 0 : 1;
    Candidate(body)["groundingMetadata"]
        .as_object()["groundingSupports"]
        .as_array()
        .front()
        .as_object()["segment"]
        .as_object()["partIndex"] = part;
  }
  body["usageMetadata"] = Usage(UsageOf(answer, exchange));
  return JsonReply(200, body);
}

Reply Stream(const Exchange& exchange, const FakeAnswer& answer) {
  Reply reply;
  reply.streamed = true;
  reply.headers.Add("Content-Type", "text/event-stream");
  auto send = [&](const json::object& chunk) {
    reply.frames.push_back(fmt::format("data: {}\r\n\r\n", json::serialize(chunk)));
  };
  if (!answer.reasoning.empty()) {
    send(Chunk(exchange, {{{"text", answer.reasoning}, {"thought", true}}}));
  }
  std::string text;
  for (const auto& piece : answer.chunks) {
    text += piece;
    send(Chunk(exchange, {{{"text", piece}}}));
  }
  if (!answer.stream_error.empty()) {
    send({{"error",
           {{"code", 503}, {"message", answer.error_message}, {"status", answer.stream_error}}}});
    return reply;
  }
  if (!answer.tool_calls.empty()) send(Chunk(exchange, Calls(answer)));
  json::object last = {{"text", ""}};
  if (!answer.reasoning.empty() && answer.tool_calls.empty()) last["thoughtSignature"] = kSignature;
  auto end = Chunk(exchange, json::array{std::move(last)});
  Candidate(end)["finishReason"] = FinishReason(answer);
  AddGrounding(answer, text, Candidate(end));
  send(end);
  json::object usage = {{"usageMetadata", Usage(UsageOf(answer, exchange))}};
  send(usage);
  return reply;
}

Reply EmbedReply(const Exchange& exchange, bool predict) {
  json::array rows;
  for (const auto& item : exchange.body.at(predict ? "instances" : "requests").as_array()) {
    std::string text;
    if (predict) {
      text = std::string(item.at("content").as_string());
    } else {
      text = std::string(item.at("content").at("parts").as_array().at(0).at("text").as_string());
    }
    json::object vector = {{"values", json::value_from(FakeVector(text, 8))}};
    if (predict) {
      vector["statistics"] = {{"token_count", text.size() / 4 + 1}, {"truncated", false}};
      rows.push_back({{"embeddings", std::move(vector)}});
    } else {
      rows.push_back(std::move(vector));
    }
  }
  return JsonReply(200, {{predict ? "predictions" : "embeddings", std::move(rows)}});
}

Reply ModelsReply(bool publisher) {
  json::array models;
  for (const char* id : {"gemini-2.5-flash", "gemini-3-pro"}) {
    models.push_back(
        {{"name", fmt::format("{}models/{}", publisher ? "publishers/google/" : "", id)},
         {"displayName", id}});
  }
  return JsonReply(200, {{publisher ? "publisherModels" : "models", std::move(models)}});
}

}  // namespace

bool Serves(const net::HttpRequest& request) {
  auto path = request.path();
  return path == "/token" || IsVertex(path) || path.starts_with("/v1beta/models") || IsList(path);
}

Checked Check(const Exchange& exchange) {
  const auto path = exchange.request.path();
  if (path == "/token") return CheckStatement(exchange);
  if (auto refusal = CheckKey(exchange)) return refusal;
  if (IsList(path)) return std::nullopt;
  if (!exchange.body_is_json) return Bad("Invalid JSON payload received.");
  if (IsClaude(path)) return anthropic::CheckHostedBody(exchange, "vertex-2023-10-16");
  const auto operation = OperationOf(path);
  const auto& body = exchange.body;
  if (operation == "batchEmbedContents" || operation == "predict") {
    const bool batch = operation == "batchEmbedContents";
    if (FilledArray(body, batch ? "requests" : "instances") == nullptr) return Bad("no texts");
    return std::nullopt;
  }
  if (operation == "countTokens") {
    const auto* whole = Member(body, "generateContentRequest");
    const auto& counted = whole != nullptr && whole->is_object() ? whole->get_object() : body;
    const auto* contents = FilledArray(counted, "contents");
    if (contents == nullptr) return Bad("* CountTokensRequest.contents: contents is not specified");
    return CheckContents(*contents);
  }
  if (operation != "generateContent" && operation != "streamGenerateContent") {
    return Refusal{404, "NOT_FOUND", "no such method", "", ""};
  }
  return CheckGenerate(body);
}

Reply Answer(const Exchange& exchange, const FakeAnswer& answer) {
  const auto path = exchange.request.path();
  if (path == "/token") {
    return JsonReply(200, {{"access_token", exchange.keys.google_token},
                           {"expires_in", 3600},
                           {"token_type", "Bearer"}});
  }
  if (IsList(path)) return ModelsReply(path.starts_with("/v1beta1/"));
  if (IsClaude(path)) return anthropic::Answer(exchange, answer);
  const auto operation = OperationOf(path);
  if (operation == "batchEmbedContents") return EmbedReply(exchange, false);
  if (operation == "predict") return EmbedReply(exchange, true);
  if (operation == "countTokens") {
    return JsonReply(200, {{"totalTokens", UsageOf(answer, exchange).input}});
  }
  return operation == "generateContent" ? Whole(exchange, answer) : Stream(exchange, answer);
}

Reply Refuse(const Refusal& refusal) {
  std::string type = refusal.type;
  if (type.empty()) {
    type = refusal.status == 429   ? "RESOURCE_EXHAUSTED"
           : refusal.status == 503 ? "UNAVAILABLE"
                                   : "INTERNAL";
  }
  json::object error = {{"code", refusal.status}, {"message", refusal.message}, {"status", type}};
  if (!refusal.code.empty()) {
    error["details"] = json::array{
        {{"@type", "type.googleapis.com/google.rpc.ErrorInfo"}, {"reason", refusal.code}}};
  }
  return JsonReply(refusal.status, {{"error", std::move(error)}});
}

}  // namespace strata::fakes::gemini
