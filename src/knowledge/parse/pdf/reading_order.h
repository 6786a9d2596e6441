#pragma once
// The order in which the things on a page are read: columns, and what spans them.

#include <vector>

#include "knowledge/parse/pdf/page_text.h"

namespace strata::knowledge::pdf {

// A line or a table, as the ordering sees it.
struct Placed {
  Rect box;
  std::size_t chars = 0;
  float size = 10;       // font size
  bool whole = false;    // a table: never a witness for columns
  bool runs_on = false;  // begins in lower case, as a line within a sentence does
};

// Groups of indices of `items`; groups in reading order, the items of a group in one column region,
// in rows from the top (within a row from the left). `right_to_left`: the right column is read
// first. Every index occurs once.
//
// Recursive XY-cut (Nagy, Seth 1984; Ha, Haralick, Phillips 1995), with the widest gutter found
// after leaving out the few items that span it (titles, wide figures); those split the region into
// bands.
std::vector<std::vector<std::size_t>> ReadingOrder(const std::vector<Placed>& items,
                                                   bool right_to_left);

}  // namespace strata::knowledge::pdf
