#pragma once
// The moving side of the journal: reads what lanes have appended, gives finished rows to the sink,
// and removes the segments that nobody needs any more. One thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/call_key.h"
#include "store/journal.h"
#include "store/journal/lanes.h"

namespace strata::store {

// The ids of calls under way begin alike, with the time: a tree would compare most of their length
// at each step.
struct CallKeyHash {
  std::size_t operator()(const CallKey& key) const {
    return std::hash<std::string>()(key.first) + key.second;
  }
};

class Drain {
 public:
  Drain(Lanes& lanes, const CallSink& sink) : lanes_(lanes), sink_(sink) {}

  // Moves everything that is there. On an error of the sink it keeps its place for the next pass.
  Result<> Pass();

  // A call whose final could not be appended: charged as it stands here.
  void AddAbandoned(CallRow row);

  // Removes also segments that lanes still hold: for the end of the journal, when nobody appends.
  Result<> RemoveFinished(bool current_too);

  Result<> Sync();

 private:
  // true: stopped early because enough waits for the sink.
  bool Read(const std::shared_ptr<Segment>& segment);
  void Take(std::string_view payload, const std::shared_ptr<Segment>& segment);
  void Close(const CallIntent& intent);
  Result<> Deliver();

  Lanes& lanes_;
  const CallSink& sink_;
  // Intents without a final, and where they are.
  std::unordered_map<CallKey, std::shared_ptr<Segment>, CallKeyHash> open_;
  CallKey closing_;          // kept for its memory
  std::set<CallKey> early_;  // finals that were read before their intents (two lanes)
  // What waits for the sink: rows, and beside each the segment that is held until it is in the
  // ledger (none when abandoned). The first `delivered_` are there already.
  std::vector<CallRow> rows_;
  std::vector<std::shared_ptr<Segment>> from_;
  std::size_t delivered_ = 0;
};

}  // namespace strata::store
