#include "knowledge/parse/line_shapes.h"

#include <array>
#include <cctype>
#include <string>

#include "knowledge/parse/document_builder.h"

namespace strata::knowledge {
namespace {

bool Digit(char c) { return c >= '0' && c <= '9'; }
bool Letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool Upper(char c) { return c >= 'A' && c <= 'Z'; }

// The white space from `at` on, which must be there unless the line ends.
std::size_t WithSpace(std::string_view line, std::size_t at) {
  std::size_t end = at;
  while (end < line.size() && (line[end] == ' ' || line[end] == '\t')) ++end;
  if (line.substr(end).starts_with("\u00A0")) end += 2;
  return end > at || at == line.size() ? end : 0;
}

constexpr auto kBullets = std::to_array<std::string_view>(
    {"-",      "*",      "+",      "\u2022", "\u2023", "\u25E6", "\u25AA",
     "\u25AB", "\u2013", "\u2014", "\u00B7", "\u25CF", "\u25CB", "\u25A0",
     "\u25A1", "\u2043", "\u2219", "\u27A2", "\u2713", "\u2714", "\uF0B7",
     "\uF0A7", "\u25BA", "\u25B6", "\u2794", "\u27A4", "\u25C6", "\u2756"});

std::size_t NumberMarkerSize(std::string_view line) {
  std::size_t at = line.starts_with('(') ? 1 : 0;
  const bool bracket = at == 1;
  const std::size_t begin = at;
  while (at < line.size() && at - begin < 3 && Digit(line[at])) ++at;
  if (at == begin) {  // one letter, or a small roman number
    while (at < line.size() && at - begin < 4 &&
           std::string_view("ivx").find(line[at]) != std::string_view::npos) {
      ++at;
    }
    if (at == begin && at < line.size() && Letter(line[at])) ++at;
    // "I. " and "A. " begin names and initials more often than lists.
    if (at == begin || (Upper(line[begin]) && !bracket)) return 0;
  }
  if (at >= line.size() || (line[at] != ')' && (bracket || line[at] != '.'))) return 0;
  return WithSpace(line, at + 1);
}

}  // namespace

std::size_t BulletSize(std::string_view line) {
  for (const auto bullet : kBullets) {
    if (line.starts_with(bullet)) return WithSpace(line, bullet.size());
  }
  return 0;
}

std::size_t ListMarkerSize(std::string_view line) {
  const std::size_t bullet = BulletSize(line);
  return bullet > 0 ? bullet : NumberMarkerSize(line);
}

int SectionDepth(std::string_view line) {
  for (const std::string_view word : {"Chapter ", "CHAPTER ", "Appendix ", "APPENDIX ", "Annex ",
                                      "ANNEX ", "Part ", "PART ", "Section "}) {
    if (line.starts_with(word) && line.size() < 120) return 1;
  }
  std::size_t at = 0;
  int depth = 0;
  while (depth < 6) {
    const std::size_t begin = at;
    while (at < line.size() && at - begin < 3 && Digit(line[at])) ++at;
    if (at == begin && depth == 0 && at + 1 < line.size() && Upper(line[at]) &&
        line[at + 1] == '.') {
      ++at;  // "A.1 Proofs"
    }
    if (at == begin) break;
    ++depth;
    if (at >= line.size() || line[at] != '.') break;
    ++at;
  }
  if (depth == 0 || at >= line.size() || (line[at] != ' ' && line[at] != '\t')) return 0;
  const std::string_view title = TrimSpace(line.substr(at));
  if (title.empty() || title.size() > 150) return 0;
  const bool starts_title = !(title[0] >= 'a' && title[0] <= 'z') && !Digit(title[0]) &&
                            std::isalpha(static_cast<unsigned char>(title[0])) != 0;
  const bool outside_ascii = static_cast<unsigned char>(title[0]) >= 0x80;
  return starts_title || outside_ascii ? depth : 0;
}

bool EndsSentence(std::string_view line) {
  line = TrimSpace(line);
  for (bool again = true; again && !line.empty();) {
    again = false;
    for (const std::string_view close : {"\"", "'", ")", "]", "\u201D", "\u2019", "\u00BB"}) {
      if (!line.ends_with(close)) continue;
      line.remove_suffix(close.size());
      again = true;
    }
  }
  for (const std::string_view end :
       {".", "!", "?", ":", ";", "\u2026", "\u3002", "\uFF01", "\uFF1F", "\u061F", "\u06D4"}) {
    if (line.ends_with(end)) return true;
  }
  return false;
}

bool IsAllCapitals(std::string_view line) {
  int upper = 0;
  for (const char c : line) {
    if (c >= 'a' && c <= 'z') return false;
    upper += Upper(c) ? 1 : 0;
  }
  return upper >= 3;
}

bool IsPageNumber(std::string_view line) {
  std::string bare;
  for (const char c : line) {
    if (c != ' ' && c != '-' && c != '|' && c != '/' && static_cast<unsigned char>(c) < 0x80) {
      bare += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  std::string_view rest = bare;
  if (rest.empty() || rest.size() > 16) return false;
  if (rest.starts_with("page")) rest.remove_prefix(4);
  if (rest.empty()) return false;
  if (rest.find_first_not_of("ivxl") == std::string_view::npos) return rest.size() <= 6;
  const std::size_t of = rest.find("of");
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.size() <= 4 &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (of != std::string_view::npos)
    return digits(rest.substr(0, of)) && digits(rest.substr(of + 2));
  return digits(rest);
}

}  // namespace strata::knowledge
