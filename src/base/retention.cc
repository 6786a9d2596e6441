#include "base/retention.h"

#include <fmt/format.h>

#include <charconv>

#include "base/format_message.h"

namespace strata {

Result<Retention> ParseRetention(std::string_view text) {
  constexpr std::int64_t kHoursMax = 10LL * 366 * 24;
  if (text == "none") return Retention{};
  if (text == "unlimited") return Retention::Unlimited();
  std::int64_t count = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t hours = unit == "d" ? 24 : 1;
  if (error != std::errc() || (unit != "d" && unit != "h") || count < 0 ||
      count > kHoursMax / hours) {
    return Fail(
        InvalidArgument("retention", FormatMessage("'{}' is none of none, 36h, 30d (hours and days "
                                                   "of that form) and unlimited",
                                                   text)));
  }
  return Retention{std::chrono::hours(count * hours)};
}

std::string FormatRetention(Retention retention) {
  auto hours = retention.longest.count();
  if (hours == 0) return "none";
  if (retention == Retention::Unlimited()) return "unlimited";
  return hours % 24 == 0 ? fmt::format("{}d", hours / 24) : fmt::format("{}h", hours);
}

}  // namespace strata
