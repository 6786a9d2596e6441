#include "text/text_blocks.h"

#include <algorithm>

namespace strata::text {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

std::string_view Trimmed(std::string_view line) {
  std::size_t begin = line.find_first_not_of(" \t\r\f\v");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r\f\v") + 1 - begin);
}

bool StartsListItem(std::string_view line) {
  for (std::string_view bullet : {"- ", "* ", "+ ", "\u2022", "\u2023", "\u25E6", "\u2013 "}) {
    if (line.starts_with(bullet)) return true;
  }
  std::size_t digits = 0;
  while (digits < line.size() && digits < 3 && IsDigit(line[digits])) ++digits;
  return digits > 0 && digits + 1 < line.size() && (line[digits] == '.' || line[digits] == ')') &&
         line[digits + 1] == ' ';
}

bool IsHeading(std::string_view line) {
  std::size_t marks = std::min(line.find_first_not_of('#'), line.size());
  return marks > 0 && marks <= 6 && (marks == line.size() || line[marks] == ' ');
}

bool IsFence(std::string_view line) { return line.starts_with("```") || line.starts_with("~~~"); }

// "=====", "-----" below a title, "***" between sections.
bool IsRule(std::string_view line) {
  if (line.size() < 3 || (line[0] != '=' && line[0] != '-' && line[0] != '*' && line[0] != '_')) {
    return false;
  }
  return line.find_first_not_of(line[0]) == std::string_view::npos;
}

bool EndsSentence(std::string_view line) {
  line = line.substr(0, line.find_last_not_of("\"')]*_") + 1);
  if (line.empty()) return false;
  return std::string_view(".!?:;").find(line.back()) != std::string_view::npos ||
         line.ends_with("\u3002") || line.ends_with("\u201D") || line.ends_with("\u2026");
}

struct Line {
  std::size_t begin = 0;
  std::size_t end = 0;  // without the line break
  std::string_view content;
};

class BlockMaker {
 public:
  explicit BlockMaker(std::string_view text) : text_(text) {}

  std::vector<TextBlock> Make() {
    for (std::size_t at = 0; at < text_.size();) {
      std::size_t end = std::min(text_.find('\n', at), text_.size());
      Add({.begin = at, .end = end, .content = Trimmed(text_.substr(at, end - at))});
      at = end + 1;
    }
    if (fence_.empty()) {
      EndParagraph();
    } else {
      blocks_.push_back({.begin = fence_begin_, .end = text_.size(), .prose = false});
    }
    return std::move(blocks_);
  }

 private:
  void Add(const Line& line) {
    if (!fence_.empty()) {
      if (!line.content.starts_with(fence_)) return;
      blocks_.push_back({.begin = fence_begin_, .end = line.end, .prose = false});
      fence_ = {};
    } else if (IsFence(line.content)) {
      EndParagraph();
      fence_ = line.content.substr(0, 3);
      fence_begin_ = line.begin;
    } else if (line.content.empty()) {
      EndParagraph();
    } else if (IsRule(line.content) || IsHeading(line.content) || line.content.starts_with('|')) {
      EndParagraph();
      blocks_.push_back({.begin = line.begin, .end = line.end, .prose = false});
    } else {
      if (StartsListItem(line.content)) EndParagraph();
      paragraph_.push_back(line);
    }
  }

  // A line break where the next line's first word would still have fitted, before a capital or a
  // digit, was meant: a title, an address, a caption. The widest line says how much fits.
  void EndParagraph() {
    std::size_t width = 0;
    for (const Line& line : paragraph_) width = std::max(width, line.content.size());
    std::size_t first = 0;
    for (std::size_t i = 0; i + 1 <= paragraph_.size(); ++i) {
      bool last = i + 1 == paragraph_.size();
      if (!last && !MeantBreak(paragraph_[i], paragraph_[i + 1], width)) continue;
      blocks_.push_back({.begin = paragraph_[first].begin, .end = paragraph_[i].end});
      first = i + 1;
    }
    paragraph_.clear();
  }

  static bool MeantBreak(const Line& line, const Line& next, std::size_t width) {
    std::size_t word = std::min(next.content.find(' '), next.content.size());
    bool fitted = line.content.size() + 1 + word <= width;
    return fitted && !IsLower(next.content[0]) && !EndsSentence(line.content) &&
           !line.content.ends_with(',') && !line.content.ends_with('-');
  }

  std::string_view text_;
  std::vector<TextBlock> blocks_;
  std::vector<Line> paragraph_;
  std::string_view fence_;  // what closes the open code block; empty: none is open
  std::size_t fence_begin_ = 0;
};

}  // namespace

std::vector<TextBlock> SplitBlocks(std::string_view text) { return BlockMaker(text).Make(); }

}  // namespace strata::text
