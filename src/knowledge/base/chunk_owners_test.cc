#include "knowledge/base/chunk_owners.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"

namespace strata::knowledge {
namespace {

TEST(ChunkOwners, KnowWhatAMapKnows) {
  // Few rows, so that all are added and removed again and again, on both sides of a page's end, and
  // some far away, as of a base that has lived long.
  const std::uint64_t starts[] = {0, 1000, 1'000'000'000'000, UINT64_MAX - 63};
  Rng rng(7);
  ChunkOwners owners;
  std::map<std::uint64_t, ChunkOwners::Slot> expected;
  for (int i = 0; i < 20000; ++i) {
    const auto row = starts[rng.Below(4)] + rng.Below(64);
    const auto slot = static_cast<ChunkOwners::Slot>(rng.Below(5));
    if (rng.Below(2) == 0) {
      EXPECT_EQ(owners.Add(row, slot), expected.emplace(row, slot).second);
    } else {
      owners.Remove(row);
      expected.erase(row);
    }
    const auto asked = starts[rng.Below(4)] + rng.Below(64);
    const auto found = expected.find(asked);
    EXPECT_EQ(owners.Find(asked), found == expected.end() ? ChunkOwners::kNone : found->second);
    EXPECT_EQ(owners.size(), expected.size());
  }
}

TEST(ChunkOwners, TheFirstDocumentIsOneToo) {
  ChunkOwners owners;
  EXPECT_EQ(owners.Find(5), ChunkOwners::kNone);
  EXPECT_TRUE(owners.Add(5, 0));
  EXPECT_EQ(owners.Find(5), 0U);
  EXPECT_EQ(owners.Find(6), ChunkOwners::kNone);
}

}  // namespace
}  // namespace strata::knowledge
