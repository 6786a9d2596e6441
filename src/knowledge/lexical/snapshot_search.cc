#include "knowledge/lexical/snapshot_search.h"

#include <algorithm>

#include "knowledge/lexical/segment_search.h"

namespace strata::knowledge::lexical {
namespace {

// One word of the query: its list in each segment, and what its postings score.
struct QueryTerm {
  std::vector<std::optional<TermEntry>> entries;
  ScoreTable scores;
  bool needed = false;
};

CorpusStats StatsOf(const Snapshot& snapshot) {
  CorpusStats corpus;
  for (const LiveSegment& live : snapshot.segments) {
    corpus.documents += live.segment->documents();
    corpus.length += live.segment->length();
  }
  return corpus;
}

Result<std::vector<QueryTerm>> FindTerms(const Snapshot& snapshot, const CorpusStats& corpus,
                                         const std::map<std::string, std::uint32_t>& words,
                                         const WordRoles& roles, float k1,
                                         const LengthNorms& norms) {
  std::vector<QueryTerm> terms;
  for (const auto& [word, repeats] : words) {
    std::vector<std::optional<TermEntry>> entries;
    std::uint64_t frequency = 0;
    for (const LiveSegment& live : snapshot.segments) {
      STRATA_TRY(auto entry, live.segment->FindTerm(word));
      frequency += entry ? entry->document_frequency : 0;
      entries.push_back(entry);
    }
    if (frequency == 0) continue;
    float weight = TermWeight(corpus, frequency, repeats, k1);
    if (roles.guessed.contains(word)) weight *= kGuessedWeight;
    terms.push_back({.entries = std::move(entries),
                     .scores = ScoreTable(weight, norms),
                     .needed = roles.needed.contains(word)});
  }
  return terms;
}

std::size_t CountNeeded(const std::vector<QueryTerm>& terms) {
  return static_cast<std::size_t>(std::ranges::count(terms, true, &QueryTerm::needed));
}

// The words of a segment, needed ones first. Empty: it lacks one of those.
std::vector<PostingCursor> CursorsOf(std::vector<QueryTerm>& terms, std::size_t number,
                                     const LiveSegment& live) {
  std::vector<PostingCursor> cursors;
  cursors.reserve(terms.size());
  for (const bool needed : {true, false}) {
    for (QueryTerm& term : terms) {
      const std::optional<TermEntry>& entry = term.entries[number];
      if (term.needed != needed) continue;
      if (!entry && needed) return {};
      if (!entry) continue;
      cursors.emplace_back(entry->postings, entry->document_frequency, live.segment->lengths(),
                           &term.scores);
    }
  }
  return cursors;
}

}  // namespace

Result<std::vector<LexicalHit>> SearchSnapshot(const Snapshot& snapshot,
                                               const std::map<std::string, std::uint32_t>& words,
                                               const Bm25Options& options, std::size_t limit,
                                               const LexicalFilter& filter, Pruning pruning,
                                               const WordRoles& roles) {
  CorpusStats corpus = StatsOf(snapshot);
  LengthNorms norms(corpus, options.k1, options.b);
  STRATA_TRY(auto terms, FindTerms(snapshot, corpus, words, roles, options.k1, norms));
  const auto needed = CountNeeded(terms);
  if (needed < roles.needed.size()) return std::vector<LexicalHit>();  // one is nowhere
  TopHits hits(limit);
  for (std::size_t number = 0; number < snapshot.segments.size(); ++number) {
    const LiveSegment& live = snapshot.segments[number];
    auto cursors = CursorsOf(terms, number, live);
    const Segment& segment = *live.segment;
    auto may_enter = [&](std::uint32_t ordinal) {
      return !live.IsDeleted(ordinal) && (!filter || filter(segment.Id(ordinal)));
    };
    if (cursors.empty()) continue;
    if (needed > 0) {
      SearchSegmentForAll(cursors, needed, segment, may_enter, hits);
    } else {
      auto search = pruning == Pruning::kNone ? SearchSegmentExhaustively : SearchSegment;
      search(cursors, segment, may_enter, hits);
    }
    if (std::ranges::any_of(cursors, &PostingCursor::damaged)) {
      return Fail(Code::kCorruption, "a lexical segment has a damaged list of postings");
    }
  }
  return hits.Take();
}

}  // namespace strata::knowledge::lexical
