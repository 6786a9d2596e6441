#include "knowledge/chunk/parts_in.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace strata::knowledge {
namespace {

TEST(PartsIn, AreThoseThatTouchTheSpan) {
  domain::ParsedDocument document;
  std::size_t at = 3;
  Rng rng(7);
  for (int i = 0; i < 40; ++i) {
    domain::DocumentPart part;
    part.start = at;
    part.end = at + 1 + rng.Below(5);
    at = part.end + rng.Below(3);
    document.parts.push_back(part);
  }
  for (std::size_t start = 0; start < at + 3; ++start) {
    for (std::size_t end = start + 1; end < at + 4; ++end) {
      std::vector<std::size_t> expected;
      for (const auto& part : document.parts) {
        if (part.end > start && part.start < end) expected.push_back(part.start);
      }
      std::vector<std::size_t> found;
      for (const auto& part : PartsIn(document, start, end)) found.push_back(part.start);
      ASSERT_EQ(found, expected) << start << " to " << end;
    }
  }
  EXPECT_TRUE(PartsIn({}, 0, 10).empty());
}

}  // namespace
}  // namespace strata::knowledge
