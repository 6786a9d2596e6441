// A segment file of the lexical index with any bytes: opened without checksums, searched, merged
// and asked for words near an unknown one.

#include <cstdint>
#include <string_view>

#include "knowledge/lexical/fix_spelling.h"
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
  auto spelling = SpellingIndex::Build(**segment, 100);
  if (!spelling) return 0;
  snapshot.segments[0].spelling = std::make_shared<const SpellingIndex>(std::move(*spelling));
  (void)FixSpelling(snapshot, "alpah betta gamnas", [](std::uint64_t id) { return id % 2 == 0; });
  return 0;
}
