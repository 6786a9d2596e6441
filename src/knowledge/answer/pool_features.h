#pragma once
// What a pool says as a whole, and what the fitted models (extract_weights.h) make of it: a score
// of each sentence, and whether the passages answer the question at all.

#include <array>
#include <cstdint>
#include <string_view>

#include "knowledge/answer/sentence_pool.h"

namespace strata::knowledge {

// Features of a question against all passages together, for whether they answer at all.
struct PoolFeatures {
  double best_own = 0;
  double best_context = 0;
  double best_around = 0;  // share in one passage with its title and headings
  double best_pairs = 0;
  double best_cosine = 0;
  double mean_cosine = 0;    // of the three best
  double union_top = 0;      // share of the question's weight in the three best sentences together
  double missing = 0;        // share that no passage holds
  double names_missing = 0;  // share of the question's names that no passage holds; 0 without names
  double cover = 0;          // the most that one of the best sentences covers
  double top_cover = 0;      // what the best one covers
  double missing_words = 0;  // the fewest words that one of the best leaves out; 1: four or more
  // Up to 1: a kind of thing is asked for, and nothing that speaks of the rest holds it.
  double unmet = 0;
};
inline constexpr auto kPoolFeatureNames = std::to_array<std::string_view>(
    {"best_own", "best_context", "best_around", "best_pairs", "best_cosine", "mean_cosine",
     "union_top", "missing", "names_missing", "cover", "top_cover", "missing_words", "unmet"});
using PoolValues = std::array<double, kPoolFeatureNames.size()>;
PoolValues ValuesOf(const PoolFeatures& features);

// What the cosines are of: those of static vectors lie otherwise than those of a transformer's,
// which read a word in its sentence.
enum class VectorKind : std::uint8_t { kNone, kContextual, kStatic };

// Fills `score` of every sentence from its features.
void ScoreSentences(SentencePool& pool, VectorKind vectors);

PoolFeatures FeaturesOf(const SentencePool& pool);

// Probability that the passages answer the question.
double AnswerProbability(const PoolFeatures& features, VectorKind vectors);

}  // namespace strata::knowledge
