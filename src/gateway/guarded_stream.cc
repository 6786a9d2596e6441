#include "gateway/guarded_stream.h"

#include <deque>
#include <optional>
#include <unordered_set>

#include "base/check.h"
#include "base/utf8.h"
#include "dialect/json_value.h"
#include "gateway/wire_texts.h"
#include "guard/request_texts.h"

namespace strata::gateway {
namespace {

using domain::StreamEvent;
using guard::Finding;
using guard::Side;

// How far before a place a window begins, so that its first character is not taken for the
// beginning of a word.
constexpr std::size_t kWindowLead = 8;

struct Held {
  StreamEvent event;
  std::string bytes;      // of a WireChunk, whose view would not live long enough
  std::size_t begin = 0;  // of a TextDelta in its block's text
  std::size_t end = 0;    // also where the text that a CitationDelta is about ends
};

// A place of the open block's text that a mask has taken.
struct MaskedPlace {
  std::size_t start = 0;  // bytes of the text as the model wrote it
  std::size_t end = 0;
  std::int64_t characters = 0;  // of the mask
};

std::int64_t Characters(std::string_view text) {
  return static_cast<std::int64_t>(CodePointCount(text));
}

enum class Edge : std::uint8_t { kStart, kEnd };

// Where a character of `text` stands once the masks are in it. What begins or ends within a masked
// place takes in the whole mask.
std::int64_t PlaceAmong(const std::vector<MaskedPlace>& masks, std::string_view text,
                        std::int64_t character, Edge edge) {
  const auto at = ByteOffset(text, static_cast<std::size_t>(character));
  std::int64_t moved = 0;
  for (const auto& mask : masks) {
    if (mask.start >= at) break;
    if (mask.end > at) {
      const auto begin = Characters(text.substr(0, mask.start)) + moved;
      return edge == Edge::kStart ? begin : begin + mask.characters;
    }
    moved += mask.characters - Characters(text.substr(mask.start, mask.end - mask.start));
  }
  return character + moved;
}

class GuardedStream final : public provider::ChatStream {
 public:
  GuardedStream(std::unique_ptr<provider::ChatStream> inner,
                std::shared_ptr<const guard::Guardrails> guardrails, RequestContext& ctx)
      : guardrails_(std::move(guardrails)), ctx_(ctx), inner_(std::move(inner)) {}

  Task<Result<StreamEvent>> Next() override {
    STRATA_CHECK(!done_, "Next after the end of a stream");
    while (ready_.empty() && !failure_) {
      auto event = co_await inner_->Next();
      Result<> taken;
      if (event.has_value()) {
        taken = co_await Take(std::move(*event));
      } else {
        taken = co_await BreakOff(std::move(event.error()));
      }
      if (!taken.has_value()) {
        // The block stays the answer, whether or not it can be recorded.
        [[maybe_unused]] auto recorded =
            taken.error().code() == Code::kBlocked ? inner_->Record(&taken.error()) : Result<>();
        failure_ = std::move(taken.error());
      }
    }
    if (!ready_.empty()) co_return Release();
    done_ = true;
    co_return Fail(std::move(*failure_));
  }

  domain::Usage UsageSoFar() const override { return inner_->UsageSoFar(); }

 private:
  StreamEvent Release() {
    current_ = std::move(ready_.front());
    ready_.pop_front();
    if (auto* chunk = std::get_if<domain::WireChunk>(&current_.event)) {
      chunk->bytes = current_.bytes;
    }
    done_ = std::holds_alternative<domain::StreamEnd>(current_.event);
    return std::move(current_.event);
  }

  Task<Result<>> Take(StreamEvent event);
  Task<Result<>> BreakOff(Error error);
  Task<Result<>> TakeText(domain::TextDelta delta);
  Task<Result<>> CloseBlock();
  Task<Result<>> JudgeText(std::size_t limit);
  Task<Result<>> JudgeSeam();
  Task<Result<>> JudgeJson();
  Task<Result<>> JudgeName(const std::string& name);
  Task<Result<>> JudgeBytes(std::string_view bytes);
  Task<Result<>> JudgeCitation(domain::CitationDelta cited);
  void HoldCitation(domain::CitationDelta cited);
  void PlaceCitations();
  void Hold(StreamEvent event) { held_.push_back({.event = std::move(event), .bytes = {}}); }
  void Carry();
  void Mask(const Finding& finding);
  void StopBytes();
  void ReleaseJudged();

  std::shared_ptr<const guard::Guardrails> guardrails_;
  RequestContext& ctx_;
  std::unique_ptr<provider::ChatStream> inner_;
  std::deque<Held> held_;                     // not judged yet, or in a group that is not
  std::deque<Held> ready_;                    // may leave
  Held current_;                              // what the caller looks at
  std::string text_;                          // of the open block, as the model wrote it
  std::vector<MaskedPlace> masks_;            // in it, in order
  std::size_t judged_ = 0;                    // bytes of text_ whose findings are known
  std::size_t unplaced_ = 0;                  // citations in held_ whose spans are of text_
  std::string carry_;                         // the end of the text blocks before it
  std::unordered_set<std::string> decoded_;   // texts since the last bytes, judged where they stand
  std::unordered_set<std::string> harmless_;  // short strings of bytes, and texts of whole blocks
  bool whole_ = false;                        // the open block leaves whole
  bool json_ = false;                         // it is a tool's input
  bool wire_ = false;  // bytes are forwarded; they end the groups that leave together
  int masked_ = 0;
  std::optional<Error> failure_;  // comes when ready_ is empty
  bool done_ = false;
};

Task<Result<>> GuardedStream::Take(StreamEvent event) {
  if (auto* start = std::get_if<domain::StreamStart>(&event)) {
    wire_ = start->wire;
    start->may_stop = wire_ && guardrails_->MayMask(Side::kOutput);
    ready_.push_back({.event = std::move(event), .bytes = {}});
    co_return Result<>{};
  }
  if (auto* chunk = std::get_if<domain::WireChunk>(&event)) {
    if (!wire_) co_return Result<>{};  // masked: decoded events are the answer
    STRATA_CO_CHECK_OK(co_await JudgeBytes(chunk->bytes));
    if (wire_) held_.push_back({.event = *chunk, .bytes = std::string(chunk->bytes)});
  } else if (auto* text = std::get_if<domain::TextDelta>(&event)) {
    STRATA_CO_CHECK_OK(co_await TakeText(std::move(*text)));
  } else if (auto* input = std::get_if<domain::ToolInputDelta>(&event)) {
    text_ += input->json;
    if (wire_) decoded_.insert(input->json);
    Hold(std::move(event));
  } else if (auto* thought = std::get_if<domain::ReasoningDelta>(&event)) {
    text_ += thought->text;
    if (wire_) decoded_.insert(thought->text);
    Hold(std::move(event));
  } else if (auto* cited = std::get_if<domain::CitationDelta>(&event)) {
    STRATA_CO_CHECK_OK(co_await JudgeCitation(std::move(*cited)));
  } else if (auto* begun = std::get_if<domain::BlockStart>(&event)) {
    STRATA_CO_CHECK_OK(co_await CloseBlock());
    json_ = begun->kind == domain::BlockKind::kToolUse;
    whole_ = begun->kind != domain::BlockKind::kText;
    STRATA_CO_CHECK_OK(co_await JudgeName(begun->tool_name));
    Hold(std::move(event));
  } else {
    STRATA_CO_CHECK_OK(co_await CloseBlock());
    auto* end = std::get_if<domain::StreamEnd>(&event);
    if (end != nullptr && wire_) STRATA_CO_CHECK_OK(co_await JudgeBytes(end->wire));
    if (end != nullptr && !wire_) end->wire.clear();
    if (end != nullptr) STRATA_CO_CHECK_OK(inner_->Record(nullptr));
    Hold(std::move(event));
  }
  ReleaseJudged();
  co_return Result<>{};
}

// The answer ends here: what is held is all there is of it, and leaves before the error.
Task<Result<>> GuardedStream::BreakOff(Error error) {
  STRATA_CO_CHECK_OK(co_await CloseBlock());
  ReleaseJudged();
  co_return Fail(std::move(error));
}

Task<Result<>> GuardedStream::TakeText(domain::TextDelta delta) {
  const auto begin = text_.size();
  text_ += delta.text;
  if (wire_) decoded_.insert(delta.text);
  held_.push_back({.event = std::move(delta), .bytes = {}, .begin = begin, .end = text_.size()});
  const auto reach = guardrails_->reach();
  if (whole_ || text_.size() < judged_ + reach) co_return Result<>{};
  auto limit = text_.size() - reach;
  while (limit > judged_ && (static_cast<unsigned char>(text_[limit]) & 0xC0u) == 0x80) --limit;
  if (limit > judged_) co_return co_await JudgeText(limit);
  co_return Result<>{};
}

// Judges what is left of the open block; what comes next belongs to another.
Task<Result<>> GuardedStream::CloseBlock() {
  if (json_) STRATA_CO_CHECK_OK(co_await JudgeJson());
  if (!json_ && judged_ < text_.size()) {
    STRATA_CO_CHECK_OK(co_await JudgeText(text_.size()));
  }
  if (!whole_) Carry();
  // Providers repeat a text when it is whole: it was judged as it came.
  if (wire_ && masks_.empty() && !text_.empty()) harmless_.insert(text_);
  for (auto& held : held_) held.end = std::min(held.end, text_.size());
  PlaceCitations();
  text_.clear();
  masks_.clear();
  judged_ = 0;
  json_ = whole_ = false;
  for (auto& held : held_) held.end = 0;
  co_return Result<>{};
}

// Keeps what a finding that ends in the next text block can begin in; from the beginning of a word,
// so that the rest of one is not taken for another.
void GuardedStream::Carry() {
  carry_ += text_;
  const auto kept = 2 * guardrails_->reach();
  if (carry_.size() <= kept) return;
  auto cut = carry_.size() - kept;
  const auto space = carry_.find(' ', cut);
  if (space < carry_.size() - guardrails_->reach()) cut = space;
  while (cut < carry_.size() && (static_cast<unsigned char>(carry_[cut]) & 0xC0u) == 0x80) ++cut;
  carry_.erase(0, cut);
}

// Whoever shows the answer may put its blocks together: with nothing between them, or in a line
// each. What was carried has left, so there is nothing to mask.
Task<Result<>> GuardedStream::JudgeSeam() {
  for (const char* between : {"", " "}) {
    const auto joined = carry_ + between + text_;
    const auto seam = carry_.size();
    STRATA_CO_TRY(auto findings, co_await guardrails_->Judge(joined, Side::kOutput, ctx_, seam));
    for (const auto& finding : findings) {
      if (finding.end <= joined.size() - text_.size()) continue;
      co_return Fail(Code::kBlocked, "a guardrail blocks this answer's blocks put together");
    }
  }
  co_return Result<>{};
}

// Findings that begin before `limit` are known now.
Task<Result<>> GuardedStream::JudgeText(std::size_t limit) {
  if (!whole_ && judged_ == 0 && !carry_.empty()) STRATA_CO_CHECK_OK(co_await JudgeSeam());
  auto from = judged_ < kWindowLead ? 0 : judged_ - kWindowLead;
  while (from > 0 && (static_cast<unsigned char>(text_[from]) & 0xC0u) == 0x80) --from;
  auto window = std::string_view(text_).substr(from);
  // Where more may come, what stands behind the limit may be the beginning of another word.
  STRATA_CO_TRY(auto findings,
                co_await guardrails_->Judge(window, Side::kOutput, ctx_, limit - from));
  for (auto& finding : findings) {
    finding.start += from;
    finding.end += from;
    if (finding.start < judged_) continue;
    if (whole_) co_return Fail(Code::kBlocked, "a guardrail blocks the model's reasoning");
    Mask(finding);
    limit = std::max(limit, finding.end);
  }
  judged_ = limit;
  PlaceCitations();
  co_return Result<>{};
}

Task<Result<>> GuardedStream::JudgeJson() {
  auto value = dialect::ParseJson(text_);
  std::vector<std::string*> texts = {&text_};  // not JSON: as it stands
  if (value.has_value()) {
    texts = guard::StringsOf(*value);
    for (const auto* key : guard::KeysOf(*value)) STRATA_CO_CHECK_OK(co_await JudgeName(*key));
  }
  for (const auto* text : texts) {
    STRATA_CO_TRY(auto findings, co_await guardrails_->Judge(*text, Side::kOutput, ctx_));
    if (!findings.empty()) co_return Fail(Code::kBlocked, "a guardrail blocks a tool's input");
  }
  co_return Result<>{};
}

Task<Result<>> GuardedStream::JudgeCitation(domain::CitationDelta cited) {
  auto& citation = cited.citation;
  for (auto* text : {&citation.quoted, &citation.title, &citation.source_uri}) {
    STRATA_CO_TRY(auto findings, co_await guardrails_->Judge(*text, Side::kOutput, ctx_));
    if (findings.empty()) continue;
    *text = guard::Masked(*text, findings);
    StopBytes();
  }
  HoldCitation(std::move(cited));
  co_return Result<>{};
}

// Until its text is judged, masks may still move its span.
void GuardedStream::HoldCitation(domain::CitationDelta cited) {
  const auto& citation = cited.citation;
  if (citation.answer_end <= citation.answer_start) return Hold(std::move(cited));
  constexpr auto kUntilTheBlockEnds = std::string::npos;
  const auto end = citation.answer_end > Characters(text_)
                       ? kUntilTheBlockEnds
                       : ByteOffset(text_, static_cast<std::size_t>(citation.answer_end));
  held_.push_back({.event = std::move(cited), .bytes = {}, .begin = end, .end = end});
  ++unplaced_;
  PlaceCitations();
}

// Moves the spans of citations whose text is judged. One whose text is gone goes with it.
void GuardedStream::PlaceCitations() {
  if (unplaced_ == 0) return;
  unplaced_ = 0;
  std::erase_if(held_, [&](Held& held) {
    auto* cited = std::get_if<domain::CitationDelta>(&held.event);
    if (cited == nullptr || held.begin == 0) return false;  // 0: its span stands
    if (held.end > judged_) {
      ++unplaced_;
      return false;
    }
    held.begin = 0;
    auto& citation = cited->citation;
    citation.answer_start = PlaceAmong(masks_, text_, citation.answer_start, Edge::kStart);
    citation.answer_end = PlaceAmong(masks_, text_, citation.answer_end, Edge::kEnd);
    return citation.answer_end <= citation.answer_start;
  });
}

// What others refer to cannot be masked.
Task<Result<>> GuardedStream::JudgeName(const std::string& name) {
  STRATA_CO_TRY(auto findings, co_await guardrails_->Judge(name, Side::kOutput, ctx_));
  if (!findings.empty())
    co_return Fail(Code::kBlocked, "a guardrail blocks a tool's name or input");
  co_return Result<>{};
}

// What the decoder knows was judged where it stands: a part of a word is no word. Anything else is
// judged by itself; what must be masked does not leave when the bytes stop.
Task<Result<>> GuardedStream::JudgeBytes(std::string_view bytes) {
  constexpr std::size_t kShort = 64;
  constexpr std::size_t kRemembered = 1000;
  bool masked = false;
  for (auto& text : WireTexts(bytes)) {
    if (decoded_.contains(text) || harmless_.contains(text)) continue;
    STRATA_CO_TRY(auto findings, co_await guardrails_->Judge(text, Side::kOutput, ctx_));
    masked = masked || !findings.empty();
    if (findings.empty() && text.size() <= kShort && harmless_.size() < kRemembered) {
      harmless_.insert(std::move(text));
    }
  }
  decoded_.clear();
  if (masked) StopBytes();
  co_return Result<>{};
}

// Takes the place out of the deltas that hold it; the mask goes to the first.
void GuardedStream::Mask(const Finding& finding) {
  StopBytes();
  masks_.push_back(
      {.start = finding.start, .end = finding.end, .characters = Characters(finding.mask)});
  bool placed = false;
  for (auto& held : held_) {
    auto* delta = std::get_if<domain::TextDelta>(&held.event);
    if (delta == nullptr || held.end <= finding.start || held.begin >= finding.end) continue;
    // Counted from the end, which earlier masks of this delta do not move.
    const auto behind = held.end - std::min(held.end, finding.end);
    const auto keep_from = delta->text.size() - behind;
    const auto cut = std::min(held.end, finding.end) - std::max(held.begin, finding.start);
    delta->text.replace(keep_from - cut, cut, placed ? std::string() : finding.mask);
    delta->logprobs.clear();
    placed = true;
  }
}

// From here on decoded events are the answer, beginning with those whose bytes are held.
void GuardedStream::StopBytes() {
  if (++masked_ == 1) ctx_.span.Set("guardrail_masked_output", true);
  if (!wire_) return;
  wire_ = false;
  std::erase_if(held_, [](const Held& held) {
    return std::holds_alternative<domain::WireChunk>(held.event);
  });
  held_.push_front({.event = domain::WireStop{}, .bytes = {}});
}

// Groups leave whole: an event, or the events of a chunk with its bytes.
void GuardedStream::ReleaseJudged() {
  while (!held_.empty()) {
    std::size_t size = 0;
    bool ended = !wire_;
    for (const auto& held : held_) {
      if (whole_ || held.end > judged_) return;
      ++size;
      ended = ended || std::holds_alternative<domain::WireChunk>(held.event) ||
              std::holds_alternative<domain::StreamEnd>(held.event);
      if (ended) break;
    }
    if (!ended) return;
    for (; size > 0; --size) {
      ready_.push_back(std::move(held_.front()));
      held_.pop_front();
    }
  }
}

}  // namespace

std::unique_ptr<provider::ChatStream> Guarded(std::unique_ptr<provider::ChatStream> inner,
                                              std::shared_ptr<const guard::Guardrails> guardrails,
                                              RequestContext& ctx) {
  return std::make_unique<GuardedStream>(std::move(inner), std::move(guardrails), ctx);
}

}  // namespace strata::gateway
