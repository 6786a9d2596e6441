// chat.completion.chunk events of a provider → domain events.

#include <fmt/format.h>

#include <utility>
#include <variant>

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
using Delta = std::variant<domain::TextDelta, domain::ReasoningDelta, domain::CitationDelta>;

constexpr std::size_t kHeldBytesMax = 16u << 20;

class ChunkDecoder final : public SseStreamDecoder {
 private:
  Result<> OnEvent(const SseEvent& event, Events& out) override;
  Result<> OnClose(Events& out) override;
  Result<> OnChunk(const JsonField& chunk, Events& out);
  using Logprobs = std::vector<domain::TokenLogprob>;
  Result<> OnDelta(const JsonField& delta, Logprobs logprobs, Events& out);
  Result<> OnText(std::string text, Logprobs logprobs, Events& out);
  Result<> OnContent(const JsonField& delta, Logprobs logprobs, Events& out);
  Result<> OnThought(std::string text, Events& out);
  Result<> OnAnnotations(const JsonField& annotations, Events& out);
  // Gives out `delta` in a block of its kind. While a tool call is open it is held until the end:
  // more of the call's arguments may follow, and blocks of the domain do not interleave.
  Result<> Put(BlockKind kind, Delta delta, Events& out);
  void PutNow(BlockKind kind, Delta delta, Events& out);
  void End(Events& out);

  ToolCallAssembler calls_;
  std::vector<std::pair<BlockKind, Delta>> held_;
  std::size_t held_bytes_ = 0;
  std::optional<StopReason> stop_reason_;
  std::string stop_sequence_;
  bool started_ = false;
  bool refused_ = false;
};

void ChunkDecoder::End(Events& out) {
  calls_.Flush(blocks_, out);
  for (auto& [kind, delta] : std::exchange(held_, {})) PutNow(kind, std::move(delta), out);
  blocks_.Close(out);
  auto reason = refused_ ? StopReason::kRefusal : stop_reason_.value_or(StopReason::kEndTurn);
  out.emplace_back(
      domain::StreamEnd{.stop_reason = reason, .stop_sequence = stop_sequence_, .usage = usage_});
  ended_ = true;
}

void ChunkDecoder::PutNow(BlockKind kind, Delta delta, Events& out) {
  blocks_.Need(out, kind);
  std::visit(
      [&](auto& d) {
        d.index = blocks_.index();
        out.emplace_back(std::move(d));
      },
      delta);
}

Result<> ChunkDecoder::Put(BlockKind kind, Delta delta, Events& out) {
  if (!blocks_.open(BlockKind::kToolUse)) {
    PutNow(kind, std::move(delta), out);
    return {};
  }
  held_bytes_ += sizeof(Delta);
  if (const auto* text = std::get_if<domain::TextDelta>(&delta)) held_bytes_ += text->text.size();
  if (const auto* thought = std::get_if<domain::ReasoningDelta>(&delta)) {
    held_bytes_ += thought->text.size();
  }
  if (held_bytes_ > kHeldBytesMax) {
    return Fail(Code::kTooLarge,
                fmt::format("text behind a tool call is over {} bytes", kHeldBytesMax));
  }
  held_.emplace_back(kind, std::move(delta));
  return {};
}

Result<> ChunkDecoder::OnText(std::string text, Logprobs logprobs, Events& out) {
  // A token that is a part of a character has probabilities before it has text.
  if (text.empty() && (logprobs.empty() || !blocks_.open(BlockKind::kText))) return {};
  domain::TextDelta delta;
  delta.text = std::move(text);
  delta.logprobs = std::move(logprobs);
  delta.refusal = refused_;
  return Put(BlockKind::kText, std::move(delta), out);
}

Result<> ChunkDecoder::OnThought(std::string text, Events& out) {
  domain::ReasoningDelta thought;
  thought.text = std::move(text);
  return Put(BlockKind::kReasoning, std::move(thought), out);
}

Result<> ChunkDecoder::OnContent(const JsonField& delta, Logprobs logprobs, Events& out) {
  auto content = delta.Get("content");
  if (!content.present() || content.value().array() == nullptr) {
    return OnText(delta.TextAt("content"), std::move(logprobs), out);
  }
  for (auto& part : ReadParts(content)) {
    STRATA_CHECK_OK(part.thought ? OnThought(std::move(part.text), out)
                                 : OnText(std::move(part.text), {}, out));
  }
  return {};
}

Result<> ChunkDecoder::OnAnnotations(const JsonField& annotations, Events& out) {
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    auto item = annotations.Item(i);
    if (!IsCitation(item)) continue;
    STRATA_TRY(auto citation, DecodeAnnotation(item));
    domain::CitationDelta delta;
    delta.citation = std::move(citation);
    STRATA_CHECK_OK(Put(BlockKind::kText, std::move(delta), out));
  }
  return {};
}

Result<> ChunkDecoder::OnDelta(const JsonField& delta, Logprobs logprobs, Events& out) {
  auto reasoning = delta.TextAt("reasoning_content");
  if (reasoning.empty()) reasoning = delta.TextAt("reasoning");
  if (!reasoning.empty()) STRATA_CHECK_OK(OnThought(std::move(reasoning), out));
  if (auto refusal = delta.TextAt("refusal"); !refusal.empty()) {
    STRATA_CHECK_OK(OnContent(delta, {}, out));
    refused_ = true;
    STRATA_CHECK_OK(OnText(std::move(refusal), std::move(logprobs), out));
  } else {
    STRATA_CHECK_OK(OnContent(delta, std::move(logprobs), out));
  }
  auto annotations = delta.Get("annotations");
  STRATA_CHECK_OK(OnAnnotations(annotations, out));
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
