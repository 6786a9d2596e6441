// A provider's response → domain: in one piece, and its events.

#include "dialect/responses/answer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "dialect/json/block_emitter.h"
#include "dialect/json/feed.h"
#include "dialect/json/upstream.h"
#include "dialect/responses/annotations.h"
#include "dialect/responses_wire.h"
#include "dialect/sse.h"

namespace strata::dialect::responses {
namespace {

using domain::BlockKind;
using domain::StopReason;
using Events = std::vector<domain::StreamEvent>;

std::int64_t CountAt(const JsonField& object, std::string_view key) {
  auto field = object.Get(key);
  return field.Integer(0, domain::kTokensMax).value_or(0);
}

// Texts of a list of {type, text}.
std::string TextsOf(const JsonField& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) out += list.Item(i).TextAt("text");
  return out;
}

std::vector<domain::Citation> CitationsOf(const JsonField& annotations) {
  std::vector<domain::Citation> out;
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    auto item = annotations.Item(i);
    auto citation = DecodeAnnotation(item);
    if (citation.has_value() && *citation) out.push_back(std::move(**citation));
  }
  return out;
}

void AddMessage(const JsonField& item, domain::ChatResponse& out, bool& refused) {
  auto content = item.Get("content");
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto part = content.Item(i);
    if (auto type = part.Get("type"); type.Is("refusal")) {
      refused = true;
      out.content.emplace_back(domain::TextBlock{.text = part.TextAt("refusal"), .citations = {}});
    } else if (type.Is("output_text")) {
      auto annotations = part.Get("annotations");
      out.content.emplace_back(
          domain::TextBlock{.text = part.TextAt("text"), .citations = CitationsOf(annotations)});
    }
  }
}

std::string ThinkingOf(const JsonField& item) {
  auto summary = item.Get("summary");
  auto content = item.Get("content");
  return TextsOf(summary) + TextsOf(content);
}

EndFacts EndOf(const JsonField& response, bool calls, bool refused) {
  auto details = response.Get("incomplete_details");
  return {.incomplete = details.TextAt("reason"), .calls = calls, .refused = refused};
}

Result<domain::ChatResponse> Decode(std::string_view body) {
  STRATA_TRY(auto root, ParseJson(body));
  JsonField response(root);
  STRATA_CHECK_OK(response.ExpectObject());
  auto output = response.Get("output");
  STRATA_CHECK_OK(output.ExpectArray());
  domain::ChatResponse out;
  out.id = response.TextAt("id");
  out.model = response.TextAt("model");
  bool calls = false;
  bool refused = false;
  for (std::size_t i = 0; i < output.size(); ++i) {
    auto item = output.Item(i);
    auto type = item.Get("type");
    if (type.Is("message")) AddMessage(item, out, refused);
    if (type.Is("reasoning")) {
      auto text = ThinkingOf(item);
      if (text.empty()) continue;
      out.content.emplace_back(
          domain::ReasoningBlock{.text = std::move(text), .signature = {}, .redacted = {}});
    }
    if (!type.Is("function_call")) continue;
    calls = true;
    out.content.emplace_back(domain::ToolUseBlock{.id = item.TextAt("call_id"),
                                                  .name = item.TextAt("name"),
                                                  .input = {item.TextAt("arguments")}});
  }
  auto usage = response.Get("usage");
  out.usage = ReadUsage(usage);
  out.stop_reason = StopReasonOf(EndOf(response, calls, refused));
  return out;
}

class EventDecoder final : public SseStreamDecoder {
 private:
  Result<> OnEvent(const SseEvent& event, Events& out) override;
  void OnType(std::string_view type, const JsonField& data, Events& out);
  void OnItem(const JsonField& item, Events& out);
  void OnText(std::string text, bool refusal, Events& out);
  void OnThought(std::string text, Events& out);
  void OnArguments(std::string json, Events& out);
  void OnAnnotation(const JsonField& annotation, Events& out);
  void End(const JsonField& response, Events& out);

  bool arguments_ = false;  // of the open call have come
  bool calls_ = false;
  bool refused_ = false;
};

Result<> EventDecoder::OnEvent(const SseEvent& event, Events& out) {
  if (event.data == "[DONE]") return {};
  auto root = ParseJson(event.data);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField data(*root);
  auto type = data.TextAt("type");
  if (type.empty()) type = event.event;
  auto response = data.Get("response");
  auto error = type == "error" ? data.Get("error") : response.Get("error");
  if (type == "error" || type == "response.failed") {
    const auto& said = error.present() ? error : data;
    return Fail(FailureOf(said.TextAt("code"), said.TextAt("message")));
  }
  OnType(type, data, out);
  return {};
}

void EventDecoder::OnType(std::string_view type, const JsonField& data, Events& out) {
  if (type == "response.output_text.delta") return OnText(data.TextAt("delta"), false, out);
  if (type == "response.refusal.delta") return OnText(data.TextAt("delta"), true, out);
  if (type == "response.reasoning_summary_text.delta" || type == "response.reasoning_text.delta") {
    return OnThought(data.TextAt("delta"), out);
  }
  if (type == "response.function_call_arguments.delta") {
    return OnArguments(data.TextAt("delta"), out);
  }
  auto response = data.Get("response");
  if (type == "response.created") {
    out.emplace_back(domain::StreamStart{
        .id = response.TextAt("id"), .model = response.TextAt("model"), .usage = {}});
  } else if (type == "response.output_item.added") {
    auto item = data.Get("item");
    OnItem(item, out);
  } else if (type == "response.content_part.added") {
    auto part = data.Get("part");
    auto kind = part.Get("type");
    // A block for each part, also for one without text.
    if (kind.Is("output_text") || kind.Is("refusal")) blocks_.Begin(out, BlockKind::kText);
  } else if (type == "response.output_text.annotation.added") {
    auto annotation = data.Get("annotation");
    OnAnnotation(annotation, out);
  } else if (type == "response.function_call_arguments.done") {
    if (!arguments_) OnArguments(data.TextAt("arguments"), out);
  } else if (type == "response.output_text.done" || type == "response.refusal.done" ||
             type == "response.output_item.done") {
    blocks_.Close(out);
  } else if (type == "response.completed" || type == "response.incomplete") {
    End(response, out);
  }
}

void EventDecoder::OnItem(const JsonField& item, Events& out) {
  auto type = item.Get("type");
  if (!type.Is("function_call")) return;
  calls_ = true;
  arguments_ = false;
  blocks_.Begin(out, BlockKind::kToolUse, item.TextAt("call_id"), item.TextAt("name"));
}

void EventDecoder::OnText(std::string text, bool refusal, Events& out) {
  refused_ = refused_ || refusal;
  if (text.empty()) return;
  blocks_.Need(out, BlockKind::kText);
  out.emplace_back(domain::TextDelta{
      .index = blocks_.index(), .text = std::move(text), .logprobs = {}, .refusal = refusal});
}

void EventDecoder::OnThought(std::string text, Events& out) {
  if (text.empty()) return;
  blocks_.Need(out, BlockKind::kReasoning);
  out.emplace_back(domain::ReasoningDelta{
      .index = blocks_.index(), .text = std::move(text), .signature = {}, .redacted = {}});
}

void EventDecoder::OnArguments(std::string json, Events& out) {
  if (json.empty() || !blocks_.open(BlockKind::kToolUse)) return;
  arguments_ = true;
  out.emplace_back(domain::ToolInputDelta{.index = blocks_.index(), .json = std::move(json)});
}

void EventDecoder::OnAnnotation(const JsonField& annotation, Events& out) {
  auto citation = DecodeAnnotation(annotation);
  if (!citation.has_value() || !*citation) return;
  blocks_.Need(out, BlockKind::kText);
  out.emplace_back(
      domain::CitationDelta{.index = blocks_.index(), .citation = std::move(**citation)});
}

void EventDecoder::End(const JsonField& response, Events& out) {
  blocks_.Close(out);
  auto usage = response.Get("usage");
  usage_ = ReadUsage(usage);
  out.emplace_back(domain::StreamEnd{.stop_reason = StopReasonOf(EndOf(response, calls_, refused_)),
                                     .stop_sequence = {},
                                     .usage = usage_});
  ended_ = true;
}

}  // namespace

StopReason StopReasonOf(const EndFacts& facts) {
  if (facts.incomplete == "content_filter") return StopReason::kContentFiltered;
  if (!facts.incomplete.empty()) return StopReason::kMaxTokens;
  if (facts.calls) return StopReason::kToolUse;
  return facts.refused ? StopReason::kRefusal : StopReason::kEndTurn;
}

Error FailureOf(std::string_view code, std::string_view message) {
  auto type = code;
  if (code == "rate_limit_exceeded") type = "rate_limit_error";
  const bool callers = code.starts_with("invalid_") || code.find("image") != code.npos ||
                       code == "context_length_exceeded";
  if (callers) type = "invalid_request_error";
  return UpstreamStreamError(type, message.empty() ? code : message);
}

domain::Usage ReadUsage(const JsonField& usage) {
  domain::Usage out;
  if (!usage.present()) return out;
  auto input = usage.Get("input_tokens_details");
  auto output = usage.Get("output_tokens_details");
  out.cache_read_tokens = CountAt(input, "cached_tokens");
  out.cache_write_tokens = CountAt(input, "cache_write_tokens");
  out.input_tokens = std::max<std::int64_t>(
      CountAt(usage, "input_tokens") - out.cache_read_tokens - out.cache_write_tokens, 0);
  out.output_tokens = CountAt(usage, "output_tokens");
  out.reasoning_tokens = CountAt(output, "reasoning_tokens");
  return out;
}

Result<domain::ChatResponse> DecodeResponse(std::string_view body) {
  auto response = Decode(body);
  if (!response) return Fail(AsUpstreamFault(std::move(response.error())));
  return response;
}

std::unique_ptr<StreamDecoder> MakeStreamDecoder() { return std::make_unique<EventDecoder>(); }

}  // namespace strata::dialect::responses
