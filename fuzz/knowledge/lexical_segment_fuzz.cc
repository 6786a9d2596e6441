// A segment file of the lexical index with any bytes: opened without checksums, searched and
// merged.

#include <cstdint>
#include <string_view>

#include "knowledge/lexical/segment_merge.h"
#include "knowledge/lexical/snapshot_search.h"

using namespace strata::knowledge::lexical;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto segment = Segment::Open(bytes, nullptr, Checksums::kIgnore);
  if (!segment) return 0;
  Snapshot snapshot;
  snapshot.segments.push_back({.number = 1, .segment = *segment, .deleted = nullptr});
  (void)SearchSnapshot(snapshot, {{"alpha", 1}, {"beta", 2}, {"gamma", 1}}, {}, 10, {});
  (void)MergeSegments(snapshot.segments);
  return 0;
}
