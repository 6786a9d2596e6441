#include "knowledge/answer/prohibitions.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(Prohibitions, AreAskedForInManyForms) {
  for (const std::string_view question :
       {"Which boats may not moor here?", "What can't I bring?", "What is forbidden on deck?",
        "Which skippers are not allowed to race?", "Welche Boote dürfen nicht anlegen?"}) {
    EXPECT_TRUE(AsksWhatIsNotAllowed(Tokens(question))) << question;
  }
  for (const std::string_view question :
       {"Which boats may moor here?", "Who did not vote?", "What is allowed on deck?"}) {
    EXPECT_FALSE(AsksWhatIsNotAllowed(Tokens(question))) << question;
  }
  const auto barred = [](std::string_view question) {
    return std::string(WhatIsBarred(Tokens(question)));
  };
  EXPECT_EQ(barred("Which boats may not moor here?"), "moor");
  EXPECT_EQ(barred("What are guests not allowed to touch?"), "touch");
  EXPECT_EQ(barred("What must not be thrown overboard?"), "thrown");
  EXPECT_EQ(barred("Which dogs are not allowed in the hall?"), "");
}

TEST(Prohibitions, AreSaidByDenialsAndByWordsOfTheirOwn) {
  EXPECT_TRUE(Prohibits("The pier is closed to anglers."));
  EXPECT_TRUE(Prohibits("Open fires are prohibited."));
  EXPECT_FALSE(Prohibits("Guests may not fish."));
  EXPECT_TRUE(SaysWhatIsNot("Guests may not fish."));
  EXPECT_TRUE(SaysWhatIsNot("Only members may fish."));
  EXPECT_TRUE(SaysWhatIsNot("You can't fish here."));
  EXPECT_FALSE(SaysWhatIsNot("Guests may fish from the pier."));
}

}  // namespace
}  // namespace strata::knowledge
