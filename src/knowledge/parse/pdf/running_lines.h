#pragma once
// Running headers and footers: lines that stand at the same place on several pages with the same
// text but for numbers, and bare page numbers.

#include <vector>

#include "knowledge/parse/pdf/lines.h"

namespace strata::knowledge::pdf {

enum class Running : unsigned char { kNo, kHeader, kFooter };

struct PageLines {
  Rect extent;
  std::vector<Line> lines;
  std::vector<Running> running;  // one for each line
};

// Fills `running` of all pages.
void MarkRunningLines(std::vector<PageLines>& pages);

}  // namespace strata::knowledge::pdf
