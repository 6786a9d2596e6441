#include "base/check.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/log.h"

namespace strata::internal {

void CheckFailed(const char* file, int line, const char* condition, const std::string& why) {
  auto text = fmt::format("{}:{}: check {} failed: {}", file, line, condition, why);
  Log(Level::kError, "base.check_failed", {{"what", text}});
#ifdef NDEBUG
  throw Bug(text);
#else
  std::abort();
#endif
}

void FatalFailed(const char* file, int line, const char* condition, const std::string& why) {
  Log(Level::kError, "base.fatal",
      {{"what", fmt::format("{}:{}: {} failed: {}", file, line, condition, why)}});
  std::abort();
}

}  // namespace strata::internal
