#pragma once
// Tables as GitHub-flavoured Markdown, the form in which all parsers hand them on.

#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

// One cell: white space collapsed, '|' and '\' before it escaped.
std::string TableCell(std::string_view text);

// "| a | b |" with `columns` cells; missing ones are empty. No newline. `cells` are escaped
// already.
std::string TableRow(const std::vector<std::string>& cells, std::size_t columns);

// "| --- | --- |".
std::string TableRule(std::size_t columns);

// The whole table, the first row as header, or below an empty one where the table has none; "" for
// no rows. Cells are raw text.
std::string WriteTable(const std::vector<std::vector<std::string>>& rows, bool header = true);

}  // namespace strata::knowledge
