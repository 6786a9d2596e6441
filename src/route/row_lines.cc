#include "route/row_lines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unordered_map>
#include <vector>

namespace strata::route {
namespace {

constexpr std::size_t kErrorsShown = 20;

}  // namespace

Result<> TakeRows(std::string_view text, std::string_view name, std::size_t rows_max,
                  const TakeRow& take) {
  std::unordered_map<std::string, std::size_t> line_of;
  std::vector<std::string> problems;
  std::size_t wrong = 0;
  std::size_t line_number = 0;
  auto refuse = [&](std::string_view problem) {
    if (++wrong <= kErrorsShown) {
      problems.push_back(fmt::format("{}:{}: {}", name, line_number, problem));
    }
  };
  while (!text.empty()) {
    ++line_number;
    auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (line_of.size() >= rows_max) {
      refuse(fmt::format("there are more than {} rows", rows_max));
      break;
    }
    auto id = take(line);
    if (!id.has_value()) {
      refuse(id.error().message());
      continue;
    }
    auto [at, fresh] = line_of.emplace(*id, line_number);
    if (!fresh) refuse(fmt::format("id: '{}' stands in line {} too", *id, at->second));
  }
  if (wrong == 0) return {};
  if (wrong > kErrorsShown) problems.push_back(fmt::format("and {} more", wrong - kErrorsShown));
  return Fail(Code::kInvalidArgument,
              fmt::format("{} wrong rows:\n{}", wrong, fmt::join(problems, "\n")));
}

}  // namespace strata::route
