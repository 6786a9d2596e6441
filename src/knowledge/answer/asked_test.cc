#include "knowledge/answer/asked.h"
#include "knowledge/answer/last_question.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

TEST(Asked, GreetingsThanksAndLeadInsAreLeftOut) {
  for (const auto* text :
       {"When is the rent due?", "Hi, when is the rent due?", "Hello! When is the rent due?",
        "Dear Ms Lind, When is the rent due?", "When is the rent due, please?",
        "When is the rent due? Thank you very much in advance!", "hi when is the rent due?"}) {
    auto asked = Asked(text);
    asked[0] = 'W';
    EXPECT_EQ(asked, "When is the rent due?") << text;
  }
  EXPECT_EQ(Asked("Please tell me when the rent is due."), "when the rent is due");
  EXPECT_EQ(Asked("I would like to know whether dogs may enter."), "whether dogs may enter");
  EXPECT_EQ(Asked("Guten Tag, können Sie mir sagen, wann das Bad öffnet? Danke"),
            "wann das Bad öffnet?");
}

TEST(Asked, WhatIsSaidBesideAQuestionIsLeftOutUnlessItLeansOnIt) {
  EXPECT_EQ(Asked("I moved here last year. When is the rent due?"), "When is the rent due?");
  EXPECT_EQ(Asked("What does a bicycle cost?\n\nI ask since my daughter wants to visit me."),
            "What does a bicycle cost?");
  EXPECT_EQ(Asked("My bike is new. Where do I leave it?"),
            "My bike is new." + std::string(kTurnBreak) + "Where do I leave it?");
  EXPECT_EQ(Asked("My pump hums. What can I do?"),
            "My pump hums." + std::string(kTurnBreak) + "What can I do?");
}

TEST(Asked, AnAgeOrASizeIsAConditionOfTheQuestion) {
  const auto asked = [](std::string_view said) {
    return std::string(said) + std::string(kTurnBreak) + "What does the tour cost?";
  };
  EXPECT_EQ(Asked("I am 63. What does the tour cost?"), asked("I am 63."));
  EXPECT_EQ(Asked("Hello! My bus is 12 metres long. It is red. What does the tour cost?"),
            asked("My bus is 12 metres long."));
  EXPECT_EQ(Asked("What does the tour cost? My son is 8 years old."),
            asked("My son is 8 years old."));
  EXPECT_EQ(Asked("We came here in 1998 with 3 friends. What does the tour cost?"),
            "What does the tour cost?");
}

TEST(Asked, ASearchIsForTheQuestionAlone) {
  EXPECT_EQ(SearchQuery("Hello! When is the rent due? Many thanks!", {}), "When is the rent due?");
  EXPECT_EQ(SearchQuery("My bike is new. Where do I leave it?", {}),
            "My bike is new. Where do I leave it?");
  EXPECT_EQ(SearchQuery("Thanks! When was she born?", {{.question = "Who is Ada?", .answer = {}}}),
            "Who is Ada? When was she born?");
}

TEST(Asked, TheRestStays) {
  for (const auto* text : {"Summarize the rules of bridge.", "notice period", "Hi", "?", "",
                           "Tell me about the harbour.", "Hey Jude was written by whom?",
                           "Who owns it? And who built it?", "I lost my key."}) {
    EXPECT_EQ(Asked(text), text);
  }
  const auto turns = "Who is Ada?" + std::string(kTurnBreak);
  EXPECT_EQ(Asked(turns + "Thanks! When was she born?"), turns + "When was she born?");
}

}  // namespace
}  // namespace strata::knowledge
