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
  if (auto key = IntentKeyOf(payload)) {
    if (early_.erase(*key) > 0) return;
    if (open_.emplace(std::move(*key), segment).second) ++segment->held;
    return;
  }
  // Into its place: a row has some thirty texts, which are dear to move.
  auto& row = rows_.emplace_back();
  auto final = DecodeFinal(payload, row);
  if (!final.has_value() || !*final) {
    rows_.pop_back();
    if (final.has_value()) return;
    Log(Level::kError, "journal.record.unreadable", {{"error", final.error().message()}});
    return;
  }
  Close(row.intent);
  ++segment->held;
  from_.push_back(segment);
}

// The final is known: the intent's segment need not wait for it.
void Drain::Close(const CallIntent& intent) {
  closing_.first = intent.request_id.value;
  closing_.second = intent.call_number;
  auto it = open_.find(closing_);
  if (it == open_.end()) {
    early_.insert(closing_);
    return;
  }
  --it->second->held;
  open_.erase(it);
}

void Drain::AddAbandoned(CallRow row) {
  rows_.push_back(std::move(row));
  from_.push_back(nullptr);
}

Result<> Drain::Deliver() {
  while (delivered_ < rows_.size()) {
    auto rows = std::span<const CallRow>(rows_).subspan(delivered_);
    rows = rows.first(std::min(kBatch, rows.size()));
    CrashPoint("journal.drain.before_sink");
    STRATA_CHECK_OK(sink_(rows));
    CrashPoint("journal.drain.after_sink");
    for (std::size_t i = delivered_; i < delivered_ + rows.size(); ++i) {
      if (from_[i]) {
        --from_[i]->held;
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
