#include "knowledge/answer/table_rows.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <set>

namespace strata::knowledge {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

enum class Form : std::uint8_t { kEmpty, kNumber, kTime, kYear, kText };

Form FormOf(std::string_view cell) {
  const auto digits =
      std::ranges::count_if(cell, [](unsigned char c) { return std::isdigit(c) != 0; });
  if (cell.empty()) return Form::kEmpty;
  if (digits == 0 || std::isdigit(static_cast<unsigned char>(cell[0])) == 0) return Form::kText;
  if (cell.find(':') != cell.npos) return Form::kTime;
  if (digits == 4 && cell.size() == 4 && (cell[0] == '1' || cell[0] == '2')) return Form::kYear;
  return Form::kNumber;
}

}  // namespace

bool ListsValues(const std::vector<std::string>& first,
                 const std::vector<std::vector<std::string>>& rows) {
  if (first.size() != 2 || first[0].empty() || rows.size() < 2) return false;
  constexpr std::array<std::string_view, 7> kGeneric = {
      "value", "values", "wert", "description", "meaning", "content", "inhalt"};
  std::string lower;
  for (const unsigned char c : first[1]) lower += static_cast<char>(std::tolower(c));
  if (first[1].empty() || std::ranges::find(kGeneric, lower) != kGeneric.end()) return false;
  std::set<Form> forms;
  for (const auto& row : rows) {
    if (row.size() != 2) return false;
    if (const auto form = FormOf(row[1]); form != Form::kEmpty) forms.insert(form);
  }
  return forms.size() > 1;
}

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
