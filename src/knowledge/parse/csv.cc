// CSV and TSV (RFC 4180, any delimiter, line breaks inside quotes, doubled quotes) as one Markdown
// table.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "knowledge/parse/formats.h"
#include "knowledge/parse/markdown_table.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kColumnsMax = 4096;

using Row = std::vector<std::string>;

class CsvReader {
 public:
  CsvReader(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  bool AtEnd() const { return at_ >= text_.size(); }

  // The next record; a line without any character gives no cells.
  Row Next() {
    Row row;
    if (EatNewline()) return row;
    while (true) {
      row.push_back(Cell());
      if (at_ < text_.size() && text_[at_] == delimiter_) {
        ++at_;
        continue;
      }
      EatNewline();
      return row;
    }
  }

 private:
  bool EatNewline() {
    if (AtEnd()) return true;
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    if (text_[at_] != '\n' && text_[at_] != '\r') return false;
    ++at_;
    return true;
  }

  std::string Cell() {
    std::string cell;
    bool quoted = at_ < text_.size() && text_[at_] == '"';
    if (quoted) ++at_;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quoted && c == '"') {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          ++at_;
        } else {
          quoted = false;
          continue;
        }
      } else if (!quoted && (c == delimiter_ || c == '\n' || c == '\r')) {
        break;
      }
      cell += c;
    }
    return cell;
  }

  std::string_view text_;
  const char delimiter_;
  std::size_t at_ = 0;
};

// The delimiter that splits the first lines into the most columns, and evenly.
char SniffDelimiter(std::string_view text) {
  constexpr std::size_t kLines = 20;
  const std::string_view head = text.substr(0, 64 << 10);
  char best = ',';
  double best_score = 0;
  for (const char candidate : {',', ';', '\t', '|'}) {
    CsvReader reader(head, candidate);
    std::size_t rows = 0, cells = 0, most = 0, fits = 0;
    std::size_t first = 0;
    while (!reader.AtEnd() && rows < kLines) {
      const std::size_t count = reader.Next().size();
      if (count == 0) continue;
      if (rows == 0) first = count;
      ++rows;
      cells += count;
      most = std::max(most, count);
      fits += count == first ? 1 : 0;
    }
    if (rows == 0 || most < 2) continue;
    const double score = static_cast<double>(fits) / static_cast<double>(rows) *
                         static_cast<double>(cells) / static_cast<double>(rows);
    if (score > best_score) {
      best_score = score;
      best = candidate;
    }
  }
  return best;
}

bool IsBlank(const Row& row) {
  return std::all_of(row.begin(), row.end(),
                     [](const std::string& cell) { return TrimSpace(cell).empty(); });
}

}  // namespace

void ParseCsv(std::string_view utf8, char delimiter, DocumentBuilder& out) {
  if (delimiter == '\0') delimiter = SniffDelimiter(utf8);
  CsvReader reader(utf8, delimiter);
  std::vector<Row> rows;
  std::size_t cells = 0;
  while (!reader.AtEnd()) {
    Row row = reader.Next();
    if (IsBlank(row)) continue;
    if (row.size() > kColumnsMax) {
      out.Fail(Error(Code::kTooLarge, fmt::format("row {} has {} columns; at most {}",
                                                  rows.size() + 1, row.size(), kColumnsMax)));
      return;
    }
    for (auto& cell : row) cell = CleanText(cell);
    cells = std::max(cells, row.size());
    rows.push_back(std::move(row));
    // Short rows are filled up, so one wide row multiplies: bound the product, not the input.
    if (cells * rows.size() * 2 > out.limits().text_bytes_max) {
      out.Fail(Error(Code::kTooLarge,
                     fmt::format("a table of {} rows and {} columns is more than {} bytes of text "
                                 "(kb.parse.text_bytes_max)",
                                 rows.size(), cells, out.limits().text_bytes_max)));
      return;
    }
  }
  out.Add(domain::BlockType::kTable, 0, WriteTable(rows));
}

}  // namespace strata::knowledge
