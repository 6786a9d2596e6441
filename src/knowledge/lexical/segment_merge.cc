#include "knowledge/lexical/segment_merge.h"

#include <algorithm>
#include <bit>
#include <map>
#include <memory>

namespace strata::knowledge::lexical {
namespace {

constexpr std::size_t kMergeFactor = 8;
constexpr std::uint32_t kSmallestTier = 1024;  // smaller segments stand in the lowest tier
constexpr std::uint64_t kMergedDocumentsMax = 8'000'000;  // larger ones stay apart

struct Source {
  std::uint64_t id = 0;
  std::uint32_t segment = 0;
  std::uint32_t ordinal = 0;
};

// Where each live document goes.
struct Plan {
  std::vector<std::uint64_t> ids;
  std::string lengths;
  std::vector<std::vector<std::uint32_t>>
      ordinals;  // by segment and old ordinal; kNoDocument: dropped
};

Plan MakePlan(std::span<const LiveSegment> segments) {
  std::vector<Source> sources;
  Plan plan;
  for (std::uint32_t number = 0; number < segments.size(); ++number) {
    const LiveSegment& live = segments[number];
    plan.ordinals.emplace_back(live.segment->documents(), kNoDocument);
    for (std::uint32_t i = 0; i < live.segment->documents(); ++i) {
      if (!live.IsDeleted(i)) sources.push_back({live.segment->Id(i), number, i});
    }
  }
  std::ranges::sort(sources, {}, &Source::id);
  for (const Source& source : sources) {
    plan.ordinals[source.segment][source.ordinal] = static_cast<std::uint32_t>(plan.ids.size());
    plan.ids.push_back(source.id);
    plan.lengths += segments[source.segment].segment->lengths()[source.ordinal];
  }
  return plan;
}

std::size_t Tier(std::uint32_t documents) {
  std::uint32_t times = documents / kSmallestTier;
  return times == 0 ? 0 : static_cast<std::size_t>(std::bit_width(times) - 1) / 3 + 1;
}

}  // namespace

Result<std::string> MergeSegments(std::span<const LiveSegment> segments) {
  Plan plan = MakePlan(segments);
  SegmentWriter writer(plan.ids, plan.lengths, segments[0].segment->title_weight());
  std::vector<std::unique_ptr<TermWalk>> walks;
  for (const LiveSegment& live : segments) {
    walks.push_back(std::make_unique<TermWalk>(*live.segment));
    walks.back()->Next();
  }
  std::vector<bool> open(segments.size());
  for (std::size_t i = 0; i < segments.size(); ++i) open[i] = segments[i].segment->terms() > 0;
  std::vector<Posting> merged;
  std::vector<Posting> read;
  while (true) {
    std::string word;
    bool any = false;
    for (std::size_t i = 0; i < walks.size(); ++i) {
      if (walks[i]->damaged()) return Fail(Code::kCorruption, "a lexical dictionary is damaged");
      if (!open[i] || (any && walks[i]->word() >= word)) continue;
      word = walks[i]->word();
      any = true;
    }
    if (!any) return writer.Finish();
    merged.clear();
    for (std::size_t i = 0; i < walks.size(); ++i) {
      if (!open[i] || walks[i]->word() != word) continue;
      read.clear();
      STRATA_CHECK_OK(segments[i].segment->ReadPostings(walks[i]->entry(), read));
      for (Posting posting : read) {
        posting.document = plan.ordinals[i][posting.document];
        if (posting.document != kNoDocument) merged.push_back(posting);
      }
      std::string before = walks[i]->word();
      open[i] = walks[i]->Next();
      if (open[i] && walks[i]->word() <= before) {
        return Fail(Code::kCorruption, "a lexical dictionary is out of order");
      }
    }
    if (merged.empty()) continue;
    std::ranges::sort(merged, {}, &Posting::document);
    writer.AddTerm(word, merged);
  }
}

std::vector<std::vector<std::size_t>> DueMerges(std::span<const LiveSegment> segments) {
  std::vector<std::vector<std::size_t>> due;
  std::map<std::size_t, std::vector<std::size_t>> tiers;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const LiveSegment& live = segments[i];
    if (live.live_count() == 0) {
      due.push_back({i});
    } else {
      tiers[Tier(live.live_count())].push_back(i);
    }
  }
  for (auto& [tier, members] : tiers) {
    std::uint64_t documents = 0;
    for (std::size_t i : members) documents += segments[i].live_count();
    if (members.size() >= kMergeFactor && documents <= kMergedDocumentsMax) {
      due.push_back(members);
      continue;
    }
    for (std::size_t i : members) {
      if (segments[i].deleted_count() > segments[i].segment->documents() / 3) due.push_back({i});
    }
  }
  return due;
}

}  // namespace strata::knowledge::lexical
