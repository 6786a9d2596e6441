#include "knowledge/answer/sentence_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SentenceBuffer, GivesASentenceOnceAnotherHasBegun) {
  SentenceBuffer buffer;
  buffer.Add("The mill was bui");
  EXPECT_THAT(buffer.TakeWhole(), IsEmpty());
  buffer.Add("lt in 1811.");
  EXPECT_THAT(buffer.TakeWhole(), IsEmpty());
  buffer.Add(" It burned down. No");
  EXPECT_THAT(buffer.TakeWhole(), ElementsAre("The mill was built in 1811.", " It burned down."));
  EXPECT_EQ(buffer.TakeRest(), " No");
  EXPECT_EQ(buffer.TakeRest(), "");
}

}  // namespace
}  // namespace strata::knowledge
