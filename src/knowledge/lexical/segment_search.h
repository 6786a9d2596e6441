#pragma once
// The best documents of one segment for a bag of words, without scoring those that cannot be among
// them.
//
// Block-max WAND: Broder et al. 2003, Efficient Query Evaluation using a Two-Level Retrieval
// Process, finds the first document whose words' bounds could add up to enough; Ding, Suel 2011,
// Faster Top-k Document Retrieval Using Block-Max Indexes, checks the bounds of the blocks at that
// place before anything is unpacked. The answer, ties included, is that of scoring every document.

#include <cstdint>
#include <functional>
#include <vector>

#include "knowledge/lexical/postings.h"
#include "knowledge/lexical/top_hits.h"

namespace strata::knowledge::lexical {

// Called for each document that would enter the hits: its ordinal, whether it may. Deleted ones may
// not.
using MayEnter = std::function<bool(std::uint32_t ordinal)>;

struct SegmentSearchStats {
  std::uint64_t scored = 0;  // documents whose score was computed, wholly or until it was too low
};

// `cursors`: one a word, at their beginning; they are used up. `id_of`: id of an ordinal.
SegmentSearchStats SearchSegment(std::vector<PostingCursor>& cursors,
                                 const std::function<std::uint64_t(std::uint32_t)>& id_of,
                                 const MayEnter& may_enter, TopHits& hits);

// The same by scoring every document: what tests and benchmarks compare with.
SegmentSearchStats SearchSegmentExhaustively(
    std::vector<PostingCursor>& cursors, const std::function<std::uint64_t(std::uint32_t)>& id_of,
    const MayEnter& may_enter, TopHits& hits);

}  // namespace strata::knowledge::lexical
