#include "knowledge/parse/pdf/running_lines.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "knowledge/parse/line_shapes.h"

namespace strata::knowledge::pdf {
namespace {

constexpr float kZone = 0.12F;   // of the page's height, at the top and at the bottom
constexpr float kSamePlace = 8;  // points
constexpr std::size_t kPagesMin = 3;
constexpr std::size_t kFewPages = 4;  // left and right pages have headers of their own

// Digits become '#', so that page numbers and dates of issue do not tell pages apart.
std::string Key(const std::string& text) {
  std::string key;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (key.empty() || key.back() != '#') key += '#';
    } else if (c != ' ') {
      key += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
  }
  return key.substr(0, 200);
}

Running ZoneOf(const Rect& extent, const Rect& box) {
  const float height = std::max(1.0F, extent.height());
  if (box.y1 > extent.y2 - kZone * height) return Running::kHeader;
  if (box.y2 < extent.y1 + kZone * height) return Running::kFooter;
  return Running::kNo;
}

struct Seen {
  std::size_t page = 0;
  std::size_t line = 0;
  float offset = 0;  // from the page's edge of the zone
};

// No body line stands beyond it, so it is at the margin.
bool IsOutermost(const PageLines& page, std::size_t at, Running zone) {
  const Rect& box = page.lines[at].box;
  for (std::size_t i = 0; i < page.lines.size(); ++i) {
    if (i == at || page.running[i] != Running::kNo) continue;
    const Rect& other = page.lines[i].box;
    if (zone == Running::kHeader && other.y1 > box.y2) return false;
    if (zone == Running::kFooter && other.y2 < box.y1) return false;
  }
  return true;
}

std::size_t PagesOf(const std::vector<Seen>& group) {
  std::set<std::size_t> pages;
  for (const auto& seen : group) pages.insert(seen.page);
  return pages.size();
}

}  // namespace

void MarkRunningLines(std::vector<PageLines>& pages) {
  std::map<std::pair<Running, std::string>, std::vector<Seen>> groups;
  for (std::size_t p = 0; p < pages.size(); ++p) {
    pages[p].running.assign(pages[p].lines.size(), Running::kNo);
    for (std::size_t i = 0; i < pages[p].lines.size(); ++i) {
      const Line& line = pages[p].lines[i];
      const Running zone = ZoneOf(pages[p].extent, line.box);
      if (zone == Running::kNo) continue;
      const float offset = zone == Running::kHeader ? pages[p].extent.y2 - line.box.y2
                                                    : line.box.y1 - pages[p].extent.y1;
      groups[{zone, Key(line.text)}].push_back({p, i, offset});
    }
  }
  for (const auto& [key, group] : groups) {
    // At one height: a table's header row that happens to repeat wanders.
    for (const auto& seen : group) {
      std::vector<Seen> level;
      for (const auto& other : group) {
        if (std::abs(other.offset - seen.offset) < kSamePlace) level.push_back(other);
      }
      const std::size_t needed = pages.size() <= kFewPages ? 2 : kPagesMin;
      if (PagesOf(level) >= needed) pages[seen.page].running[seen.line] = key.first;
      if (level.size() * group.size() > 4'000'000) break;  // hostile: quadratic work ends here
    }
  }
  if (pages.size() < 2) return;
  for (auto& page : pages) {
    for (std::size_t i = 0; i < page.lines.size(); ++i) {
      const Running zone = ZoneOf(page.extent, page.lines[i].box);
      if (zone == Running::kNo || !IsPageNumber(page.lines[i].text)) continue;
      if (IsOutermost(page, i, zone)) page.running[i] = zone;
    }
  }
}

}  // namespace strata::knowledge::pdf
