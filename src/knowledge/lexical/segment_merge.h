#pragma once
// Makes one segment of several, without their deleted documents, and says when that is due.

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "knowledge/lexical/live_segment.h"

namespace strata::knowledge::lexical {

// The bytes of the merged segment. A live id is in one of them only. Errors: kCorruption.
Result<std::string> MergeSegments(std::span<const LiveSegment> segments);

// Numbers (positions in `segments`) to merge now, in groups; empty: nothing is due. Segments stand
// in tiers by their live documents, each tier eight times the last: eight of one tier become one of
// the next, so that a document is copied log8(n) times in all. A segment of which more than a third
// is deleted is rewritten alone.
std::vector<std::vector<std::size_t>> DueMerges(std::span<const LiveSegment> segments);

}  // namespace strata::knowledge::lexical
