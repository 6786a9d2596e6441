#include "knowledge/answer/claim.h"

#include <algorithm>
#include <utility>

#include "knowledge/answer/opposition.h"
#include "knowledge/answer/tokens.h"
#include "text/language.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

using Bits = Claim::Bits;

constexpr std::size_t kCandidatesMax = 12;  // source sentences looked at, the best by words

// Names and numbers say more than other words.
constexpr double kNameWeight = 1.4;
constexpr double kNumberWordWeight = 2;

// The words of the question that stand at `text`.
Bits WordsAt(const Question& question, std::string_view text) {
  thread_local text::SearchWordMaker maker;
  Bits bits = 0;
  maker.ForEach(text, [&](const text::SearchWord& word) {
    const auto at = std::ranges::find(question.words, word.word, &QuestionWord::stem);
    if (at != question.words.end()) bits |= Bits{1} << (at - question.words.begin());
  });
  return bits;
}

// Whether a word says nothing that a place could hold: denials are compared by themselves.
bool SaysNothing(const QuestionWord& word, std::string_view language) {
  return word.surface == "s" || IsNegation(word.surface) || IsFunctionWord(word.surface, language);
}

// Of the claim's words, summing to 1. A word that no passage holds is mostly another word for one
// that they hold, so that it counts like those; names and numbers say more than other words.
std::vector<double> WeightsOf(const SentencePool& pool, Bits names, Bits numbers,
                              std::string_view language) {
  Bits held = 0;
  for (const Bits words : pool.around) held |= words;
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i < pool.weights.size(); ++i) {
    if ((held >> i & 1U) == 0) continue;
    sum += pool.weights[i];
    ++count;
  }
  auto weights = pool.weights;
  double total = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (SaysNothing(pool.question.words[i], language)) {
      weights[i] = 0;
    } else if ((numbers >> i & 1U) != 0) {
      weights[i] *= kNumberWordWeight;
    } else if ((names >> i & 1U) != 0) {
      weights[i] *= kNameWeight;
    } else if ((held >> i & 1U) == 0 && count > 0) {
      weights[i] = std::min(weights[i], sum / count);
    }
    total += weights[i];
  }
  for (auto& weight : weights) weight = total > 0 ? weight / total : 0;
  return weights;
}

void ReadNumbers(Claim& claim) {
  claim.numbers = NumbersOf(claim.text);
  claim.bounds = BoundsIn(claim.text);
  for (const auto& number : claim.numbers) {
    const auto text = std::string_view(claim.text).substr(number.begin, number.end - number.begin);
    claim.number_words.push_back(WordsAt(claim.pool.question, text));
  }
}

void ReadPlaces(const SentencePool& topic, const ClaimSources& sources, Claim& claim) {
  const auto& pool = claim.pool;
  std::vector<std::uint64_t> units;  // of each word
  units.reserve(pool.question.words.size());
  for (const auto& word : pool.question.words) units.push_back(UnitsOf(word.surface));
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    const auto& source = pool.sentences[i];
    const auto& facts = sources.FactsOf(i);
    Claim::Place place{.own = source.words,
                       .heading = pool.headings[source.passage],
                       .leaned = source.carried | source.inherited,
                       .topic = topic.sentences[i].features.context};
    if (facts.heading != SIZE_MAX) place.heading |= pool.sentences[facts.heading].words;
    for (std::size_t n = 0; n < claim.numbers.size(); ++n) {
      if (HoldsNumber(facts.numbers, claim.numbers[n])) place.own |= claim.number_words[n];
    }
    for (std::size_t word = 0; word < units.size(); ++word) {
      if ((units[word] & facts.units) != 0) place.own |= Bits{1} << word;
    }
    claim.places.push_back(place);
  }
}

// The claim's names without its numbers.
Bits NamesIn(const Claim& claim, Bits numbers, std::string_view language) {
  if (language == "de") return 0;
  const auto& words = claim.pool.question.words;
  Bits names = 0;
  for (std::size_t word = 0; word < words.size(); ++word) {
    if (words[word].name) names |= Bits{1} << word;
  }
  // "Studio Halvard pays": the first word belongs to the name behind it.
  const auto first = Tokens(claim.text, 2);
  const bool leads = first.size() == 2 && first[0].capitalised && first[1].capitalised &&
                     first[1].before == ' ' && !words.empty() && words[0].surface == first[0].lower;
  if (leads) names |= 1U;
  return names & ~numbers;
}

std::vector<std::size_t> CandidatesOf(const Claim& claim, const ClaimSources& sources) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < claim.places.size(); ++i) {
    const auto& place = claim.places[i];
    const double own = Share(place.own, claim.weights);
    if (own == 0 || sources.FactsOf(i).is_heading) continue;
    const double around = Share((place.heading | place.leaned) & ~place.own, claim.weights);
    order.emplace_back(-(own + kClaimInLeanedOn * around + kClaimTopicWeight * place.topic), i);
  }
  std::ranges::sort(order);
  order.resize(std::min(order.size(), kCandidatesMax));
  std::vector<std::size_t> candidates;
  candidates.reserve(order.size());
  for (const auto& entry : order) candidates.push_back(entry.second);
  return candidates;
}

// Takes the candidates that speak against the claim out of them.
void SetOpposed(const ClaimSources& sources, Claim& claim) {
  const Opposition opposition(claim.text);
  for (const std::size_t i : claim.candidates) {
    const auto& source = claim.pool.sentences[i];
    const auto said = TextOf(source, sources.passages());
    const bool row = !source.label.empty();
    if (opposition.By(said, sources.AroundOf(claim.pool, i), row)) claim.opposed.insert(i);
  }
  std::erase_if(claim.candidates, [&](std::size_t i) { return claim.opposed.contains(i); });
}

}  // namespace

Claim ReadClaim(std::string_view text, const std::string& context, ClaimSources& sources) {
  Claim claim;
  claim.text = std::string(text);
  claim.pool = BuildPool(claim.text, sources.passages());
  claim.is_whole = claim.pool.question.words.size() < kQuestionWordsMax;
  sources.Read(claim.pool);
  ReadNumbers(claim);
  ReadPlaces(BuildPool(context, sources.passages()), sources, claim);
  claim.document.resize(sources.passages().size());
  for (std::size_t i = 0; i < claim.document.size(); ++i) {
    claim.document[sources.DocumentOf(i)] |= claim.pool.around[i];
  }
  const auto language = text::GuessLanguage(claim.text);
  Bits numbers = 0;
  for (const Bits words : claim.number_words) numbers |= words;
  claim.names = NamesIn(claim, numbers, language);
  claim.weights = WeightsOf(claim.pool, claim.names, numbers, language);
  claim.candidates = CandidatesOf(claim, sources);
  SetOpposed(sources, claim);
  return claim;
}

}  // namespace strata::knowledge
