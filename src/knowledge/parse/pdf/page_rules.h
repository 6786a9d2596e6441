#pragma once
// The straight lines that a page draws: strokes, thin filled boxes and the edges of boxes. Tables
// are found by them.

#include <vector>

#include "knowledge/parse/pdf/page_text.h"

namespace strata::knowledge::pdf {

// User space. At most 20,000 rules: what draws more is a picture.
std::vector<Rule> ReadRules(const pdfium::Api& api, pdfium::Page page);

}  // namespace strata::knowledge::pdf
