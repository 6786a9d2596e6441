#include "knowledge/answer/table_rows.h"

#include <algorithm>
#include <cctype>

namespace strata::knowledge {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

}  // namespace

std::vector<std::string> TableCells(std::string_view line) {
  line = Trim(line);
  std::vector<std::string> cells;
  if (!line.starts_with('|') || line.size() < 2) return cells;
  std::string cell;
  for (std::size_t i = 1; i < line.size(); ++i) {
    const auto rest = line.substr(i);
    const bool escape = rest.starts_with("\\|") || rest.starts_with("\\\\\\|");
    if (line[i] == '|') {
      cells.emplace_back(Trim(cell));
      cell.clear();
    } else {
      cell += line[escape ? ++i : i];
    }
  }
  if (!Trim(cell).empty()) cells.emplace_back(Trim(cell));
  return cells;
}

bool IsTableRule(std::string_view line) {
  line = Trim(line);
  return line.starts_with('|') && line.find('-') != line.npos &&
         line.find_first_not_of("|-: \t") == line.npos;
}

bool NamesColumns(const std::vector<std::string>& header) {
  const auto is_value = [](const std::string& cell) {
    return std::ranges::count_if(cell, [](unsigned char c) { return std::isdigit(c) != 0; }) * 2 >
           static_cast<std::ptrdiff_t>(cell.size());
  };
  const auto is_year = [](const std::string& cell) { return cell.size() == 4; };
  return std::ranges::any_of(header, [](const auto& cell) { return !cell.empty(); }) &&
         std::ranges::none_of(header,
                              [&](const auto& cell) { return is_value(cell) && !is_year(cell); });
}

std::string LabelledRow(const std::vector<std::string>& header,
                        const std::vector<std::string>& row) {
  const bool named = NamesColumns(header);
  std::string out;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i].empty()) continue;
    const bool after_name = !named && i == 1 && !out.empty();
    if (!out.empty()) out += after_name ? ": " : "; ";
    if (named && i < header.size() && !header[i].empty()) out += header[i] + ": ";
    out += row[i];
  }
  return out;
}

}  // namespace strata::knowledge
