#include "knowledge/answer/coverage.h"

#include <algorithm>
#include <array>

#include "knowledge/answer/tokens.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// How much a word counts that stands in the surroundings.
constexpr double kInHeading = 0.8;
constexpr double kInSubject = 0.9;    // what a pronoun at the beginning stands for
constexpr double kInDescribed = 0.6;  // … or a definite description
constexpr double kInNeighbour = 0.35;
constexpr double kInPassage = 0.25;
constexpr double kInSources = 0.7;  // what they speak of throughout

// Cosines of word vectors: below kFar two words have nothing to do with each other, from kNear on
// they mean the same.
constexpr double kFar = 0.45;
constexpr double kNear = 0.75;

// What a sentence that answers may leave out, in words: less than one of a short question, most of
// a long one, whose words say the same thing several ways. Grows with the square of its length,
// slower where a fact is asked for; a table's row must hold what its columns are asked for.
constexpr double kMissingMax = 0.6;
constexpr double kMissingOfFact = 0.085;
constexpr double kMissingOfOther = 0.13;

bool Has(std::uint64_t words, std::size_t word) { return (words >> word & 1U) != 0; }

std::string_view TextOf(const PoolSentence& sentence, const std::vector<SourcePassage>& passages) {
  if (!sentence.label.empty()) return sentence.label;
  return passages[sentence.passage].text.substr(sentence.span.begin,
                                                sentence.span.end - sentence.span.begin);
}

bool SaysWhatMayBe(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kModal = {
      "must", "may", "can", "cannot", "should", "not", "no", "never", "only", "welcome", "except"};
  return std::ranges::any_of(Tokens(text),
                             [](const Token& token) { return IsOneOf(token.lower, kModal); });
}

// 1: every fifth sentence holds it, and two at least.
std::vector<double> Topics(const SentencePool& pool) {
  const auto all = std::max(2.0, 0.2 * static_cast<double>(pool.sentences.size()));
  std::vector<double> topics;
  for (std::size_t i = 0; i < pool.question.words.size(); ++i) {
    const auto holding = std::ranges::count_if(
        pool.sentences, [&](const PoolSentence& sentence) { return Has(sentence.words, i); });
    topics.push_back(std::min(1.0, static_cast<double>(holding) / all));
  }
  return topics;
}

double Asked(const Question& question) {
  double asked = 0;
  for (const auto& word : question.words) asked += word.salience;
  return asked;
}

}  // namespace

Coverage::Coverage(const SentencePool& pool, const std::vector<SourcePassage>& passages,
                   const vector::StaticEmbedder* vectors)
    : pool_(pool), passages_(passages), vectors_(vectors), topic_(Topics(pool)) {}

std::span<const float> Coverage::VectorOf(const std::string& word) {
  auto [at, fresh] = known_.try_emplace(word);
  if (fresh) {
    at->second.resize(static_cast<std::size_t>(vectors_->dimensions()));
    vectors_->Embed(word, at->second);
  }
  return at->second;
}

double Coverage::Near(std::size_t word, std::string_view text) {
  const auto& asked = pool_.question.words[word];
  if (!vectors_ || asked.name || asked.framing) return 0;
  const auto vector = VectorOf(asked.surface);
  double best = 0;
  for (const auto& token : Tokens(text)) {
    if (token.digits || text::IsStopWord(token.lower)) continue;
    const auto other = VectorOf(token.lower);
    double cosine = 0;
    for (std::size_t i = 0; i < vector.size(); ++i) {
      cosine += static_cast<double>(vector[i]) * other[i];
    }
    best = std::max(best, cosine);
  }
  return std::clamp((best - kFar) / (kNear - kFar), 0.0, 1.0);
}

double Coverage::Surroundings(std::size_t word, std::size_t index) {
  const auto& sentences = pool_.sentences;
  const auto& sentence = sentences[index];
  const auto& passage = passages_[sentence.passage];
  double cover = kInSources * topic_[word];
  if (Has(pool_.headings[sentence.passage], word)) cover = std::max(cover, kInHeading);
  for (const auto& heading : passage.headings) {
    cover = std::max(cover, kInHeading * Near(word, heading));
  }
  const double subject = sentence.leans ? kInSubject : kInDescribed;
  if (Has(sentence.carried | sentence.inherited, word)) cover = std::max(cover, subject);
  const bool row = !sentence.label.empty();
  for (const std::size_t beside : {index - 1, index + 1}) {
    if (row || beside >= sentences.size() || sentences[beside].passage != sentence.passage)
      continue;
    if (Has(sentences[beside].words, word)) cover = std::max(cover, kInNeighbour);
  }
  if (Has(pool_.around[sentence.passage], word)) cover = std::max(cover, kInPassage);
  return cover;
}

bool Coverage::Speaks(std::size_t index) {
  const auto& sentence = pool_.sentences[index];
  const auto text = TextOf(sentence, passages_);
  auto own = sentence.words | sentence.carried | sentence.inherited;
  // A heading over everything, such as a title, tells no sentence from another.
  auto everywhere = ~std::uint64_t{0};
  for (const auto words : pool_.headings) everywhere &= words;
  own |= pool_.headings[sentence.passage] & ~everywhere;
  bool asked = false;
  for (std::size_t i = 0; i < pool_.question.words.size(); ++i) {
    if (pool_.question.words[i].cue) continue;
    asked = true;
    if (Has(own, i) || Near(i, text) > 0) return true;
  }
  return !asked;
}

std::vector<double> Coverage::Of(std::size_t index) {
  const auto& sentence = pool_.sentences[index];
  const bool held = sentence.features.kind > 0 || sentence.features.measure > 0;
  const bool fits = held && Speaks(index);
  std::vector<double> cover;
  for (std::size_t i = 0; i < pool_.question.words.size(); ++i) {
    // "How long": a length is what it asks for.
    const auto& word = pool_.question.words[i];
    const auto text = TextOf(sentence, passages_);
    const bool here =
        Has(sentence.words, i) || (word.cue && fits) || (word.permission && SaysWhatMayBe(text));
    cover.push_back(here ? 1 : std::max(Near(i, text), Surroundings(i, index)));
  }
  return cover;
}

bool Covers(const PoolSentence& sentence, const Question& question) {
  const double asked = Asked(question);
  const bool strict = question.closed || !sentence.label.empty();
  const double share = strict ? kMissingOfFact : kMissingOfOther;
  return sentence.missing <= std::max(kMissingMax, share * asked * asked);
}

void SetCoverage(std::span<const std::size_t> candidates, Coverage& coverage, SentencePool& pool) {
  const double asked = Asked(pool.question);
  for (const auto index : candidates) {
    auto& sentence = pool.sentences[index];
    const auto cover = coverage.Of(index);
    sentence.missing = 0;
    for (std::size_t i = 0; i < cover.size(); ++i) {
      sentence.missing += pool.question.words[i].salience * (1 - cover[i]);
    }
    sentence.cover = asked > 0 ? 1 - sentence.missing / asked : 0;
  }
}

}  // namespace strata::knowledge
