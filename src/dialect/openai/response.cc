// Chat completion answers in one piece, both ways.

#include <utility>

#include "base/check.h"
#include "dialect/json/strata_member.h"
#include "dialect/json/upstream.h"
#include "dialect/json_value.h"
#include "dialect/openai.h"
#include "dialect/openai/annotations.h"
#include "dialect/openai/logprobs.h"
#include "dialect/openai/message.h"

namespace strata::dialect::openai {
namespace {

using domain::StopReason;

// The free text that a custom tool is called with, as an object's only member.
Result<domain::ToolUseBlock> ReadCustomCall(const JsonField& call) {
  auto custom = call.Get("custom");
  auto id = call.Get("id");
  auto name = custom.Get("name");
  domain::ToolUseBlock use;
  STRATA_TRY(use.id, id.String());
  STRATA_TRY(use.name, name.NonEmptyString());
  JsonWriter input;
  use.input.text = input.BeginObject().Field("input", custom.TextAt("input")).EndObject().Take();
  return use;
}

Result<> ReadToolCalls(const JsonField& calls, domain::ChatResponse& out) {
  STRATA_CHECK_OK(calls.ExpectArray());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto call = calls.Item(i);
    STRATA_CHECK_OK(call.ExpectObject());
    if (call.Get("custom").present()) {
      STRATA_TRY(auto use, ReadCustomCall(call));
      out.content.emplace_back(std::move(use));
      continue;
    }
    auto type = call.Get("type");
    if (type.present() && !type.Is("function")) continue;  // newer than this code
    auto function = call.Get("function");
    STRATA_CHECK_OK(function.ExpectObject());
    auto id = call.Get("id");
    auto name = function.Get("name");
    auto arguments = function.Get("arguments");
    domain::ToolUseBlock use;
    STRATA_TRY(use.id, id.String());
    STRATA_TRY(use.name, name.NonEmptyString());
    // Some servers give the object itself instead of a string that holds it.
    if (arguments.present() && arguments.value().object() != nullptr) {
      use.input.text = arguments.value().Dump();
    } else if (arguments.present()) {
      STRATA_TRY(use.input.text, arguments.String());
    }
    if (use.input.text.empty()) use.input.text = "{}";
    out.content.emplace_back(std::move(use));
  }
  return {};
}

// First of the members that is a string with something in it.
std::string AnyText(const JsonField& object, std::initializer_list<std::string_view> keys) {
  for (auto key : keys) {
    auto field = object.Get(key);
    const auto* text = field.present() ? field.value().string() : nullptr;
    if (text != nullptr && !text->empty()) return *text;
  }
  return {};
}

// Mistral's form of an answer that thinks; parts of other types are left out.
void AddParts(const JsonField& content, domain::ChatResponse& out) {
  for (auto& part : ReadParts(content)) {
    if (part.thought) {
      out.content.emplace_back(
          domain::ReasoningBlock{.text = std::move(part.text), .signature = {}, .redacted = {}});
    } else {
      out.content.emplace_back(domain::TextBlock{.text = std::move(part.text), .citations = {}});
    }
  }
}

Result<> ReadMessage(const JsonField& message, domain::ChatResponse& out) {
  STRATA_CHECK_OK(message.ExpectObject());
  if (auto text = AnyText(message, {"reasoning_content", "reasoning"}); !text.empty()) {
    out.content.emplace_back(
        domain::ReasoningBlock{.text = std::move(text), .signature = {}, .redacted = {}});
  }
  auto content = message.Get("content");
  if (content.present() && content.value().array() != nullptr) {
    AddParts(content, out);
  } else if (content.present()) {
    STRATA_TRY(auto text, content.String());
    auto calls = message.Get("tool_calls");
    // Servers write "" beside calls.
    if (!text.empty() || !calls.present()) {
      out.content.emplace_back(domain::TextBlock{.text = std::move(text), .citations = {}});
    }
  }
  if (auto refusal = message.Get("refusal"); refusal.present()) {
    STRATA_TRY(auto text, refusal.String());
    out.content.emplace_back(domain::TextBlock{.text = std::move(text), .citations = {}});
    out.stop_reason = StopReason::kRefusal;
  }
  if (auto annotations = message.Get("annotations"); annotations.present()) {
    STRATA_CHECK_OK(DecodeAnnotations(annotations, out.content));
  }
  if (auto calls = message.Get("tool_calls"); calls.present()) {
    STRATA_CHECK_OK(ReadToolCalls(calls, out));
  }
  return {};
}

Result<domain::ChatResponse> Decode(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  domain::ChatResponse out;
  out.id = AnyText(body, {"id"});
  out.model = AnyText(body, {"model"});
  auto choices = body.Get("choices");
  STRATA_CHECK_OK(choices.ExpectArray());
  auto choice = choices.Item(0);
  STRATA_CHECK_OK(choice.ExpectObject());
  out.stop_reason = StopReasonOf(AnyText(choice, {"finish_reason"}));
  // vLLM says here which stop string matched.
  out.stop_sequence = AnyText(choice, {"stop_reason"});
  if (!out.stop_sequence.empty() && out.stop_reason == StopReason::kEndTurn) {
    out.stop_reason = StopReason::kStopSequence;
  }
  auto message = choice.Get("message");
  STRATA_CHECK_OK(ReadMessage(message, out));
  auto logprobs = choice.Get("logprobs");
  STRATA_TRY(auto tokens, ReadLogprobs(logprobs));
  for (auto& block : out.content) {
    auto* text = std::get_if<domain::TextBlock>(&block);
    if (text != nullptr) text->logprobs = std::exchange(tokens, {});
  }
  auto usage = body.Get("usage");
  out.usage = ReadUsage(usage);
  return out;
}

}  // namespace

std::string EncodeChatResponse(const domain::ChatResponse& response, const AnswerMeta& meta) {
  JsonWriter out;
  out.BeginObject().Field("id", AnswerId(meta.request_id, response.id));
  out.Field("object", "chat.completion").Field("created", meta.created_s);
  out.Field("model", meta.model.empty() ? response.model : meta.model);
  out.Key("choices").BeginArray().BeginObject().Field("index", 0).Key("message").BeginObject();
  const bool refused = response.stop_reason == StopReason::kRefusal;
  auto written = WriteAssistantMembers(out, response.content,
                                       refused ? MessageUse::kRefusal : MessageUse::kAnswer);
  STRATA_CHECK(written.has_value(), "an answer holds only text, reasoning and tool calls");
  std::vector<domain::TokenLogprob> tokens;
  for (const auto& block : response.content) {
    const auto* text = std::get_if<domain::TextBlock>(&block);
    if (text == nullptr) continue;
    tokens.insert(tokens.end(), text->logprobs.begin(), text->logprobs.end());
  }
  WriteLogprobs(out.EndObject(), tokens, refused ? LogprobsOf::kRefusal : LogprobsOf::kContent);
  out.Field("finish_reason", FinishReason(response.stop_reason));
  if (response.stop_reason == StopReason::kStopSequence) {
    out.FieldIfAny("stop_reason", response.stop_sequence);
  }
  out.EndObject().EndArray().Key("usage");
  WriteUsage(out, response.usage);
  out.FieldIfAny("service_tier", meta.service_tier);
  WriteStrataMember(out, meta);
  return out.EndObject().Take();
}

Result<domain::ChatResponse> DecodeChatResponse(std::string_view body) {
  auto response = Decode(body);
  if (!response) return Fail(AsUpstreamFault(std::move(response.error())));
  return response;
}

}  // namespace strata::dialect::openai
