#include "knowledge/retrieve/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/json_text.h"
#include "dialect/cited_base.h"
#include "knowledge/answer/corrected_question.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answer/rank_passages.h"
#include "knowledge/retrieve/copies.h"
#include "knowledge/retrieve/phrases.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// Passages of a base that tell how well it answers: not more for a caller who asks for more.
constexpr std::size_t kWeighed = 10;
// Of a base that shares no word with the question: it may say the same in others.
constexpr double kLeastWeight = 0.25;

std::span<const RetrievedChunk> BestOf(const BaseRanking& ranking) {
  return std::span(ranking.passages).first(std::min(kWeighed, ranking.passages.size()));
}

// The words that a base's passages write, as the index keeps words.
std::set<std::string, std::less<>> WordsOf(const BaseRanking& ranking) {
  std::set<std::string, std::less<>> words;
  text::SearchWordMaker maker;
  for (const auto& passage : ranking.passages) {
    for (const std::string_view text : {std::string_view(passage.text), {passage.title}}) {
      maker.ForEach(text, [&](const text::SearchWord& word) { words.emplace(word.word); });
    }
  }
  return words;
}

std::vector<SpellingFix> FixesOf(const std::vector<BaseRanking>& rankings) {
  std::vector<SpellingFix> out;
  const auto none = [](const auto& ranking) { return ranking.corrected.empty(); };
  if (std::ranges::all_of(rankings, none)) return out;
  std::vector<std::set<std::string, std::less<>>> words;
  words.reserve(rankings.size());
  for (const auto& ranking : rankings) words.push_back(WordsOf(ranking));
  for (const auto& ranking : rankings) {
    for (const auto& fix : ranking.corrected) {
      const auto written = [&](const auto& of_one) { return of_one.contains(fix.word); };
      const bool known = std::ranges::find(out, fix.word, &SpellingFix::word) != out.end();
      if (!known && std::ranges::none_of(words, written)) out.push_back(fix);
    }
  }
  return out;
}

std::string Corrected(std::string_view question, const std::vector<SpellingFix>& fixes,
                      const std::vector<BaseRanking>& rankings) {
  if (fixes.empty()) return std::string(question);
  std::vector<RetrievedChunk> all;
  for (const auto& ranking : rankings) std::ranges::copy(ranking.passages, std::back_inserter(all));
  return CorrectQuestion(question, fixes, all).text;
}

// Each base's best score as a share of the highest; empty when there is none to compare.
std::vector<double> Shares(std::vector<double> best) {
  const double highest = best.empty() ? 0 : std::ranges::max(best);
  if (highest <= 0) return {};
  for (auto& score : best) score = std::max(0.0, score) / highest;
  return best;
}

std::vector<double> WordShares(std::string_view question,
                               const std::vector<BaseRanking>& rankings) {
  std::vector<RetrievedChunk> all;
  for (const auto& ranking : rankings) std::ranges::copy(BestOf(ranking), std::back_inserter(all));
  const auto scores = PassageScores(question, PassagesOf(all), nullptr);
  std::vector<double> best;
  auto next = scores.begin();
  for (const auto& ranking : rankings) {
    const auto end = next + static_cast<std::ptrdiff_t>(BestOf(ranking).size());
    best.push_back(next == end ? 0 : *std::max_element(next, end));
    next = end;
  }
  return Shares(std::move(best));
}

std::optional<double> BestCosine(const BaseRanking& ranking) {
  std::optional<double> best;
  for (const auto& passage : BestOf(ranking)) {
    if (passage.dense_score) best = std::max(best.value_or(-1), *passage.dense_score);
  }
  return best;
}

std::optional<double> BestDeviations(const BaseRanking& ranking) { return ranking.stands_out; }

bool HaveOneEmbedder(const std::vector<BaseRanking>& rankings) {
  std::optional<std::string_view> space;
  for (const auto& ranking : rankings) {
    if (ranking.passages.empty()) continue;
    if (space.value_or(ranking.vector_space) != ranking.vector_space) return false;
    space = ranking.vector_space;
  }
  return true;
}

// Empty when a base was not searched by vectors, or, among bases of different embedders, holds too
// few passages to say how far one stands out.
std::vector<double> VectorShares(const std::vector<BaseRanking>& rankings) {
  const auto of = HaveOneEmbedder(rankings) ? BestCosine : BestDeviations;
  std::vector<double> best;
  for (const auto& ranking : rankings) {
    const auto found = ranking.passages.empty() ? 0 : of(ranking);
    if (!found) return {};
    best.push_back(*found);
  }
  return Shares(std::move(best));
}

// How well each base answers, as a share of the best one; empty when nothing compares.
std::vector<double> AnswerShares(std::string_view question,
                                 const std::vector<BaseRanking>& rankings) {
  auto words = WordShares(question, rankings);
  auto vectors = VectorShares(rankings);
  if (words.empty()) return vectors;
  if (vectors.empty()) return words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] += vectors[i];
  return Shares(std::move(words));
}

std::vector<double> WeightsOf(std::string_view question, const std::vector<BaseRanking>& rankings) {
  const auto shares = AnswerShares(question, rankings);
  std::vector<double> weights;
  for (std::size_t i = 0; i < rankings.size(); ++i) {
    const double weight = shares.empty() ? 1 : kLeastWeight + (1 - kLeastWeight) * shares[i];
    weights.push_back(rankings[i].passages.empty() ? 0 : weight);
  }
  return weights;
}

// Of equal scores the one of the base that was named first.
void BestFirst(std::vector<RetrievedChunk>& passages) {
  std::vector<std::pair<double, std::size_t>> order;  // negative score, place
  order.reserve(passages.size());
  for (std::size_t i = 0; i < passages.size(); ++i) order.emplace_back(-passages[i].score, i);
  std::ranges::sort(order);
  std::vector<RetrievedChunk> sorted;
  sorted.reserve(passages.size());
  for (const auto& [score, place] : order) sorted.push_back(std::move(passages[place]));
  passages = std::move(sorted);
}

void PutCopiesLast(std::vector<RetrievedChunk>& passages) {
  PassagesKept kept;
  std::vector<RetrievedChunk> copies;
  std::vector<RetrievedChunk> own;
  for (auto& passage : passages) {
    const auto shingles = Shingles(passage.text);
    const bool copy = kept.Holds(shingles);
    if (!copy) kept.Keep(shingles);
    (copy ? copies : own).push_back(std::move(passage));
  }
  for (auto& copy : copies) {
    copy.score = std::min(copy.score, own.back().score);
    own.push_back(std::move(copy));
  }
  passages = std::move(own);
}

}  // namespace

MergedRanking MergeRankings(std::string_view question, std::vector<BaseRanking> rankings,
                            Copies copies) {
  MergedRanking out;
  out.corrected = FixesOf(rankings);
  const auto weights = WeightsOf(Corrected(question, out.corrected, rankings), rankings);
  double highest = -1;
  for (std::size_t i = 0; i < rankings.size(); ++i) {
    auto& ranking = rankings[i];
    out.bases.push_back(
        {.base = ranking.base, .found = ranking.passages.size(), .weight = weights[i]});
    if (weights[i] > highest) out.led_by_names = ranking.led_by_names;
    highest = std::max(highest, weights[i]);
    for (auto& passage : ranking.passages) {
      passage.score = std::clamp(passage.score, 0.0, 1.0) * weights[i];
      NameBase(passage, ranking.base);
      out.passages.push_back(std::move(passage));
    }
  }
  BestFirst(out.passages);
  if (copies == Copies::kLast && !out.passages.empty()) PutCopiesLast(out.passages);
  return out;
}

void NameBase(RetrievedChunk& passage, std::string_view base) {
  // The other members stay as they are written.
  auto& text = passage.metadata.text;
  const auto end = text.find_last_of('}');
  const auto last = end == text.npos ? text.npos : text.find_last_not_of(" \t\r\n", end - 1);
  const bool alone = last == text.npos || text[last] == '{';
  text.resize(end == text.npos ? 0 : end);
  if (text.empty()) text = "{";
  text += fmt::format("{}{}:{}}}", alone ? "" : ",", JsonString(dialect::kCitedBaseMember),
                      JsonString(base));
}

void LeadWithQuoted(std::string_view question, std::vector<RetrievedChunk>& passages) {
  const auto phrases = QuotedPhrases(question);
  if (phrases.empty()) return;
  PhraseMatcher matcher(phrases);
  LeadWithPhrases(passages, [&](const RetrievedChunk& passage) {
    return std::popcount(matcher.In(passage.text));
  });
}

}  // namespace strata::knowledge
