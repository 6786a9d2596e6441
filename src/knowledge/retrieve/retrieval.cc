#include "knowledge/retrieval.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace strata::knowledge {

std::string_view SearchModeName(SearchMode mode) {
  switch (mode) {
    case SearchMode::kDefault:
      return "default";
    case SearchMode::kLexical:
      return "lexical";
    case SearchMode::kDense:
      return "dense";
    case SearchMode::kHybrid:
      return "hybrid";
  }
  return "default";
}

Result<SearchMode> ParseSearchMode(std::string_view name, std::string_view field) {
  if (name.empty() || name == "default") return SearchMode::kDefault;
  if (name == "lexical") return SearchMode::kLexical;
  if (name == "dense" || name == "SEMANTIC") return SearchMode::kDense;
  if (name == "hybrid" || name == "HYBRID") return SearchMode::kHybrid;
  return Fail(InvalidArgument(std::string(field),
                              "expected lexical, dense, hybrid, default, HYBRID or SEMANTIC"));
}

std::vector<domain::PageRegion> RegionsOf(std::span<const domain::DocumentPart::Line> lines,
                                          std::size_t begin, std::size_t end) {
  std::vector<domain::PageRegion> regions;
  for (const auto& line : lines) {
    if (line.end <= begin || line.start >= end) continue;
    if (regions.empty() || regions.back().page != line.page) {
      regions.push_back({.page = line.page, .boxes = {}});
    }
    regions.back().boxes.push_back(line.box);
  }
  return regions;
}

void AddFixes(std::vector<SpellingFix>& fixes, std::vector<SpellingFix> more) {
  for (auto& fix : more) {
    const auto known = std::ranges::find(fixes, fix.word, &SpellingFix::word);
    if (known == fixes.end()) fixes.push_back(std::move(fix));
  }
}

}  // namespace strata::knowledge
