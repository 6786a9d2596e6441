#pragma once
// The weights of builtin/extract: L2-regularised logistic regressions over the features of
// sentence_pool.h and pool_features.h, fitted by bench/answer/fit.py on questions of the chunking
// set (MIT licence; answer spans are the positive sentences; for the pool, each question against
// its own and against other documents). Which questions, and what is left when a document is held
// out: docs/measurements-answers.md. That set asks for hardly any names and dates, so the weights
// of `kind` and `measure` are not its: they are set, so that a "who" is answered with a name where
// one stands. A probability of 0.5 is the operating point that fit.py chose.

#include <array>
#include <cstddef>

#include "knowledge/answer/pool_features.h"

namespace strata::knowledge {

template <std::size_t kCount>
struct LinearModel {
  double bias;
  std::array<double, kCount> weights;

  double LogOdds(const std::array<double, kCount>& values) const {
    double sum = bias;
    for (std::size_t i = 0; i < kCount; ++i) sum += weights[i] * values[i];
    return sum;
  }
};
using SentenceModel = LinearModel<kSentenceFeatureNames.size()>;
using PoolModel = LinearModel<kPoolFeatureNames.size()>;

// own context kind measure passage brevity complete question cosine near
inline constexpr SentenceModel kSentenceModel = {
    -5.53, {1.19, 1.99, 0.80, 0.80, 3.06, -0.76, 0.61, -1.50, 1.95, 0.54}};
inline constexpr SentenceModel kSentenceModelWordsOnly = {
    -6.46, {0.27, 5.30, 0.80, 0.80, 4.66, -0.18, 1.12, -1.70, 0.00, 0.00}};

// best_own best_context best_around best_pairs best_cosine mean_cosine union_top missing
// names_missing cover top_cover missing_words unmet
inline constexpr PoolModel kPoolModel = {
    -0.68, {0.87, 0.90, 1.16, 0.86, 1.50, 1.34, 1.01, -1.17, -1.32, 0, 0, 0, -4.00}};
// Of static vectors, fitted on 472 questions by the rule that refuses 93 % of what is asked of
// other documents, without coverage; `unmet` is set as above.
inline constexpr PoolModel kPoolModelStatic = {
    -3.99, {1.80, 2.25, 3.67, 2.61, 2.51, 2.52, 1.14, -2.09, -1.44, 0, 0, 0, -4.00}};
inline constexpr PoolModel kPoolModelWordsOnly = {
    -0.95, {2.23, 2.26, 3.49, 2.97, 0.00, 0.00, 1.72, -3.14, -1.57, 0, 0, 0, -8.00}};

}  // namespace strata::knowledge
