#pragma once
// Tables of a page: those drawn with ruling lines, and those whose cells only stand in columns.

#include <optional>
#include <string>
#include <vector>

#include "knowledge/parse/pdf/lines.h"

namespace strata::knowledge::pdf {

struct TableRowLines {
  std::vector<std::string> cells;
  std::vector<Line> lines;  // what the row was made of: boxes for citations
};

struct Table {
  Rect box;  // layout space
  std::vector<TableRowLines> rows;
};

// Grids of connected horizontal and vertical rules with at least two rows and two columns, mostly
// filled. The words inside are taken out of `page`. Cells that no rule divides and that text runs
// across are one cell; its text stands in the first.
std::vector<Table> TakeRuledTables(PageText& page);

// `rows`: the lines of one region, grouped by row, top down; cells of a row left to right. A table
// when at least three neighbouring rows have two or more short cells that stand in common columns.
// Returns the table of rows [first, last), which starts at or after `from`; nullopt for none.
struct AlignedTable {
  std::size_t first = 0;
  std::size_t last = 0;
  Table table;
};
std::optional<AlignedTable> FindAlignedTable(const std::vector<std::vector<const Line*>>& rows,
                                             std::size_t from);

}  // namespace strata::knowledge::pdf
