#include "knowledge/chunk/heading_path.h"

#include <algorithm>

namespace strata::knowledge {
namespace {
constexpr std::string_view kSeparator = " > ";

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}
}  // namespace

void HeadingPath::Enter(int level, const std::string& text) {
  while (!open_.empty() && open_.back().level >= level) open_.pop_back();
  open_.push_back({level, OneLine(text)});
}

std::vector<std::string> HeadingPath::Names() const {
  std::vector<std::string> names;
  if (!title_.empty() && (open_.empty() || open_.front().text != title_)) names.push_back(title_);
  for (const auto& open : open_) names.push_back(open.text);
  return names;
}

std::string HeadingPath::Line(OwnHeading own_heading) const {
  std::vector<std::string> names = Names();
  if (own_heading == OwnHeading::kYes && !open_.empty()) names.pop_back();
  std::string line;
  for (const auto& name : names) {
    if (!line.empty()) line += kSeparator;
    line += name;
  }
  return line;
}

std::string FitPath(std::string line, std::int64_t tokens_max, const TokenCounter& count) {
  while (!line.empty() && count(line) > tokens_max) {
    const std::size_t member = line.find(kSeparator);
    if (member != std::string::npos) {
      line.erase(0, member + kSeparator.size());
      continue;
    }
    const std::size_t word = line.rfind(' ');
    line.resize(word == std::string::npos ? 0 : word);
  }
  return line;
}

}  // namespace strata::knowledge
