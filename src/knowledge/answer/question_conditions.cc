#include "knowledge/answer/question_conditions.h"

#include <algorithm>

#include "knowledge/answer/last_question.h"
#include "knowledge/answer/tokens.h"
#include "text/search_words.h"
#include "text/sentences.h"

namespace strata::knowledge {
namespace {

constexpr double kSaidWeight = 0.1;
// Fewer content words than this do not stand alone (StandaloneQuestion).
constexpr std::ptrdiff_t kWordsAlone = 2;

std::uint64_t WordsAt(const Question& question, std::string_view text) {
  std::uint64_t words = 0;
  for (const auto& token : Tokens(text)) {
    const auto at = std::ranges::find(question.words, token.lower, &QuestionWord::surface);
    if (at != question.words.end()) {
      words |= std::uint64_t{1} << static_cast<std::size_t>(at - question.words.begin());
    }
  }
  return words;
}

void AddConditions(std::string_view text, Question& question) {
  for (const auto& amount : AmountsIn(text)) {
    const auto words = WordsAt(question, text.substr(amount.begin, amount.end - amount.begin));
    if (words != 0) question.conditions.push_back({.amount = amount, .words = words});
  }
}

void Weaken(Question& question, std::uint64_t words) {
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    if ((words >> i & 1U) == 0) continue;
    auto& word = question.words[i];
    word.weight = std::min(word.weight, kSaidWeight);
    word.salience = std::min(word.salience, kSaidWeight);
    word.name = false;
  }
}

}  // namespace

void ReadConditions(std::string_view text, Question& question) {
  const auto last = LastQuestion(text);
  const auto before = text.substr(0, static_cast<std::size_t>(last.data() - text.data()));
  const auto asked = WordsAt(question, last);
  std::uint64_t given = 0;  // words of the amounts that are said
  std::uint64_t said = 0;   // … and of the sentences that say them
  for (const auto span : text::SplitSentences(before)) {
    const auto sentence = before.substr(span.begin, span.end - span.begin);
    if (sentence.ends_with('?')) continue;
    const auto known = question.conditions.size();
    AddConditions(sentence, question);
    if (question.conditions.size() > known) said |= WordsAt(question, sentence);
  }
  for (const auto& condition : question.conditions) given |= condition.words;
  Weaken(question, given & ~asked);
  // The rest of what is said says what is asked about only where the question leans on it.
  const auto own = std::ranges::count_if(question.words, [&](const QuestionWord& word) {
    return !text::IsStopWord(word.surface) && word.weight >= 1;
  });
  if (own >= kWordsAlone && !RefersBack(last)) Weaken(question, said & ~asked);
  AddConditions(last, question);
}

}  // namespace strata::knowledge
