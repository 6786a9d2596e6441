#include "base/log.h"

#include <gtest/gtest.h>

#include <cstdlib>

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

}  // namespace
}  // namespace strata
