#include "knowledge/parse/pdf/tables.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace strata::knowledge::pdf {
namespace {

constexpr float kSnap = 3;                // points: rules this near are one
constexpr std::size_t kRulesMax = 4'000;  // pages with more are drawings
constexpr std::size_t kGridMax = 200;     // rows or columns of one grid
constexpr double kFilledMin = 0.3;        // of the cells of a ruled grid

// ---- ruled grids

struct Grid {
  std::vector<float> xs;  // column edges, ascending
  std::vector<float> ys;  // row edges, descending
  std::vector<const Rule*> rules;
};

std::vector<float> Snap(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  std::vector<float> out;
  for (const float v : values) {
    if (out.empty() || v - out.back() > kSnap) out.push_back(v);
  }
  return out;
}

bool Touch(const Rule& a, const Rule& b) {
  return a.box.OverlapX(b.box) > -kSnap && a.box.OverlapY(b.box) > -kSnap;
}

// Connected components of the touching rules, by union-find.
std::vector<std::vector<const Rule*>> Components(const std::vector<Rule>& rules) {
  std::vector<std::size_t> parent(rules.size());
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = i + 1; j < rules.size(); ++j) {
      if (Touch(rules[i], rules[j])) parent[root(j)] = root(i);
    }
  }
  std::map<std::size_t, std::vector<const Rule*>> groups;
  for (std::size_t i = 0; i < rules.size(); ++i) groups[root(i)].push_back(&rules[i]);
  std::vector<std::vector<const Rule*>> out;
  for (auto& [_, group] : groups) out.push_back(std::move(group));
  return out;
}

std::optional<Grid> GridOf(std::vector<const Rule*> rules) {
  std::vector<float> xs, ys;
  for (const Rule* rule : rules) {
    if (rule->horizontal) {
      ys.push_back(rule->box.center_y());
    } else {
      xs.push_back(rule->box.center_x());
    }
  }
  Grid grid{.xs = Snap(std::move(xs)), .ys = Snap(std::move(ys)), .rules = std::move(rules)};
  std::reverse(grid.ys.begin(), grid.ys.end());
  if (grid.xs.size() < 3 || grid.ys.size() < 3 || grid.xs.size() > kGridMax ||
      grid.ys.size() > kGridMax) {
    return std::nullopt;
  }
  return grid;
}

// Is there a rule along x (vertical) at the height y, or along y (horizontal) at the place x?
bool Divides(const Grid& grid, bool horizontal, float along, float at) {
  for (const Rule* rule : grid.rules) {
    if (rule->horizontal != horizontal) continue;
    const Rect& box = rule->box;
    const float line = horizontal ? box.center_y() : box.center_x();
    const float from = horizontal ? box.x1 : box.y1;
    const float to = horizontal ? box.x2 : box.y2;
    if (std::abs(line - along) <= kSnap && from - kSnap <= at && at <= to + kSnap) return true;
  }
  return false;
}

// cell[r][c] → the cell that its text belongs to, after undoing the grid's cuts that no rule makes.
struct CellMap {
  std::size_t columns = 0;
  std::vector<std::size_t> owner;  // r * columns + c → the same index of the owning cell
};

// Does text run over the column edge x between the heights y1 and y2? Cells that no rule divides
// are often only a row's shading: they are one cell only where text says so.
bool TextCrosses(const std::vector<Line>& lines, float x, float y1, float y2) {
  return std::any_of(lines.begin(), lines.end(), [&](const Line& line) {
    return line.box.x1 < x - 1 && line.box.x2 > x + 1 && line.box.center_y() < y1 &&
           line.box.center_y() > y2;
  });
}

CellMap MapCells(const Grid& grid, const std::vector<Line>& lines) {
  const std::size_t rows = grid.ys.size() - 1, columns = grid.xs.size() - 1;
  CellMap map{.columns = columns, .owner = std::vector<std::size_t>(rows * columns)};
  for (std::size_t r = 0; r < rows; ++r) {
    const float y = (grid.ys[r] + grid.ys[r + 1]) / 2;
    for (std::size_t c = 0; c < columns; ++c) {
      const float x = (grid.xs[c] + grid.xs[c + 1]) / 2;
      const std::size_t at = r * columns + c;
      map.owner[at] = at;
      if (c > 0 && !Divides(grid, false, grid.xs[c], y) &&
          TextCrosses(lines, grid.xs[c], grid.ys[r], grid.ys[r + 1])) {
        map.owner[at] = map.owner[at - 1];
      } else if (r > 0 && !Divides(grid, true, grid.ys[r], x)) {
        map.owner[at] = map.owner[at - columns];
      }
    }
  }
  return map;
}

std::optional<std::size_t> CellAt(const Grid& grid, const Rect& box) {
  const float x = box.center_x(), y = box.center_y();
  if (x < grid.xs.front() || x > grid.xs.back() || y > grid.ys.front() || y < grid.ys.back()) {
    return std::nullopt;
  }
  std::size_t c = 0, r = 0;
  while (c + 2 < grid.xs.size() && x > grid.xs[c + 1]) ++c;
  while (r + 2 < grid.ys.size() && y < grid.ys[r + 1]) ++r;
  return r * (grid.xs.size() - 1) + c;
}

// Words to lines of one cell, top down.
std::vector<Line> CellLines(const PageText& page, std::vector<Word> words) {
  PageText cell;
  cell.number = page.number;
  cell.quarter_turns = page.quarter_turns;
  cell.words = std::move(words);
  std::vector<Line> lines = MakeLines(cell);
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    const bool row = a.box.OverlapY(b.box) > 0.5F * std::min(a.box.height(), b.box.height());
    return row ? a.box.x1 < b.box.x1 : a.box.y2 > b.box.y2;
  });
  return lines;
}

std::optional<Table> TableOf(const PageText& page, const Grid& grid,
                             const std::vector<std::vector<Word>>& cells, const CellMap& map) {
  const std::size_t columns = map.columns, rows = cells.size() / columns;
  std::size_t filled = 0, owners = 0, text_rows = 0;
  Table table;
  table.box = {grid.xs.front(), grid.ys.back(), grid.xs.back(), grid.ys.front()};
  for (std::size_t r = 0; r < rows; ++r) {
    TableRowLines row;
    std::size_t deepest = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t at = r * columns + c;
      owners += map.owner[at] == at ? 1 : 0;
      row.cells.emplace_back();
      if (cells[at].empty()) continue;
      ++filled;
      auto lines = CellLines(page, cells[at]);
      deepest = std::max(deepest, lines.size());
      for (auto& line : lines) {
        if (!row.cells.back().empty()) row.cells.back() += ' ';
        row.cells.back() += line.text;
        row.lines.push_back(std::move(line));
      }
    }
    text_rows += deepest;
    if (!row.lines.empty()) table.rows.push_back(std::move(row));
  }
  const bool sparse = static_cast<double>(filled) < kFilledMin * static_cast<double>(owners);
  // Rules only around header and body: the rows are not ruled, the columns' alignment says more.
  const bool rows_unruled = table.rows.size() <= 2 && text_rows >= 6;
  if (sparse || filled < 4 || table.rows.size() < 2 || rows_unruled) return std::nullopt;
  return table;
}

// ---- aligned columns

struct Interval {
  float x1 = 0, x2 = 0;
};

using Row = std::vector<const Line*>;

// Columns of the rows: overlapping extents of the cells in the rows with the most usual cell count.
std::vector<Interval> ColumnsOf(const std::vector<Row>& rows, std::size_t first, std::size_t last) {
  std::map<std::size_t, std::size_t> counts;
  for (std::size_t r = first; r < last; ++r) ++counts[rows[r].size()];
  std::size_t usual = 2, best = 0;
  for (const auto& [cells, times] : counts) {
    if (cells >= 2 && times * cells >= best) {
      usual = cells;
      best = times * cells;
    }
  }
  std::vector<Interval> cells;
  for (std::size_t r = first; r < last; ++r) {
    if (rows[r].size() != usual) continue;
    for (const Line* cell : rows[r]) cells.push_back({cell->box.x1, cell->box.x2});
  }
  std::sort(cells.begin(), cells.end(), [](auto& a, auto& b) { return a.x1 < b.x1; });
  std::vector<Interval> columns;
  for (const auto& cell : cells) {
    if (!columns.empty() && cell.x1 < columns.back().x2) {
      columns.back().x2 = std::max(columns.back().x2, cell.x2);
    } else {
      columns.push_back(cell);
    }
  }
  return columns;
}

std::size_t ColumnAt(const std::vector<Interval>& columns, const Rect& box) {
  std::size_t best = 0;
  float most = -1e9F;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const float overlap = std::min(columns[c].x2, box.x2) - std::max(columns[c].x1, box.x1);
    if (overlap > most + 0.01F) {
      most = overlap;
      best = c;
    }
  }
  return best;
}

float RowTop(const Row& row) {
  float top = row.front()->box.y2;
  for (const Line* line : row) top = std::max(top, line->box.y2);
  return top;
}

float RowBottom(const Row& row) {
  float bottom = row.front()->box.y1;
  for (const Line* line : row) bottom = std::min(bottom, line->box.y1);
  return bottom;
}

bool Near(const Row& above, const Row& below) {
  return RowBottom(above) - RowTop(below) <
         1.6F * std::max(above.front()->size, below.front()->size);
}

// Where a run of table rows that begins at `first` ends: rows of several cells, and single cells
// between them.
std::size_t RunEnd(const std::vector<Row>& rows, std::size_t first) {
  std::size_t last = first + 1;
  for (std::size_t r = first + 1; r < rows.size() && Near(rows[r - 1], rows[r]); ++r) {
    if (rows[r].size() >= 2) {
      last = r + 1;
    } else if (r + 1 - last >= 2) {
      break;
    }
  }
  return last;
}

bool IsTable(const std::vector<Row>& rows, std::size_t first, std::size_t last,
             const std::vector<Interval>& columns) {
  std::size_t several = 0, chars = 0, cells = 0;
  for (std::size_t r = first; r < last; ++r) {
    several += rows[r].size() >= 2 ? 1 : 0;
    if (rows[r].size() < 2) continue;
    for (const Line* cell : rows[r]) {
      chars += cell->text.size();
      ++cells;
    }
  }
  if (several < 3 || several * 2 < last - first) return false;
  return columns.size() >= 2 && columns.size() <= 40 && chars <= cells * 45;
}

Table AlignedOf(const std::vector<Row>& rows, std::size_t first, std::size_t last,
                const std::vector<Interval>& columns) {
  Table table;
  table.box = rows[first].front()->box;
  for (std::size_t r = first; r < last; ++r) {
    TableRowLines row;
    row.cells.resize(columns.size());
    for (const Line* cell : rows[r]) {
      std::string& text = row.cells[ColumnAt(columns, cell->box)];
      if (!text.empty()) text += ' ';
      text += cell->text;
      row.lines.push_back(*cell);
      table.box.Cover(cell->box);
    }
    // A row without its first cell, close below, goes on with the cells above it.
    const bool goes_on = !table.rows.empty() && row.cells[0].empty() && rows[r].size() == 1 &&
                         !table.rows.back().cells[0].empty() && table.rows.size() > 1;
    if (!goes_on) {
      table.rows.push_back(std::move(row));
      continue;
    }
    TableRowLines& above = table.rows.back();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (row.cells[c].empty()) continue;
      if (!above.cells[c].empty()) above.cells[c] += ' ';
      above.cells[c] += row.cells[c];
    }
    for (auto& line : row.lines) above.lines.push_back(std::move(line));
  }
  return table;
}

}  // namespace

std::vector<Table> TakeRuledTables(PageText& page) {
  std::vector<Table> tables;
  if (page.rules.size() < 6 || page.rules.size() > kRulesMax) return tables;
  for (auto& component : Components(page.rules)) {
    const auto grid = GridOf(std::move(component));
    if (!grid) continue;
    const CellMap map = MapCells(*grid, MakeLines(page));
    std::vector<std::vector<Word>> cells(map.owner.size());
    std::vector<bool> taken(page.words.size());
    for (std::size_t i = 0; i < page.words.size(); ++i) {
      if (page.words[i].astray) continue;
      const auto at = CellAt(*grid, page.words[i].box);
      if (!at) continue;
      cells[map.owner[*at]].push_back(page.words[i]);
      taken[i] = true;
    }
    auto table = TableOf(page, *grid, cells, map);
    if (!table) continue;
    tables.push_back(std::move(*table));
    std::vector<Word> rest;
    for (std::size_t i = 0; i < page.words.size(); ++i) {
      if (!taken[i]) rest.push_back(std::move(page.words[i]));
    }
    page.words = std::move(rest);
  }
  return tables;
}

std::optional<AlignedTable> FindAlignedTable(const std::vector<std::vector<const Line*>>& rows,
                                             std::size_t from) {
  for (std::size_t first = from; first < rows.size(); ++first) {
    if (rows[first].size() < 2) continue;
    const std::size_t last = RunEnd(rows, first);
    const auto columns = ColumnsOf(rows, first, last);
    if (IsTable(rows, first, last, columns)) {
      return AlignedTable{first, last, AlignedOf(rows, first, last, columns)};
    }
    first = last - 1;
  }
  return std::nullopt;
}

}  // namespace strata::knowledge::pdf
