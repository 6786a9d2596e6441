#pragma once
// HTML tables as grids of cells.

#include <functional>
#include <string>
#include <vector>

#include "knowledge/parse/html_tree.h"

namespace strata::knowledge {

// The rows of `table` without those of tables nested in it. A cell that spans columns stands in the
// first of them, one that spans rows in each row, so that every row can be read alone. `text` gives
// a cell's text. At most 1,000,000 cells and 1,000 columns; what goes beyond is cut.
std::vector<std::vector<std::string>> TableGrid(
    const GumboNode* table, const std::function<std::string(const GumboNode*)>& text);

// Whether the first row names columns. It does where it is marked so (<thead>, or <th> in more than
// its first cell), and does not where only first cells are; without marks a table of two columns
// has no header when what stands in its second column is of several kinds, or repeats in its first.
bool HasHeader(const GumboNode* table, const std::vector<std::vector<std::string>>& grid);

// A table used for layout: one cell wide or high, or cells that hold blocks like headings, or other
// tables.
bool IsLayoutTable(const GumboNode* table);

}  // namespace strata::knowledge
