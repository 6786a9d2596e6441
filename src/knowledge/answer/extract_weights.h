#pragma once
// The weights of builtin/extract: logistic regressions over the features of sentence_pool.h, fitted
// on the questions of the chunking set (MIT licence; answer spans are the positive sentences; for
// the pool, each question against its own and against another document). `bench/answer --features`
// writes the rows, bench/answer/fit.py fits them.

namespace strata::knowledge {

struct SentenceWeights {
  double bias, own, context, pairs, kind, passage, brevity, question, cosine;
};
inline constexpr SentenceWeights kSentenceWeights = {-4.5, 1.5,  1.5,  1.0, 0.2,
                                                     0.6,  -2.0, -1.5, 4.5};
inline constexpr SentenceWeights kSentenceWeightsWordsOnly = {-3.5, 2.5,  2.5,  1.0, 0.2,
                                                              0.8,  -2.0, -1.5, 0.0};

struct PoolWeights {
  double bias, best_own, best_context, best_pairs, best_cosine, union_top, missing, kind;
};
inline constexpr PoolWeights kPoolWeights = {-5.0, 2.0, 1.0, 1.0, 8.0, 2.0, -3.0, 0.1};
inline constexpr PoolWeights kPoolWeightsWordsOnly = {-2.0, 3.0, 2.0, 2.0, 0.0, 2.0, -4.0, 0.1};

}  // namespace strata::knowledge
