#include "dialect/json/citations.h"

#include <algorithm>

#include "base/utf8.h"

namespace strata::dialect {
namespace {

// Pieces times citations are copied, so hostile answers must not make many of both.
constexpr std::size_t kSplitMax = 100;

bool Covers(const domain::Citation& citation, std::int64_t start, std::int64_t end) {
  if (citation.answer_end <= citation.answer_start) return true;
  return citation.answer_start <= start && end <= citation.answer_end;
}

}  // namespace

std::vector<domain::TextBlock> SplitByCitations(const domain::TextBlock& block) {
  if (block.citations.empty() || block.citations.size() > kSplitMax) return {block};
  const auto length = static_cast<std::int64_t>(CodePointCount(block.text));
  std::vector<std::int64_t> cuts = {0, length};
  for (const auto& citation : block.citations) {
    cuts.push_back(std::clamp<std::int64_t>(citation.answer_start, 0, length));
    cuts.push_back(std::clamp<std::int64_t>(citation.answer_end, 0, length));
  }
  std::ranges::sort(cuts);
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  if (cuts.size() <= 2) return {block};
  std::vector<domain::TextBlock> pieces;
  std::size_t from = 0;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const auto rest = std::string_view(block.text).substr(from);
    const auto size = ByteOffset(rest, static_cast<std::size_t>(cuts[i + 1] - cuts[i]));
    domain::TextBlock piece{.text = std::string(rest.substr(0, size)), .citations = {}};
    for (const auto& citation : block.citations) {
      if (Covers(citation, cuts[i], cuts[i + 1])) piece.citations.push_back(citation);
    }
    CoverWhole(piece);
    pieces.push_back(std::move(piece));
    from += size;
  }
  return pieces;
}

domain::CitationPlace PlaceOf(const domain::Citation& citation) {
  using domain::CitationPlace;
  if (citation.place != CitationPlace::kText) return citation.place;
  if (citation.chunk_id.empty()) return CitationPlace::kText;
  return citation.pages.empty() ? CitationPlace::kSearchResult : CitationPlace::kPages;
}

std::vector<domain::PageRegion> PageRange(std::int64_t start, std::int64_t end) {
  constexpr std::int64_t kListedMax = 16;
  std::vector<domain::PageRegion> pages;
  auto add = [&](std::int64_t page) {
    pages.push_back({.page = static_cast<int>(page), .boxes = {}});
  };
  if (end - start > kListedMax) {
    add(start);
    add(end - 1);
    return pages;
  }
  for (auto page = start; page < end; ++page) add(page);
  return pages;
}

void CoverWhole(domain::TextBlock& block) {
  const auto length = static_cast<std::int64_t>(CodePointCount(block.text));
  for (auto& citation : block.citations) {
    citation.answer_start = 0;
    citation.answer_end = length;
  }
}

}  // namespace strata::dialect
