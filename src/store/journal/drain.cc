#include "store/journal/drain.h"

#include <algorithm>
#include <span>

#include "base/crash_point.h"
#include "base/log.h"

namespace strata::store {
namespace {

constexpr std::size_t kBatch = 2048;       // rows a call of the sink
constexpr std::size_t kPendingMax = 4096;  // then reading waits, the journal fills and refuses

}  // namespace

Result<> Drain::Pass() {
  bool more = true;
  while (more) {
    more = false;
    for (const auto& segment : lanes_.Segments()) more |= Read(segment);
    STRATA_CHECK_OK(Deliver());
  }
  STRATA_CHECK_OK(RemoveFinished(false));
  for (const auto& segment : lanes_.Segments()) segment->TendPages();
  lanes_.MakeSpares();
  return {};
}

bool Drain::Read(const std::shared_ptr<Segment>& segment) {
  auto end = segment->committed();
  while (segment->drained < end) {
    if (rows_.size() - delivered_ >= kPendingMax) return true;
    bool torn = false;
    auto payload = ReadFrame(segment->bytes(), segment->drained, torn);
    if (payload.empty()) {
      // Only damaged memory can do this: what was appended was framed. The file stays for Open.
      ++lost_;
      Log(Level::kError, "journal.segment.damaged", {{"offset", segment->drained}});
      ++segment->held;
      segment->drained = segment->size();
      return false;
    }
    Take(payload, segment);
    segment->drained += FramedSize(payload.size());
  }
  return false;
}

void Drain::Take(std::string_view payload, const std::shared_ptr<Segment>& segment) {
  auto head = HeadOf(payload);
  if (!head.has_value() || head->part == CallPart::kBoth) {
    ++lost_;
    Log(Level::kError, "journal.record.unreadable",
        {{"error", head.has_value() ? "of an earlier format" : head.error().message()}});
  } else if (head->part == CallPart::kIntent) {
    TakeIntent(CallKey(head->key), {segment, std::string(payload)});
  } else {
    TakeOutcome(head->key, payload, segment);
  }
}

void Drain::TakeIntent(CallKey key, Half&& intent) {
  auto& held = intent.segment->held;
  auto early = early_.find(key);
  if (early == early_.end()) {
    if (open_.try_emplace(std::move(key), std::move(intent)).second) ++held;
    return;
  }
  if (early->second.segment) {
    ++held;
    Join(intent, early->second.record, early->second.segment);
  }
  early_.erase(early);
}

void Drain::TakeOutcome(const CallKeyView& key, std::string_view payload,
                        const std::shared_ptr<Segment>& segment) {
  auto open = open_.find(key);
  if (open == open_.end()) {
    if (early_.try_emplace(CallKey(key), segment, std::string(payload)).second) ++segment->held;
    return;
  }
  ++segment->held;
  Join(open->second, payload, segment);
  open_.erase(open);
}

// Both segments are held.
void Drain::Join(const Half& intent, std::string_view outcome,
                 const std::shared_ptr<Segment>& segment) {
  // Into its place: a row has some thirty texts, which are dear to move.
  auto& row = rows_.emplace_back();
  auto read = DecodeInto(intent.record, row);
  if (read.has_value()) read = DecodeInto(outcome, row);
  if (read.has_value()) {
    from_.push_back({intent.segment, segment});
    return;
  }
  rows_.pop_back();
  --intent.segment->held;
  --segment->held;
  ++lost_;
  Log(Level::kError, "journal.record.unreadable", {{"error", read.error().message()}});
}

// Its outcome is in no file: the intent's segment need not wait for one.
void Drain::Close(const CallIntent& intent) {
  CallKey key(intent.request_id.value, intent.call_number);
  auto open = open_.find(key);
  if (open == open_.end()) {
    early_.try_emplace(std::move(key));
    return;
  }
  --open->second.segment->held;
  open_.erase(open);
}

void Drain::AddAbandoned(CallRow row) {
  rows_.push_back(std::move(row));
  from_.emplace_back();
}

Result<> Drain::Deliver() {
  while (delivered_ < rows_.size()) {
    auto rows = std::span<const CallRow>(rows_).subspan(delivered_);
    rows = rows.first(std::min(kBatch, rows.size()));
    CrashPoint("journal.drain.before_sink");
    STRATA_CHECK_OK(sink_(rows));
    CrashPoint("journal.drain.after_sink");
    for (std::size_t i = delivered_; i < delivered_ + rows.size(); ++i) {
      if (from_[i].intent) {
        --from_[i].intent->held;
        --from_[i].outcome->held;
      } else {
        // Its intent stands in a segment that was held for it until now.
        Close(rows_[i].intent);
      }
    }
    delivered_ += rows.size();
  }
  rows_.clear();
  from_.clear();
  delivered_ = 0;
  return {};
}

Result<> Drain::RemoveFinished(bool current_too) {
  for (const auto& segment : lanes_.Segments()) {
    bool ended = (segment->sealed() || current_too) && segment->held == 0;
    if (!ended || segment->drained < segment->committed()) continue;
    STRATA_CHECK_OK(lanes_.Remove(segment));
    CrashPoint("journal.drain.removed");
  }
  return {};
}

Result<> Drain::Sync() {
  for (const auto& segment : lanes_.Segments()) STRATA_CHECK_OK(segment->Sync());
  return {};
}

}  // namespace strata::store
