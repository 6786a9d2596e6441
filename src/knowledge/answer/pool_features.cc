#include "knowledge/answer/pool_features.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include "knowledge/answer/extract_weights.h"
#include "knowledge/answer/kinds.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kTopSentences = 3;  // that answer together
constexpr double kNearBest = 2;           // log-odds below the best sentence that may answer too
constexpr double kManyMissing = 4;

// The question's names, as bits.
std::uint64_t NameBits(const Question& question) {
  std::uint64_t names = 0;
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    if (question.words[i].name) names |= std::uint64_t{1} << i;
  }
  return names;
}

// Share of `wanted` that `words` holds; 0 when nothing is wanted.
double ShareOf(std::uint64_t wanted, std::uint64_t words, const std::vector<double>& weights) {
  return wanted == 0 ? 0 : Share(wanted & words, weights) / Share(wanted, weights);
}

// How surely an answer of this kind would have been recognised.
double Recognised(unsigned asked) {
  constexpr unsigned kSure = kPerson | (kMeasures & ~unsigned{kDate});
  constexpr unsigned kUnsure = kDate | kPlace;
  if ((asked & kUnsure) != 0) return 0.5;
  return (asked & kSure) != 0 ? 1 : 0;
}

// Whether a sentence that speaks of the question holds the kind of thing that it asks for.
bool IsMet(const SentencePool& pool, double best_context) {
  constexpr double kSpeaksOfIt = 0.5;
  return std::ranges::any_of(pool.sentences, [&](const PoolSentence& sentence) {
    const auto& f = sentence.features;
    return f.context >= kSpeaksOfIt * best_context && (f.kind > 0 || f.measure > 0);
  });
}

}  // namespace

PoolValues ValuesOf(const PoolFeatures& f) {
  return {f.best_own,    f.best_context,  f.best_around, f.best_pairs,    f.best_cosine,
          f.mean_cosine, f.union_top,     f.missing,     f.names_missing, f.cover,
          f.top_cover,   f.missing_words, f.unmet};
}

void ScoreSentences(SentencePool& pool, VectorKind vectors) {
  const auto& model = vectors == VectorKind::kNone ? kSentenceModelWordsOnly : kSentenceModel;
  for (auto& sentence : pool.sentences) sentence.score = model.LogOdds(ValuesOf(sentence.features));
}

PoolFeatures FeaturesOf(const SentencePool& pool) {
  PoolFeatures features;
  std::vector<const PoolSentence*> best;
  std::vector<double> cosines;
  std::uint64_t all = 0;
  for (const auto words : pool.around) {
    all |= words;
    features.best_around = std::max(features.best_around, Share(words, pool.weights));
  }
  for (const auto& sentence : pool.sentences) {
    const auto& f = sentence.features;
    features.best_own = std::max(features.best_own, f.own);
    features.best_context = std::max(features.best_context, f.context);
    features.best_pairs = std::max(features.best_pairs, sentence.pairs);
    cosines.push_back(f.cosine);
    best.push_back(&sentence);
  }
  const auto top = static_cast<std::ptrdiff_t>(std::min(kTopSentences, best.size()));
  if (top == 0) return features;
  std::partial_sort(best.begin(), best.begin() + top, best.end(),
                    [](const auto* a, const auto* b) { return a->score > b->score; });
  std::partial_sort(cosines.begin(), cosines.begin() + top, cosines.end(), std::greater<>());
  features.top_cover = best[0]->cover;
  double missing = kAllMissing;
  for (const auto& sentence : pool.sentences) {
    if (sentence.score < best[0]->score - kNearBest) continue;
    features.cover = std::max(features.cover, sentence.cover);
    missing = std::min(missing, sentence.missing);
  }
  features.missing_words = std::min(1.0, missing / kManyMissing);
  std::uint64_t together = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(top); ++i) {
    together |= best[i]->words;
    features.mean_cosine += cosines[i] / static_cast<double>(top);
  }
  features.best_cosine = cosines[0];
  features.union_top = Share(together, pool.weights);
  features.missing = 1 - Share(all, pool.weights);
  if (!IsMet(pool, features.best_context)) features.unmet = Recognised(pool.question.asked);
  const auto names = NameBits(pool.question);
  features.names_missing = names == 0 ? 0 : 1 - ShareOf(names, all, pool.weights);
  return features;
}

double AnswerProbability(const PoolFeatures& features, VectorKind vectors) {
  const auto& model = vectors == VectorKind::kNone     ? kPoolModelWordsOnly
                      : vectors == VectorKind::kStatic ? kPoolModelStatic
                                                       : kPoolModel;
  return 1 / (1 + std::exp(-model.LogOdds(ValuesOf(features))));
}

}  // namespace strata::knowledge
