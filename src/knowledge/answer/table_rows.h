#pragma once
// Rows of Markdown tables, as the parsers write them: what each cell is.

#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

// The cells of a row ("| a | b |"), white space around them cut and escapes undone. Empty for a
// line that is no row.
std::vector<std::string> TableCells(std::string_view line);

// Whether it is the rule below a header row: "| --- | :-: |".
bool IsTableRule(std::string_view line);

// The row with its column's name before each cell: "item: Blue lamp; price: 13.75". Empty cells are
// left out. A "header" that holds numbers is data of a table without one: then the first cell names
// the row, "Warranty: 36 months".
std::string LabelledRow(const std::vector<std::string>& header,
                        const std::vector<std::string>& row);

// Whether the cells name columns rather than being data.
bool NamesColumns(const std::vector<std::string>& header);

// Whether a table of two columns is a list of names and values, which has no header: what stands in
// the second column is of several kinds, numbers and names for instance. `rows` are all but the
// first.
bool ListsValues(const std::vector<std::string>& first,
                 const std::vector<std::vector<std::string>>& rows);

}  // namespace strata::knowledge
