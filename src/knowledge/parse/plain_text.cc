// Plain text: paragraphs between blank lines, list items by their markers, headings by underlines,
// section numbers and capitals. Line breaks inside a block stay as they are.

#include <string>
#include <vector>

#include "knowledge/parse/document_builder.h"
#include "knowledge/parse/formats.h"
#include "knowledge/parse/line_shapes.h"
#include "text/language.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;
using Lines = std::vector<std::string_view>;

constexpr std::size_t kHeadingBytesMax = 90;

bool IsUnderline(std::string_view line, char mark) {
  return line.size() >= 3 && line.find_first_not_of(mark) == std::string_view::npos;
}

int HeadingLevel(std::string_view line) {
  if (line.size() > kHeadingBytesMax || EndsSentence(line)) return 0;
  if (const int depth = SectionDepth(line); depth > 0) return depth;
  return IsAllCapitals(line) && line.find('|') == std::string_view::npos ? 1 : 0;
}

std::string Join(const Lines& lines, std::size_t from, std::size_t to) {
  std::string out;
  for (std::size_t i = from; i < to; ++i) {
    if (i > from) out += '\n';
    out += lines[i];
  }
  return out;
}

std::size_t Indentation(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t");
  return at == std::string_view::npos ? 0 : at;
}

// Lines of one block without blank lines: split where list items begin.
void AddItems(const Lines& lines, DocumentBuilder& out) {
  std::size_t begin = 0;
  const auto flush = [&](std::size_t end) {
    if (end == begin) return;
    const std::string_view first = TrimSpace(lines[begin]);
    const bool item = ListMarkerSize(first) > 0 && ListMarkerSize(first) < first.size();
    const int level = item ? static_cast<int>(Indentation(lines[begin]) / 2) : 0;
    out.Add(item ? BlockType::kListItem : BlockType::kParagraph, level, Join(lines, begin, end));
    begin = end;
  };
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string_view line = TrimSpace(lines[i]);
    const std::size_t marker = ListMarkerSize(line);
    // A wrapped line may happen to begin with a number ("in\n1990. …"): it belongs to a list only
    // when the block began as one, or it is a bullet.
    const bool starts_item = marker > 0 && marker < line.size() &&
                             (BulletSize(line) > 0 || ListMarkerSize(TrimSpace(lines[begin])) > 0);
    if (starts_item) flush(i);
  }
  flush(lines.size());
}

void AddBlock(Lines lines, DocumentBuilder& out) {
  if (lines.size() == 2 && (IsUnderline(lines[1], '=') || IsUnderline(lines[1], '-'))) {
    out.Add(BlockType::kHeading, lines[1].front() == '=' ? 1 : 2, lines[0]);
    return;
  }
  if (lines.size() == 1) {
    const std::string_view line = TrimSpace(lines[0]);
    if (line.find_first_not_of("-=*_~ ") == std::string_view::npos) return;  // a rule
    if (const int level = HeadingLevel(line); level > 0) {
      out.Add(BlockType::kHeading, level, line);
      return;
    }
  }
  AddItems(lines, out);
}

}  // namespace

void ParsePlainText(std::string_view utf8, DocumentBuilder& out) {
  const std::string clean = CleanText(utf8);
  out.SetLanguage(text::GuessLanguage(clean));
  Lines block;
  std::string_view rest = clean;
  while (!rest.empty() && !out.full()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    if (!line.empty()) {
      block.push_back(line);
      continue;
    }
    if (!block.empty()) AddBlock(std::move(block), out);
    block.clear();
  }
  if (!block.empty()) AddBlock(std::move(block), out);
}

}  // namespace strata::knowledge
