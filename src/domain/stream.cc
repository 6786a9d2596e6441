#include "domain/stream.h"

namespace strata::domain {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

ContentBlock NewBlock(const BlockStart& start) {
  switch (start.kind) {
    case BlockKind::kText:
      return TextBlock{};
    case BlockKind::kToolUse:
      return ToolUseBlock{.id = start.tool_use_id, .name = start.tool_name, .input = {}};
    case BlockKind::kReasoning:
      return ReasoningBlock{};
  }
  return TextBlock{};
}

void AppendText(std::vector<StreamEvent>& events, int index, const TextBlock& text, bool refusal) {
  events.push_back(
      BlockStart{.index = index, .kind = BlockKind::kText, .tool_use_id = {}, .tool_name = {}});
  if (!text.text.empty() || !text.logprobs.empty()) {
    events.push_back(TextDelta{
        .index = index, .text = text.text, .logprobs = text.logprobs, .refusal = refusal});
  }
  for (const auto& citation : text.citations) {
    events.push_back(CitationDelta{.index = index, .citation = citation});
  }
}

}  // namespace

ContentBlock* StreamAccumulator::Block(int index) {
  if (index < 0 || static_cast<std::size_t>(index) >= response_.content.size()) return nullptr;
  return &response_.content[static_cast<std::size_t>(index)];
}

void StreamAccumulator::Add(const StreamEvent& event) {
  std::visit(Overloaded{
                 [&](const StreamStart& e) {
                   response_.id = e.id;
                   response_.model = e.model;
                   response_.usage = e.usage;
                 },
                 [&](const BlockStart& e) {
                   if (e.index == static_cast<int>(response_.content.size()))
                     response_.content.push_back(NewBlock(e));
                 },
                 [&](const TextDelta& e) {
                   auto* block = Block(e.index);
                   if (auto* text = block ? std::get_if<TextBlock>(block) : nullptr) {
                     text->text += e.text;
                     text->logprobs.insert(text->logprobs.end(), e.logprobs.begin(),
                                           e.logprobs.end());
                   }
                 },
                 [&](const ToolInputDelta& e) {
                   auto* block = Block(e.index);
                   if (auto* tool = block ? std::get_if<ToolUseBlock>(block) : nullptr)
                     tool->input.text += e.json;
                 },
                 [&](const ReasoningDelta& e) {
                   auto* block = Block(e.index);
                   if (auto* reasoning = block ? std::get_if<ReasoningBlock>(block) : nullptr) {
                     reasoning->text += e.text;
                     reasoning->signature += e.signature;
                     reasoning->redacted += e.redacted;
                     if (!e.signer.empty()) reasoning->signer = e.signer;
                   }
                 },
                 [&](const CitationDelta& e) {
                   auto* block = Block(e.index);
                   if (auto* text = block ? std::get_if<TextBlock>(block) : nullptr)
                     text->citations.push_back(e.citation);
                 },
                 [&](const BlockStop& e) {
                   auto* block = Block(e.index);
                   auto* tool = block ? std::get_if<ToolUseBlock>(block) : nullptr;
                   if (tool && tool->input.text.empty()) tool->input.text = "{}";
                 },
                 [&](const WireChunk&) {},
                 [&](const WireStop&) {},
                 [&](const StreamEnd& e) {
                   response_.stop_reason = e.stop_reason;
                   response_.stop_sequence = e.stop_sequence;
                   response_.usage = e.usage;
                   ended_ = true;
                 },
             },
             event);
}

std::vector<StreamEvent> EventsOf(const ChatResponse& response) {
  constexpr std::size_t kOfABlock = 3;
  std::vector<StreamEvent> events;
  events.reserve(2 + kOfABlock * response.content.size());
  events.push_back(
      StreamStart{.id = response.id, .model = response.model, .usage = response.usage});
  int index = 0;
  for (const auto& block : response.content) {
    if (auto* text = std::get_if<TextBlock>(&block)) {
      AppendText(events, index, *text, response.stop_reason == StopReason::kRefusal);
    } else if (auto* tool = std::get_if<ToolUseBlock>(&block)) {
      events.push_back(BlockStart{.index = index,
                                  .kind = BlockKind::kToolUse,
                                  .tool_use_id = tool->id,
                                  .tool_name = tool->name});
      events.push_back(ToolInputDelta{.index = index, .json = tool->input.text});
    } else if (auto* reasoning = std::get_if<ReasoningBlock>(&block)) {
      events.push_back(BlockStart{
          .index = index, .kind = BlockKind::kReasoning, .tool_use_id = {}, .tool_name = {}});
      events.push_back(ReasoningDelta{.index = index,
                                      .text = reasoning->text,
                                      .signature = reasoning->signature,
                                      .redacted = reasoning->redacted,
                                      .signer = reasoning->signer});
    } else {
      continue;  // answers hold no other kinds
    }
    events.push_back(BlockStop{.index = index});
    ++index;
  }
  events.push_back(StreamEnd{.stop_reason = response.stop_reason,
                             .stop_sequence = response.stop_sequence,
                             .usage = response.usage});
  return events;
}

}  // namespace strata::domain
