// streamGenerateContent of a provider, as server-sent events or as one JSON array → domain events.

#include <variant>

#include "base/utf8.h"
#include "dialect/gemini.h"
#include "dialect/gemini/array.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/block_emitter.h"
#include "dialect/json/feed.h"

namespace strata::dialect::gemini {
namespace {

using domain::BlockKind;
using domain::StopReason;
using Events = std::vector<domain::StreamEvent>;

class ChunkDecoder final : public StreamDecoder {
 public:
  using Reader = std::variant<SseReader, ArrayReader>;
  explicit ChunkDecoder(Reader reader) : reader_(std::move(reader)) {}

  Result<Events> Feed(std::string_view bytes) override {
    if (ended_) return Events();
    auto on_event = [&](const SseEvent& event, Events& out) { return OnEvent(event, out); };
    return std::visit([&](auto& reader) { return FeedSse(reader, bytes, on_event); }, reader_);
  }

  // The dialect has no end mark: a finish reason makes the answer whole, usage may follow it. An
  // array is whole with its bracket.
  Result<Events> Finish() override {
    auto held = std::visit([](auto& reader) { return reader.TakeHeld(); }, reader_);
    if (held) return Fail(std::move(*held));
    Events out;
    if (ended_) return out;
    const auto* array = std::get_if<ArrayReader>(&reader_);
    if (!stop_reason_ || (array != nullptr && !array->closed())) {
      return Fail(Code::kUnavailable, "the provider closed the stream before its end");
    }
    blocks_.Close(out);
    auto reason = *stop_reason_;
    if (reason == StopReason::kEndTurn && called_) reason = StopReason::kToolUse;
    out.emplace_back(
        domain::StreamEnd{.stop_reason = reason, .stop_sequence = {}, .usage = usage_});
    ended_ = true;
    return out;
  }

  bool ended() const override { return ended_; }
  domain::Usage usage() const override { return usage_; }

 private:
  Result<> OnEvent(const SseEvent& event, Events& out);
  Result<> OnChunk(const JsonField& chunk, Events& out);
  Result<> OnPart(const JsonField& part, Events& out);
  void OnText(std::string text, Events& out);
  void OnReasoning(const domain::ReasoningBlock& reasoning, Events& out);
  void OnCitations(const JsonField& candidate, Events& out);
  void OnLogprobs(const JsonField& candidate, Events& out);

  Reader reader_;
  BlockEmitter blocks_;
  CallIds ids_;
  domain::Usage usage_;
  std::optional<StopReason> stop_reason_;
  std::string text_;             // all of it, which byte offsets of citations count in
  std::size_t block_start_ = 0;  // of the open text block in text_
  bool signed_ = false;          // the open reasoning block has its signature
  bool started_ = false;
  bool called_ = false;
  bool ended_ = false;
};

void ChunkDecoder::OnText(std::string text, Events& out) {
  if (text.empty()) return;
  if (!blocks_.open(BlockKind::kText)) block_start_ = text_.size();
  blocks_.Need(out, BlockKind::kText);
  text_ += text;
  out.emplace_back(domain::TextDelta{.index = blocks_.index(), .text = std::move(text)});
}

void ChunkDecoder::OnReasoning(const domain::ReasoningBlock& reasoning, Events& out) {
  const bool is_signature = reasoning.text.empty();
  // A second signature, and thoughts after one, belong to a block of their own.
  if (!blocks_.open(BlockKind::kReasoning) || signed_) {
    blocks_.Begin(out, BlockKind::kReasoning);
    signed_ = false;
  }
  signed_ = signed_ || is_signature || !reasoning.signature.empty();
  out.emplace_back(domain::ReasoningDelta{.index = blocks_.index(),
                                          .text = reasoning.text,
                                          .signature = reasoning.signature,
                                          .redacted = reasoning.redacted,
                                          .signer = reasoning.signer});
}

Result<> ChunkDecoder::OnPart(const JsonField& part, Events& out) {
  std::vector<domain::ContentBlock> content;
  STRATA_CHECK_OK(DecodePart(part, PartUse::kAnswer, ids_, content));
  // The signature of a text may come with its last piece: it then stands behind the text.
  if (content.size() == 2 && blocks_.open(BlockKind::kText) &&
      std::holds_alternative<domain::TextBlock>(content[1])) {
    std::swap(content[0], content[1]);
  }
  for (auto& block : content) {
    if (auto* text = std::get_if<domain::TextBlock>(&block)) {
      OnText(std::move(text->text), out);
    } else if (const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block)) {
      if (!reasoning->text.empty() || !reasoning->signature.empty() ||
          !reasoning->redacted.empty()) {
        OnReasoning(*reasoning, out);
      }
    } else if (auto* use = std::get_if<domain::ToolUseBlock>(&block)) {
      called_ = true;
      blocks_.Begin(out, BlockKind::kToolUse, std::move(use->id), std::move(use->name));
      out.emplace_back(
          domain::ToolInputDelta{.index = blocks_.index(), .json = std::move(use->input.text)});
      blocks_.Close(out);
    }
  }
  return {};
}

// Those of a chunk belong to the text that came with it.
void ChunkDecoder::OnLogprobs(const JsonField& candidate, Events& out) {
  auto tokens = ReadLogprobs(candidate);
  if (tokens.empty() || !blocks_.open(BlockKind::kText)) return;
  auto* last = out.empty() ? nullptr : std::get_if<domain::TextDelta>(&out.back());
  if (last != nullptr) {
    last->logprobs = std::move(tokens);
  } else {
    out.emplace_back(
        domain::TextDelta{.index = blocks_.index(), .text = {}, .logprobs = std::move(tokens)});
  }
}

void ChunkDecoder::OnCitations(const JsonField& candidate, Events& out) {
  if (!candidate.Get("groundingMetadata").present() &&
      !candidate.Get("citationMetadata").present()) {
    return;
  }
  if (!blocks_.open(BlockKind::kText)) return;
  const auto before =
      static_cast<std::int64_t>(CodePointCount(std::string_view(text_).substr(0, block_start_)));
  for (auto& citation : ReadCitations(candidate, text_, -1)) {
    if (citation.answer_start < before) continue;
    citation.answer_start -= before;
    citation.answer_end -= before;
    out.emplace_back(
        domain::CitationDelta{.index = blocks_.index(), .citation = std::move(citation)});
  }
}

Result<> ChunkDecoder::OnChunk(const JsonField& chunk, Events& out) {
  STRATA_CHECK_OK(chunk.ExpectObject());
  if (!started_) {
    started_ = true;
    auto id = chunk.TextAt("responseId");
    ids_ = CallIds(CallPrefix(id));
    out.emplace_back(domain::StreamStart{
        .id = std::move(id), .model = chunk.TextAt("modelVersion"), .usage = {}});
  }
  if (auto usage = chunk.Get("usageMetadata"); usage.present()) usage_ = ReadUsage(usage);
  auto feedback = chunk.Get("promptFeedback");
  if (!feedback.TextAt("blockReason").empty()) stop_reason_ = StopReason::kContentFiltered;
  auto candidates = chunk.Get("candidates");
  auto candidate = candidates.Item(0);
  if (!candidate.present()) return {};
  auto content = candidate.Get("content");
  auto parts = content.Get("parts");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto part = parts.Item(i);
    STRATA_CHECK_OK(OnPart(part, out));
  }
  OnLogprobs(candidate, out);
  OnCitations(candidate, out);
  if (auto reason = candidate.TextAt("finishReason"); !reason.empty()) {
    STRATA_TRY(stop_reason_, StopReasonOf(reason));
  }
  return {};
}

Result<> ChunkDecoder::OnEvent(const SseEvent& event, Events& out) {
  auto root = ParseJson(event.data);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  CamelKeys(*root);
  JsonField chunk(*root);
  if (auto error = chunk.Get("error"); error.present()) {
    return Fail(UpstreamStreamError(error.TextAt("status"), error.TextAt("message")));
  }
  auto done = OnChunk(chunk, out);
  if (!done) return Fail(AsUpstreamFault(std::move(done.error())));
  return {};
}

}  // namespace

std::unique_ptr<StreamDecoder> MakeStreamDecoder() {
  return std::make_unique<ChunkDecoder>(SseReader());
}

std::unique_ptr<StreamDecoder> MakeArrayStreamDecoder() {
  return std::make_unique<ChunkDecoder>(ArrayReader());
}

}  // namespace strata::dialect::gemini
