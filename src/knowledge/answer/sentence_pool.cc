#include "knowledge/answer/sentence_pool.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "knowledge/answer/passage_reader.h"
#include "knowledge/answer/word_finder.h"

namespace strata::knowledge {
namespace {

// How much a question word counts that stands near the sentence but not in it.
constexpr double kInHeading = 0.6;
constexpr double kInNeighbour = 0.25;

// Weights of the question's words, summing to 1: the root of idf over the pool's sentences. Idf
// itself would let one word decide that no passage holds: who speaks, say, in a speech.
std::vector<double> Weights(const Question& question, const std::vector<PoolSentence>& sentences) {
  const auto count = static_cast<double>(sentences.size());
  std::vector<double> weights;
  double sum = 0;
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    const auto holding = static_cast<double>(std::max<std::ptrdiff_t>(
        1, std::ranges::count_if(sentences,
                                 [&](const PoolSentence& s) { return (s.words >> i & 1U) != 0; })));
    const double idf = std::log(1 + std::max(0.0, count - holding + 0.5) / (holding + 0.5)) + 0.3;
    weights.push_back(std::sqrt(idf) * question.words[i].weight);
    sum += weights.back();
  }
  for (auto& weight : weights) weight /= sum;
  return weights;
}

// Words of title and headings, for each passage.
std::uint64_t HeadingWords(const SourcePassage& passage, WordFinder& finder) {
  std::uint64_t words = finder.Find(passage.title).words;
  for (const auto& heading : passage.headings) words |= finder.Find(heading).words;
  return words;
}

double ContextShare(const SentencePool& pool, std::size_t i, std::uint64_t headings) {
  const auto& sentence = pool.sentences[i];
  const bool row = !sentence.label.empty();  // the rows beside it speak of other things
  const bool has_previous = !row && i > 0 && pool.sentences[i - 1].passage == sentence.passage;
  const bool has_next =
      !row && i + 1 < pool.sentences.size() && pool.sentences[i + 1].passage == sentence.passage;
  std::uint64_t seen = sentence.words;
  double share = Share(seen, pool.weights);
  share += kInHeading * Share(headings & ~seen, pool.weights);
  seen |= headings;
  share += sentence.carry * Share(sentence.carried & ~seen, pool.weights);
  seen |= sentence.carried;
  share += sentence.inherit * Share(sentence.inherited & ~seen, pool.weights);
  seen |= sentence.inherited;
  if (has_previous) {
    const std::uint64_t words = pool.sentences[i - 1].words & ~seen;
    share += kInNeighbour * Share(words, pool.weights);
    seen |= words;
  }
  if (has_next) {
    share += kInNeighbour * Share(pool.sentences[i + 1].words & ~seen, pool.weights);
  }
  return share;
}

// What is said of the age or size that is given goes before what is said of all.
void RaiseConditions(SentencePool& pool) {
  constexpr double kMetWeight = 0.8;
  for (const auto& condition : pool.question.conditions) {
    const bool met = std::ranges::any_of(pool.sentences, [&](const PoolSentence& sentence) {
      return (sentence.words & condition.words) == condition.words;
    });
    for (std::size_t i = 0; met && i < pool.question.words.size(); ++i) {
      auto& weight = pool.question.words[i].weight;
      if ((condition.words >> i & 1U) != 0) weight = std::max(weight, kMetWeight);
    }
  }
}

// Adjectives that tell nothing apart where no passage uses them.
void LowerLooseAdjectives(SentencePool& pool) {
  constexpr double kLooseWeight = 0.3;
  std::uint64_t said = 0;
  for (const auto& sentence : pool.sentences) said |= sentence.words;
  for (std::size_t i = 0; i < pool.question.words.size(); ++i) {
    auto& word = pool.question.words[i];
    if (!word.loose_before.empty() && (said >> i & 1U) == 0) {
      word.weight = std::min(word.weight, kLooseWeight);
    }
  }
}

}  // namespace

double Share(std::uint64_t words, const std::vector<double>& weights) {
  double share = 0;
  for (; words != 0; words &= words - 1) {
    share += weights[static_cast<std::size_t>(std::countr_zero(words))];
  }
  return share;
}

SentencePool BuildPool(std::string_view question, const std::vector<SourcePassage>& passages) {
  SentencePool pool;
  pool.question = ReadQuestion(question);
  WordFinder finder(pool.question);
  double score_max = 0;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    ReadPassage(passages[i], i, finder, pool);
    score_max = std::max(score_max, passages[i].score);
  }
  RaiseConditions(pool);
  LowerLooseAdjectives(pool);
  pool.weights = Weights(pool.question, pool.sentences);
  for (const auto& passage : passages) pool.headings.push_back(HeadingWords(passage, finder));
  pool.around = pool.headings;
  for (const auto& sentence : pool.sentences) pool.around[sentence.passage] |= sentence.words;
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    auto& sentence = pool.sentences[i];
    sentence.features.own = Share(sentence.words, pool.weights);
    sentence.features.context = ContextShare(pool, i, pool.headings[sentence.passage]);
    sentence.features.passage = score_max > 0 ? passages[sentence.passage].score / score_max : 0;
  }
  return pool;
}

std::string_view TextOf(const PoolSentence& sentence, const std::vector<SourcePassage>& passages) {
  if (!sentence.label.empty()) return sentence.label;
  return passages[sentence.passage].text.substr(sentence.span.begin,
                                                sentence.span.end - sentence.span.begin);
}

SentenceValues ValuesOf(const SentenceFeatures& f) {
  return {f.own,     f.context,  f.kind,     f.measure, f.passage,
          f.brevity, f.complete, f.question, f.cosine,  f.near};
}

}  // namespace strata::knowledge
