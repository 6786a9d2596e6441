#pragma once
// Words to lines: runs of words on one baseline without a wide gap, so that the cells of a row and
// the lines of two columns stay apart.

#include <string>
#include <vector>

#include "knowledge/parse/pdf/page_text.h"

namespace strata::knowledge::pdf {

struct Line {
  std::vector<Word> words;  // in reading order
  std::string text;         // words joined; "-" at the end where the page breaks a word
  Rect box;
  int page = 0;
  float baseline = 0;
  float size = 0;  // that of most characters
  bool bold = false;
  bool italic = false;
  bool mono = false;
  bool rtl = false;
  domain::Box user_box;  // the same box in PDF user space
};

// Lines of the page's own direction, unordered. Words that run another way are left out.
std::vector<Line> MakeLines(const PageText& page);

// Text of the words that run another way (a stamp along the margin), a line each.
std::vector<Line> AstrayLines(const PageText& page);

// One line of several that stand in the same row, left to right (right to left for such scripts).
Line JoinRow(const PageText& page, const std::vector<const Line*>& parts);

// Makes text, box and style from `words` (any order).
Line LineOf(const PageText& page, std::vector<Word> words);

}  // namespace strata::knowledge::pdf
