#include "base/caught.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "base/check.h"
#include "base/expect_errors.h"
#include "base/run_task.h"

namespace strata {
namespace {

Task<Result<int>> Half(int value) {
  if (value < 0) throw Bug("negative");
  if (value % 2 == 1) co_return Fail(InvalidArgument("value", "it is odd"));
  co_return value / 2;
}

Task<void> Finish(bool& ran, bool throws) {
  if (throws) throw 7;
  ran = true;
  co_return;
}

TEST(Caught, HandsOnWhatATaskReturns) {
  ExpectErrors errors;
  EXPECT_EQ(RunTask(Caught("test.half", Half(4))).value(), 2);
  EXPECT_EQ(RunTask(Caught("test.half", Half(3))).error().field(), "value");
  bool ran = false;
  EXPECT_TRUE(RunTask(Caught("test.run", Finish(ran, false))).has_value());
  EXPECT_TRUE(ran);
  EXPECT_EQ(errors.errors(), 0);
}

TEST(Caught, WhatATaskThrowsIsAnErrorAndALineInTheLog) {
  std::string lines;
  SetLogSink([&](Level, std::string_view, std::string_view line) { lines += line; });
  auto half = RunTask(Caught("test.half", Half(-1)));
  bool ran = false;
  auto odd = RunTask(Caught("test.run", Finish(ran, true)));
  SetLogSink(nullptr);
  ASSERT_FALSE(half.has_value());
  EXPECT_EQ(half.error().code(), Code::kInternal);
  EXPECT_NE(half.error().message().find("test.half"), std::string::npos);
  EXPECT_EQ(half.error().message().find("negative"), std::string::npos) << "callers may see it";
  EXPECT_EQ(odd.error().code(), Code::kInternal);
  EXPECT_NE(lines.find(R"("work":"test.half","what":"negative")"), std::string::npos) << lines;
  EXPECT_NE(lines.find("unknown exception"), std::string::npos) << lines;
}

}  // namespace
}  // namespace strata
