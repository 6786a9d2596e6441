#include "store/journal/lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/call_key.h"

namespace strata::store {
namespace {

// Kept for the final of an open intent.
constexpr std::size_t kFinalRoom = FramedSize(kOutcomeRecordBytesMax);

// The lanes that this thread holds: one for each journal it has appended to.
struct ThreadLanes {
  struct Held {
    std::uint64_t journal = 0;
    std::weak_ptr<Lanes> lanes;
    std::shared_ptr<Lane> lane;
  };
  std::vector<Held> held;

  ~ThreadLanes() {
    for (auto& each : held) {
      if (auto alive = each.lanes.lock()) alive->GiveBack(std::move(each.lane));
    }
  }
};

thread_local ThreadLanes thread_lanes;

}  // namespace

std::shared_ptr<Lane> Lanes::Mine() {
  for (const auto& each : thread_lanes.held) {
    if (each.journal == id_) return each.lane;
  }
  std::erase_if(thread_lanes.held, [](const auto& each) { return each.lanes.expired(); });
  std::shared_ptr<Lane> lane;
  {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      lane = std::move(free_.back());
      free_.pop_back();
    } else {
      lane = std::make_shared<Lane>();
      lane->id = static_cast<std::uint32_t>(all_.size());
      all_.push_back(lane);
    }
  }
  thread_lanes.held.push_back({id_, weak_from_this(), lane});
  return lane;
}

void Lanes::GiveBack(std::shared_ptr<Lane> lane) {
  std::lock_guard lock(mutex_);
  free_.push_back(std::move(lane));
}

Result<> Lanes::AppendIntent(Lane& lane, std::string_view payload) {
  STRATA_CHECK_OK(EnsureRoom(lane, FramedSize(payload.size()) + kFinalRoom));
  lane.current->Append(payload, "journal.intent.torn", "journal.intent.appended");
  lane.reserved.fetch_add(kFinalRoom, std::memory_order_relaxed);
  return {};
}

Result<> Lanes::AppendFinal(Lane& lane, Lane& home, std::string_view payload) {
  // In its own lane the room was kept, so it is given back first and surely there.
  home.reserved.fetch_sub(kFinalRoom, std::memory_order_relaxed);
  STRATA_CHECK_OK(EnsureRoom(lane, FramedSize(payload.size())));
  lane.current->Append(payload, "journal.final.torn", "journal.final.appended");
  return {};
}

// Afterwards `bytes` fit beside everything reserved.
Result<> Lanes::EnsureRoom(Lane& lane, std::size_t bytes) {
  auto needed = bytes + lane.reserved.load(std::memory_order_relaxed);
  if (lane.current && lane.current->free_bytes() >= needed) return {};
  if (needed > options_.segment_bytes - kSegmentHeaderBytes) {
    return Fail(Error(Code::kUnavailable,
                      fmt::format("the journal has no room for one more open call on this thread "
                                  "(journal.segment_bytes is {})",
                                  options_.segment_bytes))
                    .RetryAfter(std::chrono::seconds(1)));
  }
  return Rotate(lane);
}

Result<> Lanes::Rotate(Lane& lane) {
  std::shared_ptr<Segment> next;
  {
    std::lock_guard lock(mutex_);
    next = std::exchange(lane.spare, nullptr);
  }
  if (!next) {
    STRATA_TRY(next, NewSegment(lane.id));
  }
  {
    std::lock_guard lock(mutex_);
    segments_.push_back(next);
  }
  if (lane.current) lane.current->Seal();
  lane.current = std::move(next);
  return {};
}

Result<std::shared_ptr<Segment>> Lanes::NewSegment(std::uint32_t lane) {
  std::uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    if (bytes_used_ + options_.segment_bytes > options_.bytes_max) {
      return Fail(
          Error(Code::kUnavailable, fmt::format("the journal is full: {} bytes wait for the ledger "
                                                "(journal.bytes_max is {})",
                                                bytes_used_, options_.bytes_max))
              .RetryAfter(std::chrono::seconds(1)));
    }
    bytes_used_ += options_.segment_bytes;
    number = next_segment_++;
  }
  auto segment = Segment::Create(options_.folder, lane, number, options_.segment_bytes);
  if (!segment.has_value()) {
    std::lock_guard lock(mutex_);
    bytes_used_ -= options_.segment_bytes;
  }
  return segment;
}

std::size_t Lanes::bytes_used() const {
  std::lock_guard lock(mutex_);
  return bytes_used_;
}

std::vector<std::shared_ptr<Segment>> Lanes::Segments() const {
  std::lock_guard lock(mutex_);
  return segments_;
}

Result<> Lanes::Remove(const std::shared_ptr<Segment>& segment) {
  STRATA_CHECK_OK(segment->Remove());
  std::lock_guard lock(mutex_);
  std::erase(segments_, segment);
  bytes_used_ -= segment->size();
  return {};
}

void Lanes::MakeSpares() {
  std::vector<std::shared_ptr<Lane>> wanting;
  {
    std::lock_guard lock(mutex_);
    // Spares use at most half of what is allowed; the rest is for records.
    if (bytes_used_ + options_.segment_bytes > options_.bytes_max / 2) return;
    for (const auto& lane : all_) {
      if (!lane->spare) wanting.push_back(lane);
    }
  }
  for (const auto& lane : wanting) {
    auto spare = NewSegment(lane->id);
    if (!spare.has_value()) return;  // whoever needs it meets the same error and reports it
    std::lock_guard lock(mutex_);
    lane->spare = std::move(*spare);
  }
}

void Lanes::RemoveSpares() {
  std::lock_guard lock(mutex_);
  for (const auto& lane : all_) {
    if (!lane->spare) continue;
    // What cannot be removed is an empty segment, which the next Open clears.
    [[maybe_unused]] auto removed = lane->spare->Remove();
    lane->spare = nullptr;
    bytes_used_ -= options_.segment_bytes;
  }
}

}  // namespace strata::store
