#pragma once
// The appending side of the journal: one lane a thread, and the segments that lanes share with the
// drain thread.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/call_row.h"
#include "store/journal.h"
#include "store/journal/segment.h"

namespace strata::store {

// Appended to by one thread at a time: the one that holds it.
struct Lane {
  std::uint32_t id = 0;
  std::shared_ptr<Segment> current;      // owner
  std::shared_ptr<Segment> spare;        // Lanes::mutex_; made by the drain thread ahead of need
  std::atomic<std::size_t> reserved{0};  // bytes kept for finals of open intents
};

// Thread-safe.
class Lanes : public std::enable_shared_from_this<Lanes> {
 public:
  explicit Lanes(const JournalOptions& options) : options_(options) {}

  // The calling thread's lane; it goes back when the thread ends.
  std::shared_ptr<Lane> Mine();

  // Appends an intent and reserves room for its final. kUnavailable when full.
  Result<> AppendIntent(Lane& lane, std::string_view payload);

  // Appends a final whose intent stands in `home`. Succeeds always when `lane` is `home`; from
  // another thread kUnavailable when full. Gives the reservation back either way.
  Result<> AppendFinal(Lane& lane, Lane& home, std::string_view payload);

  // ---- for the drain thread

  std::vector<std::shared_ptr<Segment>> Segments() const;  // in the order they were made
  Result<> Remove(const std::shared_ptr<Segment>& segment);
  void MakeSpares();
  void RemoveSpares();  // at the end

  // ---- for probes

  std::size_t bytes_used() const;  // of all segments

  void GiveBack(std::shared_ptr<Lane> lane);  // by the thread that ends

 private:
  Result<> EnsureRoom(Lane& lane, std::size_t bytes);
  Result<> Rotate(Lane& lane);
  Result<std::shared_ptr<Segment>> NewSegment(std::uint32_t lane);

  static inline std::atomic<std::uint64_t> next_id_ = 1;
  const std::uint64_t id_ = next_id_.fetch_add(1);  // by which a thread finds its lane again
  const JournalOptions options_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Lane>> all_;
  std::vector<std::shared_ptr<Lane>> free_;
  std::vector<std::shared_ptr<Segment>> segments_;
  std::size_t bytes_used_ = 0;
  std::uint64_t next_segment_ = 1;
};

}  // namespace strata::store
