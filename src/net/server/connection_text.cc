#include "net/server/connection_text.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/json_text.h"

namespace strata::net {

std::string ErrorBody(std::string_view message) {
  return fmt::format("{{\"message\": {}}}", JsonString(message));
}

std::string_view HttpDate() {
  thread_local std::time_t made_at = 0;
  thread_local std::array<char, 32> text{};
  auto now = std::time(nullptr);
  if (now != made_at) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made_at = now;
  }
  return text.data();
}

}  // namespace strata::net
