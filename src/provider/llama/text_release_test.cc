#include "provider/llama/text_release.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/utf8.h"

namespace strata::provider::llama {
namespace {

TEST(TextRelease, ShowsTextAtOnceWhenNothingCanMatch) {
  TextRelease release({"STOP"});
  EXPECT_EQ(release.Push("Hello"), "Hello");
  EXPECT_EQ(release.Push(" world"), " world");
  EXPECT_EQ(release.Finish(), "");
  EXPECT_FALSE(release.stopped());
}

TEST(TextRelease, NeverLeaksAPartOfAStopSequence) {
  TextRelease release({"\n\nHuman:"});
  EXPECT_EQ(release.Push("Yes.\n"), "Yes.");
  EXPECT_EQ(release.Push("\nHum"), "");
  EXPECT_EQ(release.Push("an: next"), "");
  EXPECT_TRUE(release.stopped());
  EXPECT_EQ(release.stop_sequence(), "\n\nHuman:");
  EXPECT_EQ(release.Push("more"), "");
  EXPECT_EQ(release.Finish(), "");
}

TEST(TextRelease, GivesBackWhatOnlyLookedLikeAStop) {
  TextRelease release({"END"});
  EXPECT_EQ(release.Push("E"), "");
  EXPECT_EQ(release.Push("N"), "");
  EXPECT_EQ(release.Push("E"), "EN");
  EXPECT_EQ(release.Finish(), "E");
}

TEST(TextRelease, TheEarliestMatchCountsThenTheLongest) {
  TextRelease release({"cd", "b", "bc"});
  EXPECT_EQ(release.Push("abcd"), "a");
  EXPECT_EQ(release.stop_sequence(), "bc");
}

TEST(TextRelease, HoldsBackHalfACodePoint) {
  TextRelease release({});
  EXPECT_EQ(release.Push("caf\xC3"), "caf");
  EXPECT_EQ(release.Push("\xA9 \xF0\x9F"), "é ");
  EXPECT_EQ(release.Push("\x98\x80"), "😀");
  EXPECT_EQ(release.Push("\xF0\x9F"), "");
}

TEST(TextRelease, HalfACodePointAtTheEndIsDropped) {
  TextRelease release({"\xF0\x9F\x98\x80"});
  EXPECT_EQ(release.Push("so \xF0\x9F"), "so ");
  EXPECT_EQ(release.Finish(), "");
  EXPECT_EQ(release.shown_bytes(), 3U);
  TextRelease broken({});
  EXPECT_EQ(broken.Push("so \x9F\xF0"), "so \uFFFD");
  EXPECT_EQ(broken.Finish(), "");
}

TEST(TextRelease, AnyCuttingGivesTheSameText) {
  const std::string text = "Grüße aus 東京 — »end« 😀 and then <|stop|> never seen";
  Rng rng(5);
  for (int round = 0; round < 200; ++round) {
    TextRelease release({"<|stop|>", "<|stopper|>"});
    std::string shown;
    for (std::size_t at = 0; at < text.size();) {
      auto size = 1 + rng.Below(4);
      auto piece = release.Push(text.substr(at, size));
      EXPECT_TRUE(IsValidUtf8(piece));
      shown += piece;
      at += size;
    }
    shown += release.Finish();
    EXPECT_EQ(shown, "Grüße aus 東京 — »end« 😀 and then ");
  }
}

}  // namespace
}  // namespace strata::provider::llama
