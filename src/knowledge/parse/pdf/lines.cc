#include "knowledge/parse/pdf/lines.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "knowledge/parse/line_shapes.h"

namespace strata::knowledge::pdf {
namespace {

// In ems. A column gutter is rarely under 1.5, a justified line's widest space rarely over 1.2.
constexpr float kWordGapMax = 1.3F;
constexpr float kStreamJumpGapMax = 0.6F;  // between runs that the content stream does not join
constexpr float kMarkerGapMax = 4.5F;      // between a list marker and its text

bool SameRow(const Rect& a, const Rect& b) {
  return a.OverlapY(b) > 0.5F * std::min(a.height(), b.height());
}

bool Follows(const Word& before, const Word& next) {
  const float size = std::max(before.size, next.size);
  if (!SameRow(before.box, next.box)) return false;
  if (std::abs(before.baseline - next.baseline) > 0.5F * size) return false;
  const float gap = std::max(next.box.x1 - before.box.x2, before.box.x1 - next.box.x2);
  return gap > -0.7F * size && gap < kWordGapMax * size;
}

Rect BoxOf(const std::vector<Word>& words) {
  Rect box = words.front().box;
  for (const auto& word : words) box.Cover(word.box);
  return box;
}

struct Run {
  std::vector<Word> words;
  Rect box;
  float size = 0;
  bool is_marker = false;
  bool gone = false;
};

Run RunOf(std::vector<Word> words) {
  Run run;
  run.box = BoxOf(words);
  run.size = words.front().size;
  std::string text;
  for (const auto& word : words) run.size = std::max(run.size, word.size);
  if (words.size() == 1) text = words.front().text;
  run.is_marker = !text.empty() && ListMarkerSize(text) == text.size();
  run.words = std::move(words);
  return run;
}

void Swallow(Run& into, Run& from) {
  into.words.insert(into.words.end(), from.words.begin(), from.words.end());
  into.box.Cover(from.box);
  into.size = std::max(into.size, from.size);
  into.is_marker = false;
  from.gone = true;
}

// Runs whose words the stream gives out of order, and list markers with their text.
void MergeRuns(std::vector<Run>& runs) {
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return a.box.y2 != b.box.y2 ? a.box.y2 > b.box.y2 : a.box.x1 < b.box.x1;
  });
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (std::size_t j = i + 1; j < runs.size() && runs[j].box.y2 > runs[i].box.y1; ++j) {
      if (runs[i].gone) break;
      if (runs[j].gone || !SameRow(runs[i].box, runs[j].box)) continue;
      Run& left = runs[i].box.x1 <= runs[j].box.x1 ? runs[i] : runs[j];
      Run& right = &left == &runs[i] ? runs[j] : runs[i];
      const float gap = right.box.x1 - left.box.x2;
      const float em = std::max(left.size, right.size);
      const float most = left.is_marker ? kMarkerGapMax : kStreamJumpGapMax;
      if (gap > most * em || gap < -0.5F * em) continue;
      Swallow(runs[i], runs[j]);
      j = i;  // the grown run may reach others of its row
    }
  }
  std::erase_if(runs, [](const Run& run) { return run.gone; });
}

// Right-to-left lines read from the right, but runs of left-to-right words inside them (names,
// numbers) read from the left: the resolved levels 1 and 2 of the Unicode bidirectional algorithm.
void OrderWords(std::vector<Word>& words, bool rtl) {
  std::sort(words.begin(), words.end(), [](const Word& a, const Word& b) {
    return a.box.x1 != b.box.x1 ? a.box.x1 < b.box.x1 : a.baseline > b.baseline;
  });
  if (!rtl) return;
  std::reverse(words.begin(), words.end());
  for (auto at = words.begin(); at != words.end();) {
    if (at->rtl) {
      ++at;
      continue;
    }
    auto end = std::find_if(at, words.end(), [](const Word& word) { return word.rtl; });
    std::reverse(at, end);
    at = end;
  }
}

}  // namespace

Line LineOf(const PageText& page, std::vector<Word> words) {
  Line line;
  std::size_t chars = 0, rtl = 0, bold = 0, italic = 0, mono = 0;
  std::map<int, std::size_t> sizes;  // tenths of a point → characters
  for (const auto& word : words) {
    chars += word.text.size();
    rtl += word.rtl ? word.text.size() : 0;
    bold += word.bold ? word.text.size() : 0;
    italic += word.italic ? word.text.size() : 0;
    mono += word.mono ? word.text.size() : 0;
    sizes[static_cast<int>(std::lround(word.size * 10))] += word.text.size();
  }
  line.rtl = rtl * 2 > chars;
  line.bold = bold * 10 >= chars * 9;
  line.italic = italic * 10 >= chars * 9;
  line.mono = mono * 10 >= chars * 9;
  OrderWords(words, line.rtl);
  std::size_t most = 0;
  for (const auto& [size, count] : sizes) {
    if (count > most) line.size = static_cast<float>(size) / 10;
    most = std::max(most, count);
  }
  const Word* before = nullptr;
  for (const auto& word : words) {
    if (before != nullptr) {
      const float gap = std::max(word.box.x1 - before->box.x2, before->box.x1 - word.box.x2);
      if (word.space_before || gap > 0.15F * line.size) line.text += ' ';
    }
    line.text += word.text;
    before = &word;
  }
  line.box = BoxOf(words);
  // The baseline of the main text, not of a superscript.
  for (const auto& word : words) {
    line.baseline = word.baseline;
    if (std::abs(word.size - line.size) < 0.1F) break;
  }
  line.page = page.number;
  line.user_box = page.ToUser(line.box);
  line.words = std::move(words);
  return line;
}

std::vector<Line> MakeLines(const PageText& page) {
  std::vector<Run> runs;
  std::vector<Word> open;
  for (const auto& word : page.words) {
    if (word.astray) continue;
    if (!open.empty() && !Follows(open.back(), word)) {
      runs.push_back(RunOf(std::move(open)));
      open.clear();
    }
    open.push_back(word);
  }
  if (!open.empty()) runs.push_back(RunOf(std::move(open)));
  MergeRuns(runs);
  std::vector<Line> lines;
  lines.reserve(runs.size());
  for (auto& run : runs) lines.push_back(LineOf(page, std::move(run.words)));
  return lines;
}

std::vector<Line> AstrayLines(const PageText& page) {
  std::vector<Line> lines;
  for (const auto& word : page.words) {
    if (!word.astray) continue;
    Line* last = lines.empty() ? nullptr : &lines.back();
    Rect near = last != nullptr ? last->words.back().box : Rect{};
    near = {near.x1 - word.size, near.y1 - word.size, near.x2 + word.size, near.y2 + word.size};
    if (last == nullptr || near.OverlapX(word.box) < 0 || near.OverlapY(word.box) < 0) {
      lines.emplace_back();
      last = &lines.back();
      last->page = page.number;
      last->box = word.box;
      last->size = word.size;
    }
    if (!last->text.empty() && word.space_before) last->text += ' ';
    last->text += word.text;
    last->box.Cover(word.box);
    last->words.push_back(word);
    last->user_box = page.ToUser(last->box);
  }
  return lines;
}

Line JoinRow(const PageText& page, const std::vector<const Line*>& parts) {
  std::vector<Word> words;
  for (const Line* part : parts) {
    words.insert(words.end(), part->words.begin(), part->words.end());
  }
  return LineOf(page, std::move(words));
}

}  // namespace strata::knowledge::pdf
