#pragma once
// BM25 of texts that are made of several chunks, for chunks that are known already.
//
// A chunk is found by its own words; whether it is about the question also shows in what stands
// around it. Callan 1994, Passage-Level Evidence in Document Retrieval, adds the score of the
// document to that of the passage; so is this used, with documents cut to a window.

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "knowledge/lexical/snapshot_search.h"

namespace strata::knowledge::lexical {

// One score a run, in the order of `runs`; 0 where no word of the query occurs. Frequencies and
// lengths of a run's live chunks are added up; words are as rare as they are among documents, which
// is counted in up to kSampledPostings of a word's postings and inferred for the rest. Arguments as
// SearchSnapshot's. Errors: kCorruption.
inline constexpr std::size_t kSampledPostings = 1024;
Result<std::vector<float>> ScoreRunsOf(const Snapshot& snapshot,
                                       const std::map<std::string, std::uint32_t>& words,
                                       const Bm25Options& options, std::span<const ChunkRun> runs,
                                       const DocumentsOfChunks& documents,
                                       const std::set<std::string>& guessed = {});

}  // namespace strata::knowledge::lexical
