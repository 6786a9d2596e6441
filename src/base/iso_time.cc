#include "base/iso_time.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace strata {
namespace {

// -1: not all of it is digits.
int DigitsOf(std::string_view text) {
  int value = -1;
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? value : -1;
}

}  // namespace

std::optional<WallTime> ParseIso8601(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() <= kForm.size() || !text.ends_with('Z')) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0' && text[i] != kForm[i]) return std::nullopt;
  }
  const int year = DigitsOf(text.substr(0, 4));
  const int month = DigitsOf(text.substr(5, 2));
  const int day = DigitsOf(text.substr(8, 2));
  const int hour = DigitsOf(text.substr(11, 2));
  const int minute = DigitsOf(text.substr(14, 2));
  const int second = DigitsOf(text.substr(17, 2));
  if (std::min({year, month, day, hour, minute, second}) < 0) return std::nullopt;
  int nanos = 0;
  if (auto decimals = text.substr(kForm.size(), text.size() - kForm.size() - 1);
      !decimals.empty()) {
    if (decimals[0] != '.' || decimals.size() > 10) return std::nullopt;
    auto padded = std::string(decimals.substr(1));
    if (padded.empty()) return std::nullopt;
    padded.resize(9, '0');
    nanos = DigitsOf(padded);
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  constexpr int kLeapSecond = 60;
  if (!date.ok() || hour > 23 || minute > 59 || second > kLeapSecond || nanos < 0) {
    return std::nullopt;
  }
  return WallTime{std::chrono::sys_days(date)} + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) +
         std::chrono::microseconds(nanos / 1000);
}

}  // namespace strata
