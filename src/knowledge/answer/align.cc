#include "knowledge/answer/align.h"

#include <algorithm>
#include <set>
#include <utility>

#include "knowledge/answer/select_sentences.h"
#include "knowledge/answer/sentence_pool.h"
#include "text/search_words.h"
#include "text/sentences.h"

namespace strata::knowledge {
namespace {

// Weighted share of a sentence's content words that one source sentence must hold, alone or with
// its headings and neighbours.
constexpr double kOwnShare = 0.6;
constexpr double kContextShare = 0.75;
constexpr std::size_t kCitationsMax = 2;
// A second place must support nearly as well.
constexpr double kSecondMargin = 0.1;

std::set<std::string> NumbersIn(std::string_view text) {
  thread_local text::SearchWordMaker maker;
  std::set<std::string> numbers;
  maker.ForEach(text, [&](const text::SearchWord& word) {
    if (!word.word.empty() && word.word[0] >= '0' && word.word[0] <= '9') {
      numbers.emplace(word.word);
    }
  });
  return numbers;
}

double Support(const PoolSentence& sentence) {
  const auto& f = sentence.features;
  if (f.own >= kOwnShare) return 1 + f.own;
  return f.own > 0 && f.context >= kContextShare ? f.context : 0;
}

}  // namespace

std::vector<domain::Citation> AlignSentence(std::string_view sentence,
                                            const std::vector<SourcePassage>& passages) {
  std::vector<domain::Citation> citations;
  const auto pool = BuildPool(sentence, passages);
  const auto numbers = NumbersIn(sentence);
  std::vector<std::pair<double, std::size_t>> places;
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    const auto& source = pool.sentences[i];
    const double support = Support(source);
    if (support == 0) continue;
    const auto text = passages[source.passage].text.substr(source.span.begin,
                                                           source.span.end - source.span.begin);
    if (!numbers.empty() && !std::ranges::includes(NumbersIn(text), numbers)) continue;
    places.emplace_back(support, i);
  }
  std::ranges::sort(places, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::set<std::size_t> used;
  for (const auto& [support, index] : places) {
    if (citations.size() == kCitationsMax || support < places.front().first - kSecondMargin) break;
    const auto& source = pool.sentences[index];
    if (!used.insert(source.passage).second) continue;
    citations.push_back(CiteSpan(passages[source.passage], source.span));
  }
  return citations;
}

std::vector<std::string> SentenceBuffer::TakeWhole() {
  std::vector<std::string> whole;
  const auto spans = text::SplitSentences(held_);
  if (spans.size() < 2) return whole;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
    whole.push_back(held_.substr(at, spans[i].end - at));
    at = spans[i].end;
  }
  held_.erase(0, at);
  return whole;
}

std::string SentenceBuffer::TakeRest() { return std::exchange(held_, {}); }

}  // namespace strata::knowledge
