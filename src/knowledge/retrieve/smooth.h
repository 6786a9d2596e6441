#pragma once
// Scores raised by similar candidates: what search finds among passages that score high is more
// likely what is wanted than the same score far from them.

#include <cstddef>
#include <span>
#include <vector>

#include "knowledge/retrieve/fuse.h"

namespace strata::knowledge {

struct SmoothOptions {
  std::size_t neighbours = 5;    // the most similar candidates whose scores count, ≥ 1
  double share = 0.7;            // of the smoothed score that comes from them, 0..1
  std::size_t candidates = 200;  // the best that take part; the rest stays behind them
};

// s'(i) = max(s(i), (1 − share) · s(i) + share · Σ w(i, j) s(j) / Σ w(i, j)) over the neighbours j
// of i, where w is the cosine of their vectors, never below 0. Sorts by s', ties by row. `vectors`
// holds a row for each of the first min(hits, candidates) hits, which are sorted, best first.
// O(candidates² · dimensions).
//
// Source: one step of score regularization (Diaz 2005, Regularizing Ad Hoc Retrieval Scores), which
// rests on van Rijsbergen's cluster hypothesis. Scores only rise: where a question has one right
// passage, plain smoothing pulls it down to its neighbours (docs/measurements-retrieval.md).
void SmoothByNeighbours(std::vector<FusedHit>& hits, std::span<const float> vectors,
                        std::size_t dimensions, const SmoothOptions& options = {});

}  // namespace strata::knowledge
