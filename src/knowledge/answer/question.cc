#include "knowledge/answer/question.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "knowledge/answer/question_form.h"
#include "knowledge/answer/tokens.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// Words (as stems) that say how a question is put rather than what it asks for.
constexpr std::array<std::string_view, 29> kFraming = {
    "accord",   "answer", "ask",     "context", "describ", "detail", "discuss",  "document",
    "exact",    "exampl", "explain", "follow",  "give",    "given",  "identifi", "includ",
    "indic",    "inform", "list",    "mention", "name",    "outlin", "passag",   "provid",
    "question", "specif", "state",   "tell",    "text"};
constexpr double kFramingWeight = 0.3;
// Words of an earlier question of the conversation: they say what is spoken of; names do so most.
constexpr double kEarlierWeight = 0.4;
constexpr double kEarlierNameWeight = 0.8;

constexpr std::array<std::string_view, 22> kLeaning = {
    "it",    "its",       "he",    "she",  "his",   "her",    "they",    "their",
    "these", "this",      "those", "that", "such",  "both",   "however", "but",
    "thus",  "therefore", "also",  "then", "there", "instead"};

bool HasDigit(std::string_view word) {
  return std::ranges::any_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Whether it Is Written Like a Title: then capitals say nothing.
bool IsTitle(std::string_view text) {
  const auto tokens = Tokens(text);
  int frequent = 0;
  int capitals = 0;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    if (!text::IsStopWord(tokens[i].lower)) continue;
    ++frequent;
    capitals += tokens[i].capitalised ? 1 : 0;
  }
  return capitals * 2 > frequent;
}

// "owns" is a verb with a meaning, though its stem is that of "his own".
bool IsEmpty(std::string_view stem, std::string_view lower) {
  return text::IsStopWord(lower) || (text::IsStopWord(stem) && stem != "own");
}

bool IsCapitalised(std::string_view word) {
  const auto tokens = Tokens(word, 1);
  return !tokens.empty() && tokens[0].capitalised;
}

double WeightOf(bool framing, bool name, bool earlier) {
  if (framing) return kFramingWeight;
  if (!earlier) return 1.0;
  return name ? kEarlierNameWeight : kEarlierWeight;
}

void AddWords(std::string_view text, bool keep_stop_words, Question& question) {
  thread_local text::SearchWordMaker maker;
  const bool title = IsTitle(text);
  const auto last = static_cast<std::size_t>(LastQuestion(text).data() - text.data());
  maker.ForEach(text, [&](const text::SearchWord& word) {
    if (question.words.size() >= kQuestionWordsMax) return;
    const auto surface = text.substr(word.begin, word.end - word.begin);
    auto lower = text::FoldCase(surface);
    if (!keep_stop_words && IsEmpty(word.word, lower)) return;
    const bool framing = IsOneOf(word.word, kFraming);
    const bool capital = !title && !framing && word.position > 0 && IsCapitalised(surface);
    const bool name = capital || HasDigit(surface);
    const double weight = WeightOf(framing, name, word.begin < last);
    question.cased = question.cased || capital;
    const auto before = std::ranges::find(question.words, word.word, &QuestionWord::stem);
    if (before != question.words.end()) {
      before->weight = std::max(before->weight, weight);
      return;
    }
    question.words.push_back({.stem = std::string(word.word),
                              .surface = std::move(lower),
                              .framing = framing,
                              .weight = weight,
                              .name = name});
  });
}

}  // namespace

Question ReadQuestion(std::string_view text) {
  Question question;
  AddWords(text, false, question);
  if (question.words.empty()) AddWords(text, true, question);
  question.asked = KindsAsked(text);
  for (const auto& token : Tokens(text)) question.said.push_back(text::FoldAccents(token.lower));
  WeighForm(text, question);
  return question;
}

bool LeansOnPrevious(std::string_view sentence) {
  const auto first = Tokens(sentence, 1);
  return !first.empty() && IsOneOf(first[0].lower, kLeaning);
}

bool BeginsDefinite(std::string_view sentence) {
  const auto first = Tokens(sentence, 2);
  return first.size() == 2 && first[0].lower == "the" && !first[1].capitalised;
}

}  // namespace strata::knowledge
