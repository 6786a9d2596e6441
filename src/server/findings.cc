#include "server/findings.h"

#include <algorithm>
#include <charconv>

namespace strata::server {
namespace {

// "strata.yaml:12" → 12; 0 for a place without a line.
int LineOf(std::string_view place) {
  auto digits = place.substr(std::min(place.rfind(':'), place.size() - 1) + 1);
  int line = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), line);
  return error == std::errc() && end == digits.data() + digits.size() ? line : 0;
}

void Insert(std::vector<Finding>& list, std::string_view place, std::string_view text) {
  auto line = LineOf(place);
  auto at = std::find_if(list.begin(), list.end(),
                         [line](const Finding& f) { return LineOf(f.place) > line; });
  list.insert(at, {std::string(place), std::string(text)});
}

}  // namespace

std::string Finding::Line() const { return place.empty() ? text : place + ": " + text; }

void Findings::Problem(std::string_view place, std::string_view text) {
  Insert(problems_, place, text);
}
void Findings::Warning(std::string_view place, std::string_view text) {
  Insert(warnings_, place, text);
}

Result<> Findings::Verdict() const {
  if (problems_.empty()) return {};
  std::string lines;
  for (const auto& problem : problems_) {
    lines += (lines.empty() ? "" : "\n") + problem.Line();
  }
  return Fail(Code::kInvalidArgument, std::move(lines));
}

}  // namespace strata::server
