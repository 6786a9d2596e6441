#pragma once
// Blending the lexical and the dense ranking into one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "knowledge/base/kb_cache.h"
#include "knowledge/graph/names_graph.h"
#include "vector/vector_index.h"

namespace strata::knowledge {

struct FusedHit {
  std::uint64_t row = 0;
  double score = 0;               // 0..1
  std::optional<double> lexical;  // raw BM25, absent: not among that leg's hits
  std::optional<double> dense;    // raw cosine
};

// Scores of one leg: of a passage alone, and of what stands around it together with it.
struct LegScores {
  double own = 0;
  double around = 0;
};

// A passage that either leg found, as both of them score it.
struct Candidate {
  std::uint64_t row = 0;
  std::optional<double> lexical;  // as in FusedHit
  std::optional<double> dense;
  LegScores words;
  LegScores vectors;
};

struct BlendOptions {
  double dense_weight = 0.5;   // 0..1; the rest is the words'
  double context_share = 0.5;  // of a leg's score that comes from what stands around, 0..1
  // Cosines of the question with passages in general; absent where there are too few to say.
  std::optional<vector::ScoreSpread> spread = {};
};

// score = (1 - dense_weight) · words' + dense_weight · vectors', where a leg's score is
// (1 - context_share) · own' + context_share · around', divided by the best where that is above 1.
// A leg that found nothing counts 0. Best first, ties by row.
//
// words': min-max over the candidates, from 0 on. vectors': StandsOut by the spread, so that
// vectors count as far as they tell passages of the question from others: where the embedder knows
// the question's language or subject badly, the best hardly stand out and words decide. Without a
// spread min-max, from the lowest that the dense leg found, so that those it did not find may score
// below 0 until Rescale.
//
// Both scores of every candidate are what makes this better than Fuse, which has to count 0 for the
// leg that did not find it. Sources: the convex combination is Bruch, Gai, Ingber 2022, "An
// Analysis of Fusion Functions for Hybrid Retrieval"; scores in deviations from those of what is
// not relevant are Manmatha, Rath, Feng 2001, "Modeling Score Distributions for Combining the
// Outputs of Search Engines". What was measured: docs/measurements-retrieval.md.
std::vector<FusedHit> Blend(const std::vector<Candidate>& candidates, const BlendOptions& options);

// ln(1 + e^(z − 2)) / 4 with z = (score − mean) / deviation, so that two deviations are where a
// score begins to count and six count 1.
double StandsOut(double score, const vector::ScoreSpread& spread);

// Best first, ties by row.
bool BetterHit(const FusedHit& a, const FusedHit& b);

// score = (1 - weight) · lexical' + weight · dense', where ' is min-max over the leg's own hits, a
// leg that does not have the chunk counting 0. Best first, ties by row. O(n log n).
//
// `dense_weight` in [0, 1]. BM25's minimum is taken as 0 rather than as the last hit's, so that a
// lone weak hit does not become a full one. Source: convex combination after Bruch, Gai, Ingber
// 2022, "An Analysis of Fusion Functions for Hybrid Retrieval".
//
// The dense minimum is the score at rank `candidates`, so that the order does not depend on how
// many hits were asked for; those behind it score below 0 until Rescale.
std::vector<FusedHit> Fuse(const std::vector<LegHit>& lexical, const std::vector<LegHit>& dense,
                           double dense_weight, std::size_t candidates);

// Puts the names graph's passages first, in its order and with scores in [0.5, 1]; all other hits
// follow in theirs, in [0, 0.5].
std::vector<FusedHit> LeadWithNames(const std::vector<FusedHit>& hits,
                                    const std::vector<graph::PassageShare>& passages);

// Scores into [0, 1] where any is below 0; keeps the order.
void Rescale(std::vector<FusedHit>& hits);

}  // namespace strata::knowledge
