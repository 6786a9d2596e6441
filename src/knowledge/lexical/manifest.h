#pragma once
// The manifest names what a commit consists of: one small file, replaced by renaming, so that a
// crash leaves the old state or the new one.
//
//   "STRATLXM", version u32, CRC-32 of the rest u32; then varints: generation, next segment number,
//   title weight, number of segments; a segment: number, documents, deleted, and when any is
//   deleted one bit a document in u64 words

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "knowledge/lexical/live_segment.h"

namespace strata::knowledge::lexical {

// Also of the words: since 2 there are such for dates.
inline constexpr std::uint32_t kManifestVersion = 2;
// Since then the files have been the same, so that an index with the words of then can be searched.
inline constexpr std::uint32_t kManifestVersionOldest = 1;

struct Manifest {
  struct Entry {
    std::uint64_t number = 0;
    std::uint32_t documents = 0;
    std::shared_ptr<const Tombstones> deleted;  // null: none
  };
  std::uint32_t version = kManifestVersion;
  std::uint64_t generation = 0;
  std::uint64_t next_number = 1;  // above all segment numbers ever used
  std::uint32_t title_weight = 0;
  std::vector<Entry> segments;
};

std::string EncodeManifest(const Manifest& manifest);
// Errors: kCorruption.
Result<Manifest> DecodeManifest(std::string_view bytes);

}  // namespace strata::knowledge::lexical
