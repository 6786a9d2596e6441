// chat.completion.chunk events of a provider → domain events.

#include "dialect/json/feed.h"
#include "dialect/json_value.h"
#include "dialect/openai.h"
#include "dialect/openai/annotations.h"
#include "dialect/openai/logprobs.h"
#include "dialect/openai/message.h"
#include "dialect/openai/tool_calls.h"

namespace strata::dialect::openai {
namespace {

using domain::BlockKind;
using domain::StopReason;
using Events = std::vector<domain::StreamEvent>;

class ChunkDecoder final : public SseStreamDecoder {
 private:
  Result<> OnEvent(const SseEvent& event, Events& out) override;
  Result<> OnClose(Events& out) override;
  Result<> OnChunk(const JsonField& chunk, Events& out);
  using Logprobs = std::vector<domain::TokenLogprob>;
  Result<> OnDelta(const JsonField& delta, Logprobs logprobs, Events& out);
  void OnText(std::string text, Logprobs logprobs, Events& out);
  void End(Events& out);

  ToolCallAssembler calls_;
  std::optional<StopReason> stop_reason_;
  std::string stop_sequence_;
  bool started_ = false;
  bool refused_ = false;
};

void ChunkDecoder::End(Events& out) {
  calls_.Flush(blocks_, out);
  blocks_.Close(out);
  auto reason = refused_ ? StopReason::kRefusal : stop_reason_.value_or(StopReason::kEndTurn);
  out.emplace_back(
      domain::StreamEnd{.stop_reason = reason, .stop_sequence = stop_sequence_, .usage = usage_});
  ended_ = true;
}

void ChunkDecoder::OnText(std::string text, Logprobs logprobs, Events& out) {
  // A token that is a part of a character has probabilities before it has text.
  if (text.empty() && (logprobs.empty() || !blocks_.open(BlockKind::kText))) return;
  blocks_.Need(out, BlockKind::kText);
  out.emplace_back(domain::TextDelta{.index = blocks_.index(),
                                     .text = std::move(text),
                                     .logprobs = std::move(logprobs),
                                     .refusal = refused_});
}

Result<> ChunkDecoder::OnDelta(const JsonField& delta, Logprobs logprobs, Events& out) {
  auto reasoning = delta.TextAt("reasoning_content");
  if (reasoning.empty()) reasoning = delta.TextAt("reasoning");
  if (!reasoning.empty()) {
    blocks_.Need(out, BlockKind::kReasoning);
    out.emplace_back(domain::ReasoningDelta{
        .index = blocks_.index(), .text = std::move(reasoning), .signature = {}, .redacted = {}});
  }
  if (auto refusal = delta.TextAt("refusal"); !refusal.empty()) {
    OnText(delta.TextAt("content"), {}, out);
    refused_ = true;
    OnText(std::move(refusal), std::move(logprobs), out);
  } else {
    OnText(delta.TextAt("content"), std::move(logprobs), out);
  }
  auto annotations = delta.Get("annotations");
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    auto item = annotations.Item(i);
    STRATA_TRY(auto citation, DecodeAnnotation(item));
    blocks_.Need(out, BlockKind::kText);
    out.emplace_back(
        domain::CitationDelta{.index = blocks_.index(), .citation = std::move(citation)});
  }
  if (auto calls = delta.Get("tool_calls"); calls.present()) {
    STRATA_CHECK_OK(calls_.Add(calls, blocks_, out));
  }
  return {};
}

Result<> ChunkDecoder::OnChunk(const JsonField& chunk, Events& out) {
  STRATA_CHECK_OK(chunk.ExpectObject());
  if (!started_) {
    started_ = true;
    out.emplace_back(
        domain::StreamStart{.id = chunk.TextAt("id"), .model = chunk.TextAt("model"), .usage = {}});
  }
  if (auto usage = chunk.Get("usage"); usage.present()) usage_ = ReadUsage(usage);
  auto choices = chunk.Get("choices");
  auto choice = choices.Item(0);
  if (!choice.present()) return {};  // the usage chunk, and Azure's first one
  if (auto delta = choice.Get("delta"); delta.present()) {
    auto field = choice.Get("logprobs");
    STRATA_TRY(auto logprobs, ReadLogprobs(field));
    STRATA_CHECK_OK(OnDelta(delta, std::move(logprobs), out));
  }
  if (auto reason = choice.TextAt("finish_reason"); !reason.empty()) {
    stop_reason_ = StopReasonOf(reason);
    stop_sequence_ = choice.TextAt("stop_reason");
    if (!stop_sequence_.empty() && stop_reason_ == StopReason::kEndTurn) {
      stop_reason_ = StopReason::kStopSequence;
    }
  }
  return {};
}

// Some servers close without [DONE]; a finish reason makes the answer whole.
Result<> ChunkDecoder::OnClose(Events& out) {
  if (!stop_reason_) return SseStreamDecoder::OnClose(out);
  End(out);
  return {};
}

Result<> ChunkDecoder::OnEvent(const SseEvent& event, Events& out) {
  if (event.data == "[DONE]") {
    if (!started_) return Fail(Code::kUnavailable, "the provider's stream was empty");
    End(out);
    return {};
  }
  auto root = ParseJson(event.data);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField chunk(*root);
  if (auto error = chunk.Get("error"); error.present()) {
    auto said =
        error.value().string() != nullptr ? *error.value().string() : error.TextAt("message");
    auto type = error.TextAt("type");
    return Fail(UpstreamStreamError(type, said));
  }
  auto done = OnChunk(chunk, out);
  if (!done) return Fail(AsUpstreamFault(std::move(done.error())));
  return {};
}

}  // namespace

std::unique_ptr<StreamDecoder> MakeStreamDecoder() { return std::make_unique<ChunkDecoder>(); }

}  // namespace strata::dialect::openai
