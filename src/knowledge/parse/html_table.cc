#include "knowledge/parse/html_table.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

namespace strata::knowledge {
namespace {

constexpr std::size_t kCellsMax = 1'000'000;
constexpr std::size_t kColumnsMax = 1'000;

// `<tr>` elements of this table, in order; nested tables are not entered.
void CollectRows(const GumboNode* node, std::vector<const GumboNode*>& rows) {
  const GumboVector& children = Children(node);
  for (unsigned i = 0; i < children.length; ++i) {
    const GumboNode* child = Child(children, i);
    if (IsElement(child, GUMBO_TAG_TR)) {
      rows.push_back(child);
    } else if (IsElement(child, GUMBO_TAG_THEAD) || IsElement(child, GUMBO_TAG_TBODY) ||
               IsElement(child, GUMBO_TAG_TFOOT)) {
      CollectRows(child, rows);
    }
  }
}

bool IsCell(const GumboNode* node) {
  return IsElement(node, GUMBO_TAG_TD) || IsElement(node, GUMBO_TAG_TH);
}

std::size_t SpanOf(const GumboNode* cell, const char* name, std::size_t most) {
  const std::string_view text = Attribute(cell, name);
  std::size_t span = 1;
  std::from_chars(text.data(), text.data() + text.size(), span);
  return std::clamp<std::size_t>(span, 1, most);
}

bool HoldsTag(const GumboNode* node, std::initializer_list<GumboTag> tags) {
  const GumboVector& children = Children(node);
  for (unsigned i = 0; i < children.length; ++i) {
    const GumboNode* child = Child(children, i);
    for (const GumboTag tag : tags) {
      if (IsElement(child, tag)) return true;
    }
    if (HoldsTag(child, tags)) return true;
  }
  return false;
}

// Cells that reach down into later rows: column → rows left and text.
struct Reaching {
  std::size_t rows = 0;
  std::string text;
};

// Whether the second column holds several kinds of things below its first row, or a number there.
bool IsMixed(const std::vector<std::vector<std::string>>& grid) {
  const auto is_number = [](const std::string& cell) {
    return !cell.empty() && std::isdigit(static_cast<unsigned char>(cell[0])) != 0;
  };
  std::size_t numbers = 0;
  std::size_t times = 0;
  std::size_t words = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    if (grid[i].size() < 2 || grid[i][1].empty()) continue;
    const auto& cell = grid[i][1];
    if (i == 0 && is_number(cell)) return true;
    if (i == 0) continue;
    const bool time = is_number(cell) && cell.find(':') != std::string::npos;
    ++(time ? times : is_number(cell) ? numbers : words);
  }
  return (numbers > 0) + (times > 0) + (words > 0) > 1;
}

}  // namespace

std::vector<std::vector<std::string>> TableGrid(
    const GumboNode* table, const std::function<std::string(const GumboNode*)>& text) {
  std::vector<const GumboNode*> rows;
  CollectRows(table, rows);
  std::vector<std::vector<std::string>> grid;
  std::map<std::size_t, Reaching> reaching;
  std::size_t cells = 0;
  for (const GumboNode* tr : rows) {
    std::vector<std::string> row;
    const auto fill_reaching = [&] {
      for (auto at = reaching.find(row.size()); at != reaching.end();
           at = reaching.find(row.size())) {
        row.push_back(at->second.text);
        if (--at->second.rows == 0) reaching.erase(at);
      }
    };
    const GumboVector& children = Children(tr);
    for (unsigned i = 0; i < children.length && row.size() < kColumnsMax; ++i) {
      const GumboNode* cell = Child(children, i);
      if (!IsCell(cell) || IsInvisible(cell)) continue;
      fill_reaching();
      const std::size_t columns = SpanOf(cell, "colspan", kColumnsMax - row.size());
      const std::size_t down = SpanOf(cell, "rowspan", 10'000);
      std::string content = text(cell);
      for (std::size_t c = 0; c < columns; ++c) {
        if (down > 1) reaching[row.size()] = {down - 1, c == 0 ? content : ""};
        row.push_back(c == 0 ? content : "");
      }
    }
    fill_reaching();
    cells += row.size();
    if (cells > kCellsMax) break;
    if (!row.empty()) grid.push_back(std::move(row));
  }
  return grid;
}

bool HasHeader(const GumboNode* table, const std::vector<std::vector<std::string>>& grid) {
  std::vector<const GumboNode*> rows;
  CollectRows(table, rows);
  if (rows.empty() || grid.empty()) return false;
  if (IsElement(rows[0]->parent, GUMBO_TAG_THEAD)) return true;
  const GumboVector& children = Children(rows[0]);
  std::size_t marked = 0;
  for (unsigned i = 0; i < children.length; ++i) {
    marked += IsElement(Child(children, i), GUMBO_TAG_TH) ? 1 : 0;
  }
  if (marked > 1) return true;
  if (grid[0].size() == 1) return marked == 1;
  if (marked == 1) return false;
  if (grid[0].size() != 2) return true;
  // "Monday | closed", "Monday | cleaning": the first cell reaches down.
  if (grid.size() > 1 && grid[1][0] == grid[0][0]) return false;
  return !IsMixed(grid);
}

bool IsLayoutTable(const GumboNode* table) {
  const std::string_view role = Attribute(table, "role");
  if (role == "presentation" || role == "none") return true;
  std::vector<const GumboNode*> rows;
  CollectRows(table, rows);
  std::size_t columns = 0;
  for (const GumboNode* tr : rows) {
    std::size_t count = 0;
    const GumboVector& children = Children(tr);
    for (unsigned i = 0; i < children.length; ++i) count += IsCell(Child(children, i)) ? 1 : 0;
    columns = std::max(columns, count);
  }
  if (HoldsTag(table, {GUMBO_TAG_TH, GUMBO_TAG_CAPTION})) return false;
  if (rows.size() <= 1 && columns <= 1) return true;
  return HoldsTag(table, {GUMBO_TAG_TABLE, GUMBO_TAG_H1, GUMBO_TAG_H2, GUMBO_TAG_H3,
                          GUMBO_TAG_ARTICLE, GUMBO_TAG_SECTION});
}

}  // namespace strata::knowledge
