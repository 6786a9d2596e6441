#include "knowledge/parse/pdf/blocks.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "knowledge/parse/line_shapes.h"
#include "knowledge/parse/pdf/reading_order.h"

namespace strata::knowledge::pdf {
namespace {

using domain::BlockType;
using Row = std::vector<const Line*>;

bool SameRow(const Rect& a, const Rect& b) {
  return a.OverlapY(b) > 0.5F * std::min(a.height(), b.height());
}

// Lines of one region, sorted from the top, to rows.
std::vector<Row> RowsOf(const std::vector<const Line*>& lines) {
  std::vector<Row> rows;
  for (const Line* line : lines) {
    const bool same = !rows.empty() && SameRow(rows.back().front()->box, line->box);
    if (!same) rows.emplace_back();
    rows.back().push_back(line);
  }
  for (auto& row : rows) {
    std::sort(row.begin(), row.end(),
              [](const Line* a, const Line* b) { return a->box.x1 < b->box.x1; });
  }
  return rows;
}

// The extents and the usual leading of one column of lines.
struct Column {
  float left = 0, right = 0;
  float leading = 0;
};

// A few lines do not show how wide their column is: then its margins are taken to be alike.
constexpr std::size_t kLinesThatMeasure = 4;

Column Measure(const std::vector<Line>& lines) {
  Column column;
  column.left = lines.front().box.x1;
  column.right = lines.front().box.x2;
  std::vector<float> leadings;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    column.left = std::min(column.left, lines[i].box.x1);
    column.right = std::max(column.right, lines[i].box.x2);
    if (i == 0) continue;
    const float step = lines[i - 1].baseline - lines[i].baseline;
    const float em = lines[i].size;
    if (step > 0.8F * em && step < 2.2F * em) leadings.push_back(step / em);
  }
  column.leading = 1.2F;
  if (!leadings.empty()) {
    // The lower third: with many short paragraphs the median is the paragraph gap.
    const auto at = leadings.begin() + static_cast<std::ptrdiff_t>(leadings.size() / 3);
    std::nth_element(leadings.begin(), at, leadings.end());
    column.leading = *at;
  }
  return column;
}

class ParagraphMaker {
 public:
  ParagraphMaker(const Rect& page, std::vector<Line> lines, std::vector<Block>& out)
      : lines_(std::move(lines)), page_(page), column_(Measure(lines_)), out_(out) {}

  void Run() {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (i == 0 || Breaks(lines_[i - 1], lines_[i])) Start(lines_[i]);
      out_.back().lines.push_back(lines_[i]);
    }
  }

 private:
  void Start(const Line& line) {
    Block block;
    block.left = column_.left;
    block.right = column_.right;
    if (lines_.size() < kLinesThatMeasure) {
      const float mirrored = page_.x2 - (column_.left - page_.x1);
      if (line.rtl) block.left = std::min(block.left, page_.x1 + (page_.x2 - column_.right));
      if (!line.rtl) block.right = std::max(block.right, mirrored);
    }
    block.starts_column = &line == &lines_.front();
    const std::size_t marker = ListMarkerSize(line.text);
    if (marker > 0 && marker < line.text.size()) block.type = BlockType::kListItem;
    if (line.mono) block.type = BlockType::kCode;
    out_.push_back(std::move(block));
  }

  bool Breaks(const Line& above, const Line& line) const {
    const Block& block = out_.back();
    const float em = std::max(above.size, line.size);
    if (above.mono != line.mono) return true;
    if (std::abs(above.size - line.size) > 0.12F * em) return true;
    if (above.bold != line.bold) return true;
    // A heading in italics; a whole line of them inside a paragraph is full.
    const bool above_short = above.box.x2 < column_.right - 0.3F * (column_.right - column_.left);
    if (above.italic && !line.italic && above_short && block.lines.size() == 1) return true;
    const float step = above.baseline - line.baseline;
    if (step < 0.2F * em || step > (column_.leading + 0.35F) * em) return true;
    if (block.type == BlockType::kCode) return false;
    const std::size_t marker = ListMarkerSize(line.text);
    if (marker > 0 && marker < line.text.size() && StartsItem(block, line)) return true;
    return line.rtl ? BreaksRtl(above, line) : BreaksByIndent(block, above, line);
  }

  // A wrapped line may begin with "2. " or "- " by chance: then the line above is full and does not
  // end a sentence.
  bool StartsItem(const Block& block, const Line& line) const {
    if (BulletSize(line.text) > 0 || block.type == BlockType::kListItem) return true;
    const Line& above = block.lines.back();
    return EndsSentence(above.text) || above.box.x2 < column_.right - 3 * above.size;
  }

  bool BreaksByIndent(const Block& block, const Line& above, const Line& line) const {
    const float em = line.size;
    if (block.type == BlockType::kListItem) {
      const float hang = block.lines.size() > 1 ? block.lines[1].box.x1 : block.lines[0].box.x1;
      return line.box.x1 < hang - 0.7F * em && EndsSentence(above.text);
    }
    const bool first_indent = line.box.x1 - above.box.x1 > 0.8F * em &&
                              std::abs(above.box.x1 - column_.left) < 0.8F * em &&
                              line.box.x1 - column_.left < 4 * em;
    if (first_indent && block.lines.size() > 1) return true;
    const bool short_end = above.box.x2 < column_.right - 0.2F * (column_.right - column_.left);
    return (short_end || first_indent) && EndsSentence(above.text);
  }

  bool BreaksRtl(const Line& above, const Line& line) const {
    const bool short_end = above.box.x1 > column_.left + 0.2F * (column_.right - column_.left);
    const bool indented = above.box.x2 - line.box.x2 > 0.8F * line.size;
    return (short_end || indented) && EndsSentence(above.text);
  }

  std::vector<Line> lines_;
  const Rect page_;
  const Column column_;
  std::vector<Block>& out_;
};

Block TableBlock(Table table) {
  Block block;
  block.type = BlockType::kTable;
  block.left = table.box.x1;
  block.table = std::move(table);
  return block;
}

// One region's rows: aligned tables are taken out, the rest becomes paragraphs.
void AddRegion(const PageText& page, const std::vector<const Line*>& lines,
               std::vector<Block>& out) {
  const std::vector<Row> rows = RowsOf(lines);
  std::vector<Line> pending;
  const auto flush = [&] {
    if (!pending.empty()) ParagraphMaker(page.extent, std::exchange(pending, {}), out).Run();
  };
  std::size_t r = 0;
  while (r < rows.size()) {
    auto found = FindAlignedTable(rows, r);
    const std::size_t end = found ? found->first : rows.size();
    for (; r < end; ++r) {
      pending.push_back(rows[r].size() == 1 ? *rows[r].front() : JoinRow(page, rows[r]));
    }
    if (!found) break;
    flush();
    out.push_back(TableBlock(std::move(found->table)));
    r = found->last;
  }
  flush();
}

// ---- the whole document

bool StartsLowercase(const std::string& text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z';
}

bool IsCaption(const Block& block) {
  if (block.type != BlockType::kParagraph || block.lines.empty()) return false;
  const std::string& text = block.lines[0].text;
  for (const std::string_view word : {"Figure ", "Fig. ", "Table ", "FIGURE ", "TABLE ", "Chart ",
                                      "Box ", "Abbildung ", "Tabelle ", "Tableau "}) {
    if (!text.starts_with(word) || text.size() <= word.size()) continue;
    const char next = text[word.size()];
    if ((next < '0' || next > '9') && next != 'I' && next != 'V') continue;
    const std::size_t end = text.find_first_of(" .:", word.size());
    // "Table 3 shows …" is a sentence about the table.
    return end == std::string::npos || text[end] != ' ' || !StartsLowercase(text.substr(end + 1));
  }
  return false;
}

// The line ends where its column does: the word that comes next would not have stood in it.
bool IsFull(const Line& line, const Block& block, const Word& next) {
  const float needed = next.box.width() + 0.25F * line.size;
  return line.rtl ? line.box.x1 - needed < block.left : line.box.x2 + needed > block.right;
}

// A title, or a paragraph whose first line is set in.
bool BeginsAnew(const Block& block) {
  const Line& first = block.lines.front();
  if (IsAllCapitals(first.text) || IsCaption(block)) return true;
  if (block.lines.size() == 1) return !EndsSentence(first.text) || SectionDepth(first.text) > 0;
  const Line& second = block.lines[1];
  const float indent = first.rtl ? second.box.x2 - first.box.x2 : first.box.x1 - second.box.x1;
  return indent > 0.8F * first.size && indent < 4 * first.size;
}

// Whether `next` stands on a later page than `line`, or in a column beside it.
bool StandsBeyond(const Line& next, const Line& line) {
  return next.page > line.page || next.baseline > line.baseline;
}

bool GoesOn(const Block& block, const Block& next) {
  if (block.lines.empty() || next.lines.empty() || next.type != BlockType::kParagraph) return false;
  if (block.type != BlockType::kParagraph && block.type != BlockType::kListItem) return false;
  const Line& last = block.lines.back();
  const Line& first = next.lines.front();
  if (!next.starts_column || std::abs(last.size - first.size) > 0.6F) return false;
  if (last.bold != first.bold || last.rtl != first.rtl) return false;
  if (EndsSentence(last.text)) return false;
  if (last.text.ends_with('-') || StartsLowercase(first.text)) return true;
  // A name, a number or a quotation begins a line as it comes: then the line above tells.
  return StandsBeyond(first, last) && !IsCaption(block) && !BeginsAnew(next) &&
         !first.words.empty() && IsFull(last, block, first.words.front());
}

// Notes at the foot of a page and captions stand between the two halves of a sentence.
bool StandsBetween(const Block& block, const Block& next) {
  if (block.lines.empty() || next.lines.empty()) return false;
  return IsCaption(block) || block.lines.back().size < next.lines.front().size - 0.6F;
}

void JoinAcrossBreaks(std::vector<Block>& blocks) {
  constexpr int kBetweenMax = 8;
  std::vector<Block> out;
  for (auto& block : blocks) {
    auto before = out.rbegin();
    for (int i = 0; i < kBetweenMax && before != out.rend() && StandsBetween(*before, block); ++i) {
      ++before;
    }
    if (before != out.rend() && GoesOn(*before, block)) {
      for (auto& line : block.lines) before->lines.push_back(std::move(line));
    } else {
      out.push_back(std::move(block));
    }
  }
  blocks = std::move(out);
}

int HalfPoints(float size) { return static_cast<int>(std::lround(size * 2)); }

struct BodyStyle {
  int size = 0;       // half points
  bool bold = false;  // most of the text is
};

BodyStyle BodyOf(const std::vector<Block>& blocks) {
  std::vector<std::pair<int, std::size_t>> sizes;
  std::size_t chars = 0, bold = 0;
  for (const auto& block : blocks) {
    for (const auto& line : block.lines) {
      const int size = HalfPoints(line.size);
      auto at = std::find_if(sizes.begin(), sizes.end(), [&](auto& s) { return s.first == size; });
      if (at == sizes.end()) at = sizes.insert(sizes.end(), {size, 0});
      at->second += line.text.size();
      chars += line.text.size();
      bold += line.bold ? line.text.size() : 0;
    }
  }
  BodyStyle body;
  std::size_t most = 0;
  for (const auto& [size, count] : sizes) {
    if (count > most) body.size = size;
    most = std::max(most, count);
  }
  body.bold = bold * 2 > chars;
  return body;
}

std::size_t LetterCount(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0xC0;
  }));
}

enum class Looks : unsigned char { kBody, kLarge, kBold };

// `type`: what the block was before it may have become a heading.
Looks HeadingLooks(const Block& block, const BodyStyle& body, BlockType type) {
  constexpr std::size_t kLinesMax = 3, kCharsMax = 220;
  if (type != BlockType::kParagraph && type != BlockType::kListItem) return Looks::kBody;
  if (block.lines.empty() || block.lines.size() > kLinesMax) return Looks::kBody;
  std::size_t chars = 0, letters = 0;
  float size = 0;
  for (const auto& line : block.lines) {
    chars += line.text.size();
    letters += LetterCount(line.text);
    size = std::max(size, line.size);
  }
  if (chars > kCharsMax || letters < 2 || BulletSize(block.lines[0].text) > 0) return Looks::kBody;
  if (HalfPoints(size) * 100 >= body.size * 114) return Looks::kLarge;
  const bool section = SectionDepth(block.lines[0].text) > 0;
  const bool ends =
      EndsSentence(block.lines.back().text) && !block.lines.back().text.ends_with(':');
  if (ends || block.lines.size() > 2 || HalfPoints(size) * 100 < body.size * 95)
    return Looks::kBody;
  const bool title = block.lines[0].italic && block.lines.size() == 1 && chars < 80 &&
                     !StartsLowercase(block.lines[0].text);
  const bool stands_out = (block.lines[0].bold && !body.bold) || title;
  const bool capitals = IsAllCapitals(block.lines[0].text) && letters * 2 > chars && chars < 80;
  if (stands_out && (section || chars < 120)) return Looks::kBold;
  return capitals && type == BlockType::kParagraph ? Looks::kBold : Looks::kBody;
}

void FindHeadings(std::vector<Block>& blocks) {
  constexpr int kLevelsMax = 6;
  const BodyStyle body = BodyOf(blocks);
  std::vector<Looks> looks;
  std::vector<int> sizes;
  for (const auto& block : blocks) {
    looks.push_back(IsCaption(block) ? Looks::kBody : HeadingLooks(block, body, block.type));
    if (looks.back() == Looks::kLarge) sizes.push_back(HalfPoints(block.lines[0].size));
  }
  std::sort(sizes.begin(), sizes.end(), std::greater<>());
  // Sizes within a point are one level: producers round.
  std::vector<int> levels;
  for (const int size : sizes) {
    if (levels.empty() || levels.back() - size > 2) levels.push_back(size);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    Block& block = blocks[i];
    if (IsCaption(block)) block.type = BlockType::kCaption;
    if (looks[i] == Looks::kBody) continue;
    int level = static_cast<int>(levels.size()) + 1;
    if (looks[i] == Looks::kLarge) {
      const int size = HalfPoints(block.lines[0].size);
      const auto at =
          std::find_if(levels.begin(), levels.end(), [&](int l) { return l - size <= 2; });
      level = static_cast<int>(at - levels.begin()) + 1;
    } else if (const int depth = SectionDepth(block.lines[0].text); depth > 1) {
      level += depth - 1;
    }
    block.type = BlockType::kHeading;
    block.level = std::min(level, kLevelsMax);
  }
}

// Nesting of list items by their indentation within the column.
void SetListLevels(std::vector<Block>& blocks) {
  std::vector<float> indents;
  for (auto& block : blocks) {
    if (block.type != BlockType::kListItem) {
      if (block.type != BlockType::kParagraph) indents.clear();
      continue;
    }
    const float x = block.lines[0].box.x1;
    const float em = block.lines[0].size;
    while (!indents.empty() && indents.back() > x + 0.7F * em) indents.pop_back();
    if (indents.empty() || x > indents.back() + 0.7F * em) indents.push_back(x);
    if (block.starts_column || indents.size() > 6) indents = {x};
    block.level = static_cast<int>(indents.size()) - 1;
  }
}

}  // namespace

std::vector<Block> PageBlocks(const PageText& page, std::vector<Line> lines,
                              std::vector<Table> tables) {
  std::vector<Placed> items;
  std::size_t rtl = 0;
  for (const auto& line : lines) {
    items.push_back({.box = line.box,
                     .chars = line.text.size(),
                     .size = line.size,
                     .runs_on = StartsLowercase(line.text)});
    rtl += line.rtl ? 1 : 0;
  }
  for (const auto& table : tables) items.push_back({.box = table.box, .whole = true});
  std::vector<Block> blocks;
  for (const auto& group : ReadingOrder(items, rtl * 2 > lines.size())) {
    std::vector<const Line*> region;
    for (const std::size_t i : group) {
      if (i < lines.size()) {
        region.push_back(&lines[i]);
        continue;
      }
      if (!region.empty()) AddRegion(page, std::exchange(region, {}), blocks);
      blocks.push_back(TableBlock(std::move(tables[i - lines.size()])));
    }
    if (!region.empty()) AddRegion(page, region, blocks);
  }
  return blocks;
}

void FinishBlocks(std::vector<Block>& blocks) {
  JoinAcrossBreaks(blocks);
  FindHeadings(blocks);
  SetListLevels(blocks);
}

std::string TitleOf(const std::vector<Block>& blocks) {
  const auto first = std::ranges::find_if(blocks, [](const Block& b) { return !b.lines.empty(); });
  if (first == blocks.end()) return {};
  const BodyStyle body = BodyOf(blocks);
  const auto size_of = [](const Block& block) { return HalfPoints(block.lines[0].size); };
  const auto is_title = [&](const Block& block) {
    return block.type == BlockType::kHeading && block.lines[0].page == first->lines[0].page &&
           HeadingLooks(block, body, BlockType::kParagraph) == Looks::kLarge;
  };
  auto best = blocks.end();
  for (auto at = blocks.begin(); at != blocks.end(); ++at) {
    if (is_title(*at) && (best == blocks.end() || size_of(*at) > size_of(*best))) best = at;
  }
  if (best == blocks.end()) return {};
  std::string title;
  for (auto at = best; at != blocks.end() && is_title(*at) && size_of(*at) == size_of(*best);
       ++at) {
    for (const auto& line : at->lines) title += (title.empty() ? "" : " ") + line.text;
  }
  return title;
}

}  // namespace strata::knowledge::pdf
