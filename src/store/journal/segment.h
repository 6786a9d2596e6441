#pragma once
// One file of the journal, mapped. The layout is described in store/journal.h.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::store {

inline constexpr std::size_t kSegmentHeaderBytes = 64;
inline constexpr std::size_t kFrameBytes = 8;          // u32 length, u32 checksum
inline constexpr std::size_t kRecordBytesMax = 65536;  // of a payload; ours stay below 12 KiB

// What a payload takes in the file.
constexpr std::size_t FramedSize(std::size_t payload_bytes) {
  return (kFrameBytes + payload_bytes + 7) & ~std::size_t{7};
}

// Reads the frame at `offset` of `bytes`. Returns the payload; an empty view with `torn` false at
// the end, with `torn` true where a frame does not hold.
std::string_view ReadFrame(std::string_view bytes, std::size_t offset, bool& torn);

// Appended to by one thread at a time, read by the drain thread up to `committed()`.
class Segment {
 public:
  // Allocates `bytes` on the disk (zeros) and maps them. kUnavailable when the disk is full.
  static Result<std::shared_ptr<Segment>> Create(const std::string& folder, std::uint32_t lane,
                                                 std::uint64_t number, std::size_t bytes);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // Owner only. `FramedSize(payload.size()) <= free_bytes()`. `torn_point` and `done_point` are
  // crash points in the middle of the copy and behind it.
  void Append(std::string_view payload, std::string_view torn_point, std::string_view done_point);
  std::size_t free_bytes() const { return size_ - committed_.load(std::memory_order_relaxed); }

  // End of the last whole record.
  std::size_t committed() const { return committed_.load(std::memory_order_acquire); }
  std::string_view bytes() const { return {base_, size_}; }

  // No record comes any more; set by the owner.
  void Seal() { sealed_.store(true, std::memory_order_release); }
  bool sealed() const { return sealed_.load(std::memory_order_acquire); }

  Result<> Sync();  // to the disk, for power loss
  // Drain thread only. Maps the pages that are written next, so that an append meets no page fault,
  // and lets go of those that were read: a segment costs no more memory than what is under way.
  void TendPages();
  Result<> Remove();  // the file; the mapping stays until destruction
  std::size_t size() const { return size_; }

  // Drain thread only: how far it has read, and how many records of this file still need it (open
  // intents, rows that are not in the ledger yet).
  std::size_t drained = kSegmentHeaderBytes;
  std::size_t held = 0;
  std::size_t synced = 0;

 private:
  Segment(std::string path, char* base, std::size_t size)
      : path_(std::move(path)), base_(base), size_(size) {}

  const std::string path_;
  char* const base_;
  const std::size_t size_;
  std::size_t let_go_ = 0;  // end of the pages behind `drained` that are unmapped
  std::size_t ready_ = 0;   // end of the pages that were mapped ahead
  std::atomic<std::size_t> committed_{kSegmentHeaderBytes};
  std::atomic<bool> sealed_{false};
};

}  // namespace strata::store
