#pragma once
// The moving side of the journal: reads what lanes have appended, gives finished rows to the sink,
// and removes the segments that nobody needs any more. One thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/call_key.h"
#include "store/journal.h"
#include "store/journal/lanes.h"

namespace strata::store {

// The ids of calls under way begin alike, with the time: a tree would compare most of their length
// at each step. A call is found by the bytes of its record, without a copy of them.
struct CallKeyHash {
  using is_transparent = void;
  std::size_t operator()(const CallKeyView& key) const {
    return std::hash<std::string_view>()(key.first) + key.second;
  }
};
struct CallKeyEqual {
  using is_transparent = void;
  bool operator()(const CallKeyView& a, const CallKeyView& b) const { return a == b; }
};

class Drain {
 public:
  // `lost` counts records that cannot be read; it outlives the drain.
  Drain(Lanes& lanes, const CallSink& sink, std::atomic<std::uint64_t>& lost)
      : lanes_(lanes), sink_(sink), lost_(lost) {}

  // Moves everything that is there. On an error of the sink it keeps its place for the next pass.
  Result<> Pass();

  // A call whose final could not be appended: charged as it stands here.
  void AddAbandoned(CallRow row);

  // Removes also segments that lanes still hold: for the end of the journal, when nobody appends.
  Result<> RemoveFinished(bool current_too);

  Result<> Sync();

 private:
  // A record that waits for its other part. Copied, as the pages of its segment are let go.
  struct Half {
    std::shared_ptr<Segment> segment;  // held; none: of a call that was abandoned
    std::string record;
  };

  // true: stopped early because enough waits for the sink.
  bool Read(const std::shared_ptr<Segment>& segment);
  void Take(std::string_view payload, const std::shared_ptr<Segment>& segment);
  void TakeIntent(CallKey key, Half&& intent);
  void TakeOutcome(const CallKeyView& key, std::string_view payload,
                   const std::shared_ptr<Segment>& segment);
  void Join(const Half& intent, std::string_view outcome, const std::shared_ptr<Segment>& segment);
  void Close(const CallIntent& intent);
  Result<> Deliver();

  Lanes& lanes_;
  const CallSink& sink_;
  std::atomic<std::uint64_t>& lost_;
  // Intents without an outcome, and outcomes that were read before their intents (two lanes).
  std::unordered_map<CallKey, Half, CallKeyHash, CallKeyEqual> open_;
  std::map<CallKey, Half> early_;
  // What waits for the sink: rows, and beside each the segments of its two records, which are held
  // until it is in the ledger (none when abandoned). The first `delivered_` are there already.
  struct Origin {
    std::shared_ptr<Segment> intent, outcome;
  };
  std::vector<CallRow> rows_;
  std::vector<Origin> from_;
  std::size_t delivered_ = 0;
};

}  // namespace strata::store
