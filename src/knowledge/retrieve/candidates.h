#pragma once
// What both legs found, scored by both of them and with what stands around each passage.

#include <span>
#include <string_view>
#include <vector>

#include "knowledge/base/kb_cache.h"
#include "knowledge/retrieve/fuse.h"

namespace strata::knowledge {

struct CandidateOptions {
  std::size_t candidates = 100;  // of each leg, the best; the others stay behind them
  BlendOptions blend;
};

// One search, as far as its candidates go.
struct SearchedFor {
  std::string_view words;  // "" when the words were not searched for
  std::span<const SpellingFix> fixes;
  std::span<const float> vector;  // empty when vectors were not searched for
};

// The hits of a search, best first. Behind the candidates stand those that only a deep result
// wants: nothing about the candidates is to depend on how many of them there are.
struct BlendedHits {
  std::vector<FusedHit> hits;
  std::size_t candidates = 0;  // how many they are, from the first on
};

// The best of both legs by Blend; behind them the other hits in the order of Fuse. Errors: those of
// the lexical index.
Result<BlendedHits> BlendCandidates(const KbCache& cache, const SearchedFor& query,
                                    const std::vector<LegHit>& lexical,
                                    const std::vector<LegHit>& dense,
                                    const CandidateOptions& options);

}  // namespace strata::knowledge
