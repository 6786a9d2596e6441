#pragma once
// The best documents of one segment for a bag of words, without scoring those that cannot be among
// them.
//
// MaxScore over windows of documents. Turtle, Flood 1995, Query Evaluation: Strategies and
// Optimizations: words whose bounds together are too low for the hits need not be looked at but for
// documents that another word has. Window by window with bounds of its own, the sums in an array,
// as in Lucene's MaxScoreBulkScorer: Grand, Muir, Ferenczi, Lin 2020, From MaxScore to Block-Max
// WAND; the bounds of blocks from Ding, Suel 2011, Faster Top-k Document Retrieval Using Block-Max
// Indexes. Questions have a dozen words, most of them frequent, where block-max WAND spends its
// time on keeping the words in order (Mallia, Siedlaczek, Suel 2019, An Experimental Study of Index
// Compression and DAAT Query Processing Methods). The answer, ties included, is that of scoring
// every document.

#include <cstdint>
#include <functional>
#include <vector>

#include "knowledge/lexical/segment.h"
#include "knowledge/lexical/top_hits.h"

namespace strata::knowledge::lexical {

// Called for each document that would enter the hits: its ordinal, whether it may. Deleted ones may
// not.
using MayEnter = std::function<bool(std::uint32_t ordinal)>;

struct SegmentSearchStats {
  std::uint64_t scored = 0;  // documents whose score was computed, wholly or until it was too low
};

// `cursors`: one a word of `segment`, at their beginning; they are used up.
SegmentSearchStats SearchSegment(std::vector<PostingCursor>& cursors, const Segment& segment,
                                 const MayEnter& may_enter, TopHits& hits);

// The same by scoring every document: what tests and benchmarks compare with.
SegmentSearchStats SearchSegmentExhaustively(std::vector<PostingCursor>& cursors,
                                             const Segment& segment, const MayEnter& may_enter,
                                             TopHits& hits);

// Of the documents that have every one of the first `needed` words, of which there is one at least.
// Those of the rarest of them are gone through; the others are sought there only.
SegmentSearchStats SearchSegmentForAll(std::vector<PostingCursor>& cursors, std::size_t needed,
                                       const Segment& segment, const MayEnter& may_enter,
                                       TopHits& hits);

}  // namespace strata::knowledge::lexical
