#include "knowledge/parse/document_check.h"

#include <fmt/format.h>

#include <cmath>

#include "base/utf8.h"

namespace strata::knowledge {
namespace {

using domain::DocumentPart;
using domain::ParsedDocument;

std::unexpected<Error> Broken(std::size_t part, std::string_view what) {
  return Fail(Code::kCorruption, fmt::format("part {}: {}", part, what));
}

bool IsFinite(const domain::Box& box) {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
         std::isfinite(box.y2);
}

bool IsBlank(std::string_view text) {
  if (text.starts_with("\uFEFF")) text.remove_prefix(3);  // a byte order mark
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool AtCodePoint(std::string_view text, std::size_t at) {
  return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

Result<> CheckLines(const ParsedDocument& document, const DocumentPart& part, std::size_t i) {
  std::size_t at = part.start;
  for (const auto& line : part.lines) {
    if (line.start < at || line.end < line.start || line.end > part.end) {
      return Broken(i, "a line lies outside of it");
    }
    if (!AtCodePoint(document.text, line.start) || !AtCodePoint(document.text, line.end)) {
      return Broken(i, "a line cuts a character");
    }
    if (line.page < 1 || line.page > document.page_count) return Broken(i, "no such page");
    if (!IsFinite(line.box)) return Broken(i, "a box is not a number");
    at = line.end;
  }
  for (const auto& region : part.pages) {
    if (region.page < 1 || region.page > document.page_count) return Broken(i, "no such page");
    for (const auto& box : region.boxes) {
      if (!IsFinite(box)) return Broken(i, "a box is not a number");
    }
  }
  return {};
}

}  // namespace

Result<> CheckDocument(const ParsedDocument& document) {
  if (!IsValidUtf8(document.text) || !IsValidUtf8(document.title) ||
      !IsValidUtf8(document.metadata.text)) {
    return Fail(Code::kCorruption, "the document's text is not UTF-8");
  }
  const std::string_view text = document.text;
  std::size_t at = 0;
  for (std::size_t i = 0; i < document.parts.size(); ++i) {
    const DocumentPart& part = document.parts[i];
    if (part.start < at || part.end <= part.start || part.end > text.size()) {
      return Broken(i, "its offsets are wrong");
    }
    if (!IsBlank(text.substr(at, part.start - at))) return Broken(i, "text stands before it");
    if (text.compare(part.start, part.end - part.start, part.text) != 0) {
      return Broken(i, "its text is not that of its offsets");
    }
    if (!AtCodePoint(text, part.start) || !AtCodePoint(text, part.end)) {
      return Broken(i, "it cuts a character");
    }
    STRATA_CHECK_OK(CheckLines(document, part, i));
    at = part.end;
  }
  if (!IsBlank(text.substr(at))) return Fail(Code::kCorruption, "text behind the last part");
  return {};
}

}  // namespace strata::knowledge
