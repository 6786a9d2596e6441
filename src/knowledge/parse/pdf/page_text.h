#pragma once
// Words and ruling lines of a PDF page, in coordinates in which the page's text runs from left to
// right.
//
// "Layout space" is PDF user space turned by quarter turns, so that a page whose text runs upwards
// (or a rotated scan) is laid out like any other; PageText::ToUser turns boxes back.

#include <algorithm>
#include <string>
#include <vector>

#include "domain/citation.h"
#include "knowledge/parse/pdf/pdfium_api.h"

namespace strata::knowledge::pdf {

// Points, y upwards.
struct Rect {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;

  float width() const { return x2 - x1; }
  float height() const { return y2 - y1; }
  float center_x() const { return (x1 + x2) / 2; }
  float center_y() const { return (y1 + y2) / 2; }
  void Cover(const Rect& other) {
    x1 = std::min(x1, other.x1);
    y1 = std::min(y1, other.y1);
    x2 = std::max(x2, other.x2);
    y2 = std::max(y2, other.y2);
  }
  // Shared length of the vertical (horizontal) extents, negative when apart.
  float OverlapY(const Rect& other) const {
    return std::min(y2, other.y2) - std::max(y1, other.y1);
  }
  float OverlapX(const Rect& other) const {
    return std::min(x2, other.x2) - std::max(x1, other.x1);
  }
};

struct Word {
  std::string text;
  Rect box;
  float baseline = 0;
  float size = 0;  // font size in points, after all scaling
  bool bold = false;
  bool italic = false;
  bool mono = false;
  bool rtl = false;           // letters of a right-to-left script
  bool space_before = false;  // the page says so, or PDFium inferred it
  bool astray = false;        // runs in another direction than the page's text
};

// A straight horizontal or vertical line that is drawn on the page.
struct Rule {
  Rect box;
  bool horizontal = false;
};

struct PageText {
  int number = 0;           // from 1
  int quarter_turns = 0;    // of the text's direction, counter-clockwise
  Rect extent;              // of the page, layout space
  std::vector<Word> words;  // in the order of the content stream
  std::vector<Rule> rules;
  bool scanned = false;  // without a word, but not blank: a picture of a page, or drawn letters

  domain::Box ToUser(const Rect& box) const;
};

// Reads one page. kInvalidArgument when PDFium cannot; kTooLarge for more than `chars_max`
// characters.
Result<PageText> ReadPage(const pdfium::Api& api, pdfium::Document document, int number,
                          int chars_max);

}  // namespace strata::knowledge::pdf
