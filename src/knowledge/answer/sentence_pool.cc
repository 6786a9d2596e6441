#include "knowledge/answer/sentence_pool.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <string>

#include "base/utf8.h"
#include "knowledge/answer/extract_weights.h"
#include "text/language.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

using WordIndex = std::map<std::string, int, std::less<>>;

// How much a question word counts that stands near the sentence but not in it.
constexpr double kInHeading = 0.6;
constexpr double kInLeanedOn = 0.6;
constexpr double kInNeighbour = 0.25;
constexpr std::uint32_t kPairDistance = 3;
constexpr std::size_t kTopSentences = 3;  // that answer together

// What one scan of a text finds of the question.
struct Found {
  std::uint64_t words = 0;
  int word_count = 0;
  std::vector<std::pair<int, std::uint32_t>> places;  // question word, position
};

Found FindWords(std::string_view text, const WordIndex& index) {
  thread_local text::SearchWordMaker maker;
  Found found;
  maker.ForEach(text, [&](const text::SearchWord& word) {
    found.word_count = std::max(found.word_count, static_cast<int>(word.position) + 1);
    const auto at = index.find(word.word);
    if (at == index.end()) return;
    found.words |= std::uint64_t{1} << at->second;
    found.places.emplace_back(at->second, word.position);
  });
  return found;
}

double Share(std::uint64_t words, const std::vector<double>& weights) {
  double share = 0;
  for (; words != 0; words &= words - 1) {
    share += weights[static_cast<std::size_t>(std::countr_zero(words))];
  }
  return share;
}

// Cuts an overlong sentence at line ends, else at word ends.
void AppendCut(std::string_view text, text::TextSpan span, std::vector<text::TextSpan>& out) {
  while (span.end - span.begin > kSentenceBytesMax) {
    const auto head = Utf8Prefix(text.substr(span.begin, span.end - span.begin), kSentenceBytesMax);
    std::size_t cut = head.rfind('\n');
    if (cut == std::string_view::npos || cut == 0) cut = head.rfind(' ');
    if (cut == std::string_view::npos || cut == 0) cut = head.size();
    out.push_back({span.begin, span.begin + cut});
    span.begin += cut;
    while (span.begin < span.end && (text[span.begin] == ' ' || text[span.begin] == '\n')) {
      ++span.begin;
    }
  }
  if (span.begin < span.end) out.push_back(span);
}

std::vector<text::TextSpan> Sentences(std::string_view text) {
  std::vector<text::TextSpan> spans;
  for (const auto& span : text::SplitSentences(text, text::GuessLanguage(text))) {
    AppendCut(text, span, spans);
  }
  return spans;
}

double PairShare(const Found& found, std::size_t question_words) {
  if (question_words < 2) return 0;
  std::uint64_t pairs = 0;  // bit i: words i and i + 1 stand close together
  for (const auto& [a, at] : found.places) {
    for (const auto& [b, there] : found.places) {
      const auto distance = at > there ? at - there : there - at;
      if (b == a + 1 && distance <= kPairDistance) pairs |= std::uint64_t{1} << a;
    }
  }
  return static_cast<double>(std::popcount(pairs)) / static_cast<double>(question_words - 1);
}

bool EndsAsSentence(std::string_view sentence) {
  while (!sentence.empty() && std::string_view("\"')]*_").find(sentence.back()) != sentence.npos) {
    sentence.remove_suffix(1);
  }
  for (std::string_view end : {".", "!", "?", "”", "’", "。"}) {
    if (sentence.ends_with(end)) return true;
  }
  return false;
}

// How a sentence of these kinds suits a question for `asked`.
double KindMatch(unsigned asked, unsigned kinds) {
  if (asked == kNoKind) return 0;
  return (kinds & asked) != 0 ? 1 : -1;
}

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

// Words of title and headings, for each passage.
std::uint64_t HeadingWords(const SourcePassage& passage, const WordIndex& index) {
  std::uint64_t words = FindWords(passage.title, index).words;
  for (const auto& heading : passage.headings) words |= FindWords(heading, index).words;
  return words;
}

double ContextShare(const SentencePool& pool, std::size_t i, std::uint64_t headings) {
  const auto& sentence = pool.sentences[i];
  const bool has_previous = i > 0 && pool.sentences[i - 1].passage == sentence.passage;
  const bool has_next =
      i + 1 < pool.sentences.size() && pool.sentences[i + 1].passage == sentence.passage;
  std::uint64_t seen = sentence.words;
  double share = Share(seen, pool.weights);
  share += kInHeading * Share(headings & ~seen, pool.weights);
  seen |= headings;
  if (has_previous) {
    const std::uint64_t words = pool.sentences[i - 1].words & ~seen;
    share += (sentence.leans ? kInLeanedOn : kInNeighbour) * Share(words, pool.weights);
    seen |= words;
  }
  if (has_next) {
    share += kInNeighbour * Share(pool.sentences[i + 1].words & ~seen, pool.weights);
  }
  return share;
}

void AddPassage(const SourcePassage& passage, std::size_t number, const WordIndex& index,
                SentencePool& pool) {
  for (const auto& span : Sentences(passage.text)) {
    if (pool.sentences.size() >= kPoolSentencesMax) return;
    const auto sentence = passage.text.substr(span.begin, span.end - span.begin);
    const Found found = FindWords(sentence, index);
    PoolSentence entry;
    entry.passage = number;
    entry.span = span;
    entry.words = found.words;
    entry.word_count = found.word_count;
    entry.leans = LeansOnPrevious(sentence);
    entry.pairs = PairShare(found, pool.question.words.size());
    const unsigned kinds = pool.question.asked == kNoKind ? kNoKind : KindsIn(sentence);
    entry.features.kind = KindMatch(pool.question.asked & ~kMeasures, kinds);
    entry.features.measure = KindMatch(pool.question.asked & kMeasures, kinds);
    entry.features.brevity = std::max(0.0, 1 - found.word_count / 8.0);
    entry.features.question = sentence.ends_with('?') ? 1 : 0;
    entry.features.complete = EndsAsSentence(sentence) ? 1 : 0;
    pool.sentences.push_back(entry);
  }
}

}  // namespace

SentencePool BuildPool(std::string_view question, const std::vector<SourcePassage>& passages) {
  SentencePool pool;
  pool.question = ReadQuestion(question);
  WordIndex index;
  for (const auto& word : pool.question.words) {
    index.emplace(word.stem, static_cast<int>(index.size()));
  }
  double score_max = 0;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    AddPassage(passages[i], i, index, pool);
    score_max = std::max(score_max, passages[i].score);
  }
  pool.weights = Weights(pool.question, pool.sentences);
  std::vector<std::uint64_t> headings;
  for (const auto& passage : passages) {
    headings.push_back(HeadingWords(passage, index));
  }
  pool.around = headings;
  for (const auto& sentence : pool.sentences) pool.around[sentence.passage] |= sentence.words;
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    auto& sentence = pool.sentences[i];
    sentence.features.own = Share(sentence.words, pool.weights);
    sentence.features.context = ContextShare(pool, i, headings[sentence.passage]);
    sentence.features.passage = score_max > 0 ? passages[sentence.passage].score / score_max : 0;
  }
  return pool;
}

SentenceValues ValuesOf(const SentenceFeatures& f) {
  return {f.own,     f.context,  f.kind,     f.measure, f.passage,
          f.brevity, f.complete, f.question, f.cosine,  f.near};
}

PoolValues ValuesOf(const PoolFeatures& f) {
  return {f.best_own,    f.best_context, f.best_around, f.best_pairs,   f.best_cosine,
          f.mean_cosine, f.union_top,    f.missing,     f.names_missing};
}

void ScoreSentences(SentencePool& pool, bool with_vectors) {
  const auto& model = with_vectors ? kSentenceModel : kSentenceModelWordsOnly;
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
  std::uint64_t together = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(top); ++i) {
    together |= best[i]->words;
    features.mean_cosine += cosines[i] / static_cast<double>(top);
  }
  features.best_cosine = cosines[0];
  features.union_top = Share(together, pool.weights);
  features.missing = 1 - Share(all, pool.weights);
  const auto names = NameBits(pool.question);
  features.names_missing = names == 0 ? 0 : 1 - ShareOf(names, all, pool.weights);
  return features;
}

double AnswerProbability(const PoolFeatures& features, bool with_vectors) {
  const auto& model = with_vectors ? kPoolModel : kPoolModelWordsOnly;
  return 1 / (1 + std::exp(-model.LogOdds(ValuesOf(features))));
}

}  // namespace strata::knowledge
