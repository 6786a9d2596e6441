#include "knowledge/retrieve/join.h"

#include "base/utf8.h"

namespace strata::knowledge {
namespace {

constexpr std::int64_t kGapMax = 64;  // code points of white space between two passages

// Whether `next` goes on where `before` ends.
bool GoesOn(const RetrievedChunk& before, const RetrievedChunk& next) {
  return next.headings == before.headings && next.start > before.start && next.end > before.end &&
         next.start - before.end <= kGapMax;
}

void AddPages(std::vector<domain::PageRegion>& pages, std::vector<domain::PageRegion> more) {
  for (auto& region : more) {
    if (!pages.empty() && pages.back().page == region.page) {
      auto& boxes = pages.back().boxes;
      boxes.insert(boxes.end(), region.boxes.begin(), region.boxes.end());
    } else {
      pages.push_back(std::move(region));
    }
  }
}

// Puts `next` behind `run`.
void Append(RetrievedChunk& run, RetrievedChunk next) {
  const auto gap = next.start - run.end;
  if (gap > 0) run.text.append(static_cast<std::size_t>(gap), gap == 1 ? ' ' : '\n');
  const auto skipped =
      gap < 0 ? ByteOffset(next.text, static_cast<std::size_t>(-gap)) : std::size_t{0};
  const auto at = run.text.size();
  run.text += next.text.substr(skipped);
  run.end = next.end;
  for (const auto& line : next.lines) {
    if (line.end <= skipped) continue;  // the part that both have
    auto moved = line;
    moved.start = at + (line.start > skipped ? line.start - skipped : 0);
    moved.end = at + line.end - skipped;
    run.lines.push_back(moved);
  }
  if (run.lines.empty()) {
    AddPages(run.pages, std::move(next.pages));
  } else {
    run.pages = RegionsOf(run.lines, 0, run.text.size());
  }
}

}  // namespace

RetrievedChunk JoinAround(std::vector<RetrievedChunk> passages, std::size_t center) {
  auto first = center;
  while (first > 0 && GoesOn(passages[first - 1], passages[first])) --first;
  auto run = std::move(passages[first]);
  // What does not depend on the place is the center's.
  if (first != center) {
    run.knowledge_base_id = passages[center].knowledge_base_id;
    run.chunk_id = passages[center].chunk_id;
    run.score = passages[center].score;
    run.lexical_score = passages[center].lexical_score;
    run.dense_score = passages[center].dense_score;
  }
  for (auto next = first + 1; next < passages.size() && GoesOn(run, passages[next]); ++next) {
    Append(run, std::move(passages[next]));
  }
  return run;
}

}  // namespace strata::knowledge
