#include "knowledge/answer/rank_passages.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "knowledge/answer/word_finder.h"

namespace strata::knowledge {
namespace {

// Robertson's, as in the keyword index.
constexpr double kSaturation = 1.2;
constexpr double kLengthShare = 0.75;
// Of a passage of a knowledge base, about.
constexpr std::size_t kPassageBytes = 1000;

std::string WithHeadings(const SourcePassage& passage) {
  std::string text(passage.title);
  for (const auto& heading : passage.headings) text += "\n" + heading;
  text += "\n";
  return text += passage.text;
}

struct Counts {
  std::vector<double> of_word;  // of each question word
  double length = 0;
};

std::vector<double> WordScores(const Question& question, const std::vector<std::string>& texts) {
  WordFinder finder(question);
  const auto words = question.words.size();
  std::vector<Counts> counts;
  std::vector<double> holding(words);
  double length = 0;
  for (const auto& text : texts) {
    const auto found = finder.Find(text);
    auto& count = counts.emplace_back();
    count.of_word.resize(words);
    for (const auto& [word, position] : found.places) {
      ++count.of_word[static_cast<std::size_t>(word)];
    }
    for (std::size_t i = 0; i < words; ++i) holding[i] += count.of_word[i] > 0 ? 1 : 0;
    count.length = found.word_count;
    length += count.length;
  }
  const auto all = static_cast<double>(texts.size());
  std::vector<double> scores;
  for (const auto& count : counts) {
    const double norm = kSaturation * (1 - kLengthShare +
                                       kLengthShare * count.length * all / std::max(1.0, length));
    double score = 0;
    for (std::size_t i = 0; i < words; ++i) {
      const double idf = std::log(1 + (all - holding[i] + 0.5) / (holding[i] + 0.5));
      const double tf = count.of_word[i];
      score += question.words[i].weight * idf * tf * (1 + kSaturation) / (tf + norm);
    }
    scores.push_back(score);
  }
  return scores;
}

std::vector<double> Cosines(std::string_view question, const std::vector<std::string>& texts,
                            const vector::StaticEmbedder& vectors) {
  std::vector<float> asked(static_cast<std::size_t>(vectors.dimensions()));
  auto text_vector = asked;
  vectors.Embed(question, asked);
  std::vector<double> cosines;
  for (const auto& text : texts) {
    vectors.Embed(text, text_vector);
    double sum = 0;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      sum += static_cast<double>(asked[i]) * text_vector[i];
    }
    cosines.push_back(sum);
  }
  return cosines;
}

// Into 0..1, from `low` to the highest.
void Stretch(std::vector<double>& scores, double low) {
  const double high = std::ranges::max(scores);
  for (auto& score : scores) score = high > low ? std::max(0.0, (score - low) / (high - low)) : 0;
}

}  // namespace

std::vector<double> PassageScores(std::string_view question,
                                  const std::vector<SourcePassage>& passages,
                                  const vector::StaticEmbedder* vectors) {
  if (passages.empty()) return {};
  std::vector<std::string> texts;
  for (const auto& passage : passages) texts.push_back(WithHeadings(passage));
  auto scores = WordScores(ReadQuestion(question), texts);
  Stretch(scores, 0);
  if (vectors) {
    auto cosines = Cosines(question, texts, *vectors);
    Stretch(cosines, std::ranges::min(cosines));
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = (scores[i] + cosines[i]) / 2;
  }
  Stretch(scores, 0);
  return scores;
}

std::vector<SourcePassage> Ranked(std::string_view question, std::vector<SourcePassage> passages,
                                  std::size_t limit, const vector::StaticEmbedder* vectors) {
  if (std::ranges::any_of(passages, [](const auto& passage) { return passage.score != 0; })) {
    return passages;
  }
  const auto scores = PassageScores(question, passages, vectors);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    passages[i].score = scores[i];
    order.push_back(i);
  }
  std::ranges::sort(order, [&](auto a, auto b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  std::size_t taken = 0;
  for (std::size_t bytes = 0;
       taken < order.size() && (taken < limit || bytes < limit * kPassageBytes); ++taken) {
    bytes += passages[order[taken]].text.size();
  }
  order.resize(taken);
  std::ranges::sort(order);
  std::vector<SourcePassage> kept;
  for (const auto i : order) kept.push_back(std::move(passages[i]));
  return kept;
}

}  // namespace strata::knowledge
