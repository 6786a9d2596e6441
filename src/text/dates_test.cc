#include "text/dates.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::text {
namespace {

std::string Dates(std::string_view text) {
  std::string out;
  ForEachDate(text, [&](const FoundDate& date) {
    EXPECT_LT(date.begin, date.end);
    EXPECT_LE(date.end, text.size());
    out += (out.empty() ? "" : " ") + (date.day > 0 ? DayWord(date) : MonthWord(date));
  });
  return out;
}

TEST(Dates, AreTheSameInEveryForm) {
  for (const char* text :
       {"2018-05-04",          "2018/5/4",           "2018.05.04",        "at 2018-05-04T10:00:00Z",
        "4 May 2018",          "on 4 may 2018.",     "4th of May, 2018",  "04-May-2018",
        "[04/May/2018:10:00]", "May 4, 2018",        "May 4th 2018",      "04.05.2018",
        "4. 5. 2018",          "vom 4. Mai 2018 an", "4 mai 2018",        "4\u00A0mai\u00A02018",
        "4 de mayo de 2018",   "4 MAY 2018",         "1\u20134 May 2018", "4\nMay\n2018",
        "4 mei 2018"}) {
    EXPECT_EQ(Dates(text), "2018-05-04") << text;
  }
  EXPECT_EQ(Dates("1er ao\u00FBt 2018, 1. M\u00E4rz 2018, 1 D\u00C9CEMBRE 2018, Sept. 1, 2018"),
            "2018-08-01 2018-03-01 2018-12-01 2018-09-01");
}

TEST(Dates, AMonthMayStandWithoutADay) {
  EXPECT_EQ(Dates("in May 2018 and in Okt. 2019; mayo de 2020, May, 2021"),
            "2018-05 2019-10 2020-05 2021-05");
  EXPECT_EQ(Dates("31 June 2018"), "2018-06");
  EXPECT_EQ(Dates("May 3-5, 2018"), "");  // which of them is not said in one piece
}

TEST(Dates, NumbersWhoseOrderIsUnclearAreBoth) {
  EXPECT_EQ(Dates("04/05/2018"), "2018-05-04 2018-04-05");
  EXPECT_EQ(Dates("4-5-2018"), "2018-05-04 2018-04-05");
  EXPECT_EQ(Dates("13/05/2018 05/13/2018 5/5/2018"), "2018-05-13 2018-05-13 2018-05-05");
  EXPECT_EQ(Dates("05.13.2018"), "");
}

TEST(Dates, OtherNumbersAreNone) {
  EXPECT_EQ(Dates("2018 in 2018, of 2018; the 3000 2018-05 2010-12 20180504 2018-05-041"), "");
  EXPECT_EQ(Dates("2018-13-01 2018-02-30 0.5.2018 1.2.3.2018 10.0.2018.1 v1.5.2018"), "");
  EXPECT_EQ(Dates("2018-05-04-01 4 May 18 4 May 20188 4 May 2018th the dismay 2018"), "");
  EXPECT_EQ(Dates("2020-02-29 2100-02-29"), "2020-02-29");
}

TEST(Dates, AnyBytesAreHarmless) {
  EXPECT_EQ(Dates(""), "");
  EXPECT_EQ(Dates("2018"), "");
  EXPECT_EQ(Dates("2018-"), "");
  EXPECT_EQ(Dates("\xC3\xA4 2018\xFF-05-04"), "");
  EXPECT_EQ(Dates("\xA0\xC2 2018"), "");
  EXPECT_EQ(Dates(std::string(100'000, '2')), "");
}

}  // namespace
}  // namespace strata::text
