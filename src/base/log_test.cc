#include "base/log.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>

namespace strata {
namespace {

using testing::ExitedWithCode;
using testing::KilledBySignal;

// Lines of little weight are written together; none is lost, none overtakes another.
TEST(Log, ThatWaitsIsWrittenWhenTheProcessEnds) {
  auto end = [] {
    Log(Level::kInfo, "test.first", {{"n", 1}, {"share", 0.25}});
    Log(Level::kInfo, "test.second", {{"text", "a\"b"}});
    std::exit(0);
  };
  EXPECT_EXIT(end(), ExitedWithCode(0),
              R"("test.first","n":1,"share":0.25}.*"test.second","text":"a..b"})");
}

TEST(Log, OfAFailureIsWrittenAtOnceWithWhatWaitsBeforeIt) {
  auto die = [] {
    Log(Level::kInfo, "test.before");
    Log(Level::kError, "test.failed");
    std::abort();
  };
  EXPECT_EXIT(die(), KilledBySignal(SIGABRT), "test.before.*\n.*test.failed");
}

// Times are written a short way; the text is that of %g.
TEST(Log, NumbersHaveSixSignificantDigits) {
  std::string line;
  SetLogSink([&](Level, std::string_view, std::string_view text) { line = text; });
  auto written = [&](double value) {
    Log(Level::kInfo, "test.number", {{"n", value}});
    auto at = line.find("\"n\":") + 4;
    return line.substr(at, line.size() - at - 1);
  };
  auto expected = [](double value) {
    char text[64];
    auto end = std::to_chars(text, std::end(text), value, std::chars_format::general, 6).ptr;
    return std::string(text, end);
  };
  std::mt19937_64 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same numbers each time
  std::uniform_real_distribution<double> exponent(-6, 8);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::pow(10, exponent(random));
    ASSERT_EQ(written(value), expected(value));
  }
  for (double value :
       {0.0, -0.0, -1.5, 1.0, 0.1, 0.05, 0.0001, 0.00009999999, 0.99999999, 12.3456789, 99999.97,
        100000.0, 999999.4, 999999.5, 999999.9, 1e6, 1e300, 1e-300}) {
    EXPECT_EQ(written(value), expected(value));
  }
  SetLogSink(nullptr);
}

}  // namespace
}  // namespace strata
