#include "knowledge/parse/markdown_table.h"

#include <algorithm>

#include "knowledge/parse/document_builder.h"

namespace strata::knowledge {

std::string TableCell(std::string_view text) {
  const std::string flat = CollapseSpace(text);
  std::string out;
  out.reserve(flat.size());
  for (std::size_t i = 0; i < flat.size(); ++i) {
    const bool before_bar = flat[i] == '\\' && i + 1 < flat.size() && flat[i + 1] == '|';
    if (flat[i] == '|' || before_bar) out += '\\';
    out += flat[i];
  }
  return out;
}

std::string TableRow(const std::vector<std::string>& cells, std::size_t columns) {
  std::string out = "|";
  for (std::size_t i = 0; i < columns; ++i) {
    out += ' ';
    if (i < cells.size() && !cells[i].empty()) out.append(cells[i]).append(" ");
    out += '|';
  }
  return out;
}

std::string TableRule(std::size_t columns) {
  std::string out = "|";
  for (std::size_t i = 0; i < columns; ++i) out += " --- |";
  return out;
}

std::string WriteTable(const std::vector<std::vector<std::string>>& rows, bool header) {
  std::size_t columns = 0;
  for (const auto& row : rows) columns = std::max(columns, row.size());
  if (columns == 0) return "";
  std::string out;
  if (!header) out = TableRow({}, columns) + "\n" + TableRule(columns) + "\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> cells;
    cells.reserve(rows[i].size());
    for (const auto& cell : rows[i]) cells.push_back(TableCell(cell));
    if (i > 0) out += '\n';
    out += TableRow(cells, columns);
    if (i == 0 && header) out.append("\n").append(TableRule(columns));
  }
  return out;
}

}  // namespace strata::knowledge
