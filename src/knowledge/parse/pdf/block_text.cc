#include "knowledge/parse/pdf/block_text.h"

#include <algorithm>
#include <cmath>

#include "knowledge/parse/document_builder.h"
#include "knowledge/parse/line_shapes.h"
#include "knowledge/parse/markdown_table.h"

namespace strata::knowledge::pdf {
namespace {

using domain::BlockType;
using domain::DocumentPart;

constexpr std::size_t kWordsMax = 200'000;

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80 || c == '-';
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

std::string_view LastWord(std::string_view text) {
  std::size_t at = text.size();
  while (at > 0 && IsWordByte(text[at - 1])) --at;
  return text.substr(at);
}

std::string_view FirstWord(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && IsWordByte(text[end])) ++end;
  return text.substr(0, end);
}

std::string CleanLine(const std::string& text) {
  std::string clean = CollapseSpace(CleanText(text));
  for (std::size_t at = clean.find("\u00AD"); at != std::string::npos;
       at = clean.find("\u00AD", at)) {
    // A soft hyphen shows at the end of a line only.
    const bool last = at + 2 == clean.size();
    clean.replace(at, 2, last ? "-" : "");
  }
  return clean;
}

// Adds the place of one line to the part's lines and page regions.
void AddPlace(DocumentPart& part, std::size_t start, std::size_t end, const Line& line) {
  if (end <= start) return;
  part.lines.push_back({start, end, line.page, line.user_box});
  if (part.pages.empty() || part.pages.back().page != line.page) {
    part.pages.push_back({line.page, {}});
  }
  part.pages.back().boxes.push_back(line.user_box);
}

void AddTable(DocumentPart& part, const Table& table) {
  std::size_t columns = 0;
  for (const auto& row : table.rows) columns = std::max(columns, row.cells.size());
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    std::vector<std::string> cells;
    for (const auto& cell : table.rows[r].cells) cells.push_back(TableCell(CleanText(cell)));
    if (r > 0) part.text += '\n';
    const std::size_t start = part.text.size();
    part.text += TableRow(cells, columns);
    // The lines of one row share its bytes: the cells are rewritten, so one box a row is exact.
    if (!table.rows[r].lines.empty()) {
      Line all = table.rows[r].lines.front();
      for (const auto& line : table.rows[r].lines) {
        all.user_box.x1 = std::min(all.user_box.x1, line.user_box.x1);
        all.user_box.y1 = std::min(all.user_box.y1, line.user_box.y1);
        all.user_box.x2 = std::max(all.user_box.x2, line.user_box.x2);
        all.user_box.y2 = std::max(all.user_box.y2, line.user_box.y2);
      }
      AddPlace(part, start, part.text.size(), all);
    }
    if (r == 0) part.text.append("\n").append(TableRule(columns));
  }
}

void AddCode(DocumentPart& part, const std::vector<Line>& lines) {
  float left = lines.front().box.x1;
  for (const auto& line : lines) left = std::min(left, line.box.x1);
  for (const auto& line : lines) {
    if (!part.text.empty()) part.text += '\n';
    const std::size_t start = part.text.size();
    const float cell = std::max(0.6F * line.size, 1.0F);
    const long indent = std::clamp(std::lround((line.box.x1 - left) / cell), 0L, 80L);
    part.text.append(static_cast<std::size_t>(indent), ' ');
    part.text += CleanLine(line.text);
    AddPlace(part, start, part.text.size(), line);
  }
}

void AddProse(DocumentPart& part, const std::vector<Line>& lines, const Vocabulary& vocabulary) {
  for (const auto& line : lines) {
    const std::string text = CleanLine(line.text);
    if (text.empty()) continue;
    const bool hyphen = part.text.size() > 1 && part.text.back() == '-' &&
                        IsWordByte(part.text[part.text.size() - 2]);
    if (hyphen && vocabulary.DropsHyphen(part.text, text)) {
      part.text.pop_back();
      part.lines.back().end = part.text.size();
    } else if (!part.text.empty() && !hyphen) {
      part.text += ' ';
    }
    const std::size_t start = part.text.size();
    part.text += text;
    AddPlace(part, start, part.text.size(), line);
  }
}

// Every bullet is "- ", as in the other formats.
void UnifyBullet(DocumentPart& part) {
  const std::size_t size = BulletSize(part.text);
  if (size == 0) return;
  part.text.replace(0, size, "- ");
  const auto shift = static_cast<std::ptrdiff_t>(2) - static_cast<std::ptrdiff_t>(size);
  const auto moved = [&](std::size_t at) {
    return at < size ? std::min<std::size_t>(at, 2)
                     : static_cast<std::size_t>(static_cast<std::ptrdiff_t>(at) + shift);
  };
  for (auto& line : part.lines) {
    line.start = moved(line.start);
    line.end = moved(line.end);
  }
}

}  // namespace

void Vocabulary::Add(const std::vector<Line>& lines) {
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.words.size() && words_.size() < kWordsMax; ++i) {
      const std::string_view word = FirstWord(line.words[i].text);
      const bool broken = i + 1 == line.words.size() && word.ends_with('-');
      if (word.size() > 2 && !broken) words_.insert(Lower(word));
    }
  }
}

bool Vocabulary::DropsHyphen(std::string_view before, std::string_view after) const {
  const std::string head = Lower(LastWord(before));
  const std::string_view tail = FirstWord(after);
  if (head.size() < 2 || tail.empty()) return false;
  const std::string stem = head.substr(0, head.size() - 1);
  const std::string rest = Lower(tail);
  if (words_.contains(stem + rest)) return true;
  if (words_.contains(head + rest)) return false;
  // "Franco-\nGerman" keeps it; so does what was already hyphenated once.
  const bool capital = tail[0] >= 'A' && tail[0] <= 'Z';
  return !capital && stem.find('-') == std::string::npos;
}

DocumentPart PartOf(const Block& block, const Vocabulary& vocabulary) {
  DocumentPart part;
  part.type = block.type;
  part.level = block.level;
  if (block.type == BlockType::kTable) {
    AddTable(part, block.table);
  } else if (block.type == BlockType::kCode && !block.lines.empty()) {
    AddCode(part, block.lines);
  } else {
    AddProse(part, block.lines, vocabulary);
  }
  if (block.type == BlockType::kListItem) UnifyBullet(part);
  return part;
}

DocumentPart PartOfLine(const Line& line, BlockType type) {
  DocumentPart part;
  part.type = type;
  part.text = CleanLine(line.text);
  AddPlace(part, 0, part.text.size(), line);
  return part;
}

}  // namespace strata::knowledge::pdf
