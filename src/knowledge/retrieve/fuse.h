#pragma once
// Blending the lexical and the dense ranking into one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "knowledge/base/kb_cache.h"

namespace strata::knowledge {

struct FusedHit {
  std::uint64_t row = 0;
  double score = 0;               // 0..1
  std::optional<double> lexical;  // raw BM25, absent: not among that leg's hits
  std::optional<double> dense;    // raw cosine
};

// score = (1 - weight) · lexical' + weight · dense', where ' is min-max over the leg's own hits, a
// leg that does not have the chunk counting 0. Best first, ties by row. O(n log n).
//
// `dense_weight` in [0, 1]. BM25's minimum is taken as 0 rather than as the last hit's, so that a
// lone weak hit does not become a full one. Source: convex combination after Bruch, Gai, Ingber
// 2022, "An Analysis of Fusion Functions for Hybrid Retrieval".
std::vector<FusedHit> Fuse(const std::vector<LegHit>& lexical, const std::vector<LegHit>& dense,
                           double dense_weight);

// One leg alone, its scores as Fuse normalises them.
std::vector<FusedHit> OneLeg(const std::vector<LegHit>& hits, bool is_dense);

}  // namespace strata::knowledge
