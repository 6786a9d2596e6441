#include "knowledge/chunk/atoms.h"

#include <algorithm>

#include "text/sentences.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t'; }

// Lines without the white space at their ends; blank ones left out.
std::vector<text::TextSpan> Lines(std::string_view text) {
  std::vector<text::TextSpan> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = std::min(text.find('\n', at), text.size());
    std::size_t begin = at, end = stop;
    while (begin < end && IsSpace(text[begin])) ++begin;
    while (end > begin && IsSpace(text[end - 1])) --end;
    if (begin < end) lines.push_back({begin, end});
    at = stop + 1;
  }
  return lines;
}

std::vector<text::TextSpan> Spans(const domain::ParsedDocument& document,
                                  const domain::DocumentPart& part) {
  switch (part.type) {
    case BlockType::kHeading:
      return {{0, part.text.size()}};
    case BlockType::kCode:
      return Lines(part.text);
    case BlockType::kTable: {
      auto rows = Lines(part.text);
      if (rows.size() >= 2) {
        rows[0].end = rows[1].end;
        rows.erase(rows.begin() + 1);
      }
      return rows;
    }
    default:
      return text::SplitSentences(part.text, document.language);
  }
}

// Halves until every piece fits. The counter is asked O(log) times for each piece.
void AddFitting(std::string_view text, Atom atom, std::int64_t tokens_max,
                const TokenCounter& count, std::vector<Atom>& out) {
  std::vector<Atom> open = {atom};
  while (!open.empty()) {
    Atom piece = open.back();
    open.pop_back();
    while (piece.start < piece.end && IsSpace(text[piece.start])) ++piece.start;
    while (piece.end > piece.start && IsSpace(text[piece.end - 1])) --piece.end;
    if (piece.start == piece.end) continue;
    piece.tokens = count(text.substr(piece.start, piece.end - piece.start));
    const std::size_t cut =
        piece.tokens > tokens_max ? CutPoint(text, piece.start, piece.end) : piece.start;
    if (cut == piece.start) {
      out.push_back(piece);
      continue;
    }
    open.push_back({cut, piece.end, 0, piece.part});
    open.push_back({piece.start, cut, 0, piece.part});
  }
}

}  // namespace

std::size_t CutPoint(std::string_view text, std::size_t start, std::size_t end) {
  const std::size_t middle = start + (end - start) / 2;
  const std::size_t reach = (end - start) / 3;
  for (std::size_t d = 0; d <= reach; ++d) {
    if (middle + d < end && IsSpace(text[middle + d])) return middle + d;
    if (middle > start + d && IsSpace(text[middle - d])) return middle - d;
  }
  std::size_t cut = middle;
  while (cut > start && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  if (cut > start) return cut;
  cut = middle;
  while (cut < end && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) ++cut;
  return cut < end ? cut : start;
}

std::vector<Atom> AtomsOf(const domain::ParsedDocument& document, std::size_t part,
                          std::int64_t tokens_max, const TokenCounter& count) {
  const domain::DocumentPart& block = document.parts[part];
  std::vector<Atom> atoms;
  for (const auto& span : Spans(document, block)) {
    const Atom whole{block.start + span.begin, block.start + span.end, 0, part};
    AddFitting(document.text, whole, tokens_max, count, atoms);
  }
  return atoms;
}

}  // namespace strata::knowledge
