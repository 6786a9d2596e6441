// Events of a Cohere chat stream → domain events.

#include "dialect/cohere.h"
#include "dialect/cohere/answer.h"
#include "dialect/json/block_emitter.h"
#include "dialect/json/feed.h"
#include "dialect/json_value.h"

namespace strata::dialect::cohere {
namespace {

using domain::BlockKind;
using Events = std::vector<domain::StreamEvent>;

class ChatDecoder final : public SseStreamDecoder {
 private:
  Result<> OnEvent(const SseEvent& event, Events& out) override;
  Result<> OnMessage(const JsonField& body, std::string_view type, Events& out);
  Result<> OnContent(const JsonField& body, const JsonField& content, Events& out);
  Result<> OnCall(const JsonField& call, std::string_view type, Events& out);
  Result<> OnCitation(const JsonField& citation, Events& out);
  Result<> OnEnd(const JsonField& delta, Events& out);
  void Text(std::string text, std::vector<domain::TokenLogprob> logprobs, Events& out);

  bool started_ = false;
};

void ChatDecoder::Text(std::string text, std::vector<domain::TokenLogprob> logprobs, Events& out) {
  if (text.empty()) return;
  blocks_.Need(out, BlockKind::kText);
  out.emplace_back(domain::TextDelta{
      .index = blocks_.index(), .text = std::move(text), .logprobs = std::move(logprobs)});
}

// content-start and content-delta. The block stays open at content-end: citations may follow.
Result<> ChatDecoder::OnContent(const JsonField& body, const JsonField& content, Events& out) {
  auto field = body.Get("logprobs");
  STRATA_TRY(auto logprobs, ReadLogprobs(field));
  if (auto thinking = content.TextAt("thinking"); !thinking.empty()) {
    blocks_.Need(out, BlockKind::kReasoning);
    out.emplace_back(domain::ReasoningDelta{
        .index = blocks_.index(), .text = std::move(thinking), .signature = {}, .redacted = {}});
  }
  Text(content.TextAt("text"), std::move(logprobs), out);
  return {};
}

Result<> ChatDecoder::OnCall(const JsonField& call, std::string_view type, Events& out) {
  STRATA_CHECK_OK(call.ExpectObject());
  auto function = call.Get("function");
  if (type == "tool-call-start") {
    blocks_.Begin(out, BlockKind::kToolUse, call.TextAt("id"), function.TextAt("name"));
  }
  auto arguments = function.TextAt("arguments");
  if (arguments.empty() || !blocks_.open(BlockKind::kToolUse)) return {};
  out.emplace_back(domain::ToolInputDelta{.index = blocks_.index(), .json = std::move(arguments)});
  return {};
}

Result<> ChatDecoder::OnCitation(const JsonField& citation, Events& out) {
  STRATA_TRY(auto cited, ReadCitation(citation));
  blocks_.Need(out, BlockKind::kText);
  for (auto& one : cited) {
    out.emplace_back(domain::CitationDelta{.index = blocks_.index(), .citation = std::move(one)});
  }
  return {};
}

Result<> ChatDecoder::OnEnd(const JsonField& delta, Events& out) {
  auto usage = delta.Get("usage");
  usage_ = ReadUsage(usage);
  if (auto said = delta.TextAt("error"); !said.empty()) {
    return Fail(UpstreamStreamError("error", said));
  }
  STRATA_TRY(auto reason, StopReasonOf(delta.TextAt("finish_reason")));
  blocks_.Close(out);
  out.emplace_back(domain::StreamEnd{.stop_reason = reason, .stop_sequence = {}, .usage = usage_});
  ended_ = true;
  return {};
}

Result<> ChatDecoder::OnMessage(const JsonField& body, std::string_view type, Events& out) {
  if (!started_) {
    started_ = true;
    out.emplace_back(
        domain::StreamStart{.id = body.TextAt("id"), .model = body.TextAt("model"), .usage = {}});
  }
  auto delta = body.Get("delta");
  if (type == "message-end") return OnEnd(delta, out);
  auto message = delta.Get("message");
  if (type == "content-start" || type == "content-delta") {
    auto content = message.Get("content");
    return OnContent(body, content, out);
  }
  if (type == "tool-plan-delta") {
    Text(message.TextAt("tool_plan"), {}, out);
    return {};
  }
  if (type == "tool-call-start" || type == "tool-call-delta") {
    auto call = message.Get("tool_calls");
    return OnCall(call, type, out);
  }
  if (type == "citation-start") {
    auto citation = message.Get("citations");
    return OnCitation(citation, out);
  }
  return {};  // message-start, the ends of parts, debug
}

Result<> ChatDecoder::OnEvent(const SseEvent& event, Events& out) {
  if (event.data == "[DONE]") return {};
  auto root = ParseJson(event.data);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  auto type = body.TextAt("type");
  if (type.empty()) type = event.event;
  if (type.empty() || type == "error" || type == "stream-error") {
    return Fail(UpstreamStreamError("error", body.TextAt("message")));
  }
  auto done = OnMessage(body, type, out);
  // What the provider said of itself stays as it is; what cannot be read is its fault.
  if (!done && done.error().code() == Code::kUnavailable) return done;
  if (!done) return Fail(AsUpstreamFault(std::move(done.error())));
  return {};
}

}  // namespace

std::unique_ptr<StreamDecoder> MakeStreamDecoder() { return std::make_unique<ChatDecoder>(); }

}  // namespace strata::dialect::cohere
