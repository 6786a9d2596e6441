// Anthropic's stream events of a provider → domain events.

#include "dialect/anthropic.h"
#include "dialect/anthropic/blocks.h"
#include "dialect/json/block_emitter.h"
#include "dialect/json/feed.h"

namespace strata::dialect::anthropic {
namespace {

using domain::BlockKind;
using Events = std::vector<domain::StreamEvent>;

class MessageDecoder final : public SseStreamDecoder {
 private:
  Result<> OnEvent(const SseEvent& event, Events& out) override;
  Result<> Dispatch(const JsonField& body, std::string_view type, Events& out);
  Result<> OnMessageStart(const JsonField& body, Events& out);
  Result<> OnBlockStart(const JsonField& block, Events& out);
  Result<> OnDelta(const JsonField& delta, Events& out);
  void OnMessageDelta(const JsonField& body);
  void CloseBlock(Events& out);
  void OnText(std::string text, Events& out);
  void OnReasoning(std::string text, std::string signature, std::string redacted, Events& out);

  domain::StreamEnd end_;
  std::string whole_input_;  // a tool call's input when it came with the start; "" for none
  bool started_ = false;
};

void MessageDecoder::OnText(std::string text, Events& out) {
  if (text.empty() || !blocks_.open(BlockKind::kText)) return;
  blocks_.Text(out, std::move(text));
}

void MessageDecoder::OnReasoning(std::string text, std::string signature, std::string redacted,
                                 Events& out) {
  const bool empty = text.empty() && signature.empty() && redacted.empty();
  if (empty || !blocks_.open(BlockKind::kReasoning)) return;
  const bool proof = !signature.empty() || !redacted.empty();
  out.emplace_back(domain::ReasoningDelta{.index = blocks_.index(),
                                          .text = std::move(text),
                                          .signature = std::move(signature),
                                          .redacted = std::move(redacted),
                                          .signer = std::string(proof ? kFamily : "")});
}

void MessageDecoder::CloseBlock(Events& out) {
  if (blocks_.open(BlockKind::kToolUse) && !whole_input_.empty()) {
    out.emplace_back(
        domain::ToolInputDelta{.index = blocks_.index(), .json = std::move(whole_input_)});
  }
  whole_input_.clear();
  blocks_.Close(out);
}

Result<> MessageDecoder::OnMessageStart(const JsonField& body, Events& out) {
  if (started_) return Fail(Code::kUnavailable, "the provider began its answer twice");
  started_ = true;
  auto message = body.Get("message");
  auto usage = message.Get("usage");
  ReadUsage(usage, usage_);
  out.emplace_back(domain::StreamStart{
      .id = message.TextAt("id"), .model = message.TextAt("model"), .usage = usage_});
  return {};
}

Result<> MessageDecoder::OnBlockStart(const JsonField& block, Events& out) {
  STRATA_CHECK_OK(block.ExpectObject());
  CloseBlock(out);
  const auto type = block.TextAt("type");
  if (type == "text") {
    blocks_.Begin(out, BlockKind::kText);
    OnText(block.TextAt("text"), out);
  } else if (type == "tool_use") {
    auto id = block.Get("id");
    auto name = block.Get("name");
    STRATA_TRY(auto call_id, id.NonEmptyString());
    STRATA_TRY(auto tool, name.NonEmptyString());
    blocks_.Begin(out, BlockKind::kToolUse, std::move(call_id), std::move(tool));
    if (auto input = block.Get("input"); input.size() > 0) whole_input_ = input.value().Dump();
  } else if (type == "thinking") {
    blocks_.Begin(out, BlockKind::kReasoning);
    OnReasoning(block.TextAt("thinking"), block.TextAt("signature"), {}, out);
  } else if (type == "redacted_thinking") {
    blocks_.Begin(out, BlockKind::kReasoning);
    OnReasoning({}, {}, block.TextAt("data"), out);
  }
  return {};  // other kinds are the provider's own tools; their deltas find no open block
}

Result<> MessageDecoder::OnDelta(const JsonField& delta, Events& out) {
  STRATA_CHECK_OK(delta.ExpectObject());
  const auto type = delta.TextAt("type");
  if (type == "text_delta") {
    OnText(delta.TextAt("text"), out);
  } else if (type == "input_json_delta") {
    auto json = delta.TextAt("partial_json");
    if (json.empty() || !blocks_.open(BlockKind::kToolUse)) return {};
    whole_input_.clear();
    out.emplace_back(domain::ToolInputDelta{.index = blocks_.index(), .json = std::move(json)});
  } else if (type == "thinking_delta") {
    OnReasoning(delta.TextAt("thinking"), {}, {}, out);
  } else if (type == "signature_delta") {
    OnReasoning({}, delta.TextAt("signature"), {}, out);
  } else if (type == "citations_delta" && blocks_.open(BlockKind::kText)) {
    auto field = delta.Get("citation");
    STRATA_TRY(auto citation, DecodeCitation(field));
    blocks_.Cite(std::move(citation));
  }
  return {};
}

void MessageDecoder::OnMessageDelta(const JsonField& body) {
  auto delta = body.Get("delta");
  if (auto reason = delta.TextAt("stop_reason"); !reason.empty()) {
    end_.stop_reason = StopReasonOf(reason);
  }
  end_.stop_sequence = delta.TextAt("stop_sequence");
  auto usage = body.Get("usage");
  ReadUsage(usage, usage_);
}

Result<> MessageDecoder::Dispatch(const JsonField& body, std::string_view type, Events& out) {
  if (type == "message_start") return OnMessageStart(body, out);
  const bool of_message = type.starts_with("message_") || type.starts_with("content_block_");
  if (of_message && !started_) {
    return Fail(Code::kUnavailable, "the provider's answer has no message_start");
  }
  if (type == "content_block_start") {
    auto block = body.Get("content_block");
    return OnBlockStart(block, out);
  } else if (type == "content_block_delta") {
    auto delta = body.Get("delta");
    return OnDelta(delta, out);
  } else if (type == "content_block_stop") {
    CloseBlock(out);
  } else if (type == "message_delta") {
    OnMessageDelta(body);
  } else if (type == "message_stop") {
    CloseBlock(out);
    end_.usage = usage_;
    out.emplace_back(end_);
    ended_ = true;
  }
  return {};  // ping, and events newer than this code, which the API's versioning allows
}

Result<> MessageDecoder::OnEvent(const SseEvent& event, Events& out) {
  auto root = ParseJson(event.data);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  const auto type = body.TextAt("type");
  if (type == "error") {
    auto error = body.Get("error");
    return Fail(UpstreamStreamError(error.TextAt("type"), error.TextAt("message")));
  }
  auto done = Dispatch(body, type, out);
  if (!done) return Fail(AsUpstreamFault(std::move(done.error())));
  return {};
}

}  // namespace

std::unique_ptr<StreamDecoder> MakeStreamDecoder() { return std::make_unique<MessageDecoder>(); }

}  // namespace strata::dialect::anthropic
