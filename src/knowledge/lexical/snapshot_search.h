#pragma once
// Searches all segments of one state of the index with the statistics of the whole.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "knowledge/lexical/live_segment.h"
#include "knowledge/lexical_index.h"

namespace strata::knowledge::lexical {

struct Bm25Options {
  float k1 = 1.2F;
  float b = 0.75F;
};

// A correction is right more often than not, and what the query says is what was asked for.
inline constexpr float kGuessedWeight = 0.5F;

enum class Pruning {
  kMaxScore,
  kNone
};  // the second for tests and benchmarks: same answer, slower

// Words that are not like the others.
struct WordRoles {
  std::set<std::string> guessed;  // the query does not say them; they weigh half
  std::set<std::string> needed;   // a document without one of them is no hit
};

// `words`: how often the query says each, those of `roles` among them. Errors: kCorruption.
Result<std::vector<LexicalHit>> SearchSnapshot(const Snapshot& snapshot,
                                               const std::map<std::string, std::uint32_t>& words,
                                               const Bm25Options& options, std::size_t limit,
                                               const LexicalFilter& filter,
                                               Pruning pruning = Pruning::kMaxScore,
                                               const WordRoles& roles = {});

}  // namespace strata::knowledge::lexical
