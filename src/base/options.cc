#include "base/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/check.h"

namespace strata {
namespace {

template <class T>
std::optional<T> Parse(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    auto at = text.find(separator);
    auto part = text.substr(0, at);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text = at == text.npos ? std::string_view() : text.substr(at + 1);
  }
  return parts;
}

// "" when `value` fits, else what is wrong with it.
std::string NumberProblem(const Option& option, std::string_view value) {
  auto number = Parse<double>(value);
  bool whole = option.kind == OptionKind::kReal || Parse<std::int64_t>(value).has_value();
  if (!number || !std::isfinite(*number) || !whole) {
    return fmt::format("'{}' is not a {}{}{}{}{}", value,
                       option.kind == OptionKind::kReal ? "number" : "whole number",
                       option.range.empty() ? "" : " in ", option.range,
                       option.unit.empty() ? "" : " ", option.unit);
  }
  auto dots = option.range.find("..");
  if (dots == option.range.npos) return {};
  auto low = Parse<double>(option.range.substr(0, dots));
  auto high = Parse<double>(option.range.substr(dots + 2));
  if ((low && *number < *low) || (high && *number > *high)) {
    return fmt::format("{} is outside {}{}{}", value, option.range, option.unit.empty() ? "" : " ",
                       option.unit);
  }
  return {};
}

std::string Problem(const Option& option, std::string_view value) {
  switch (option.kind) {
    case OptionKind::kInteger:
    case OptionKind::kReal:
      return NumberProblem(option, value);
    case OptionKind::kFlag:
      return value == "true" || value == "false"
                 ? std::string()
                 : fmt::format("'{}' is neither true nor false", value);
    case OptionKind::kText: {
      if (option.range.empty()) return {};
      auto allowed = Split(option.range, '|');
      if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return {};
      return fmt::format("'{}' is not one of {}", value, option.range);
    }
    case OptionKind::kTextList:
      return {};
  }
  return {};
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view NearestName(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (auto candidate : known) {
    // The distance is at least the difference in length, which is cheap even for a hostile name.
    auto longer = std::max(name.size(), candidate.size());
    if (longer - std::min(name.size(), candidate.size()) >= best_distance) continue;
    auto distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

Result<Options> Options::Build(std::span<const OptionTable> tables,
                               const std::map<std::string, Given>& given) {
  Options options;
  std::vector<std::string_view> names;
  std::string problems;
  for (auto table : tables) {
    for (const auto& option : table) {
      bool fresh = options.values_.emplace(option.name, option.default_value).second;
      STRATA_FATAL(fresh, fmt::format("option {} is declared twice", option.name));
      names.push_back(option.name);
      auto it = given.find(std::string(option.name));
      if (it == given.end()) continue;
      auto problem = Problem(option, it->second.value);
      if (!problem.empty()) {
        problems += fmt::format("{}: {}: {}\n", it->second.place, option.name, problem);
      }
      options.values_.find(option.name)->second = it->second.value;
    }
  }
  for (const auto& [name, value] : given) {
    if (options.values_.contains(name)) continue;
    auto nearest = NearestName(name, names);
    problems += fmt::format("{}: unknown option {}{}\n", value.place, name,
                            nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest));
  }
  if (!problems.empty()) {
    problems.pop_back();
    return Fail(Code::kInvalidArgument, std::move(problems));
  }
  return options;
}

const std::string& Options::Raw(std::string_view name) const {
  auto it = values_.find(name);
  STRATA_FATAL(it != values_.end(), fmt::format("option {} is not declared", name));
  return it->second;
}

std::int64_t Options::Integer(std::string_view name) const {
  return Parse<std::int64_t>(Raw(name)).value_or(0);
}
double Options::Real(std::string_view name) const { return Parse<double>(Raw(name)).value_or(0); }
const std::string& Options::Text(std::string_view name) const { return Raw(name); }
bool Options::Flag(std::string_view name) const { return Raw(name) == "true"; }
std::vector<std::string> Options::TextList(std::string_view name) const {
  return Split(Raw(name), ',');
}

}  // namespace strata
