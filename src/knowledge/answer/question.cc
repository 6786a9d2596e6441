#include "knowledge/answer/question.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "knowledge/answer/tokens.h"
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

constexpr std::array<std::string_view, 22> kLeaning = {
    "it",    "its",       "he",    "she",  "his",   "her",    "they",    "their",
    "these", "this",      "those", "that", "such",  "both",   "however", "but",
    "thus",  "therefore", "also",  "then", "there", "instead"};

bool HasDigit(std::string_view word) {
  return std::ranges::any_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool IsUpper(std::string_view word) {
  return !word.empty() && std::isupper(static_cast<unsigned char>(word[0])) != 0;
}

std::string Lower(std::string_view word) {
  std::string lower;
  for (char c : word) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
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

void AddWords(std::string_view text, bool keep_stop_words, Question& question) {
  thread_local text::SearchWordMaker maker;
  const bool title = IsTitle(text);
  maker.ForEach(text, [&](const text::SearchWord& word) {
    if (question.words.size() >= kQuestionWordsMax) return;
    const auto surface = text.substr(word.begin, word.end - word.begin);
    const auto lower = Lower(surface);
    if (!keep_stop_words && (text::IsStopWord(word.word) || text::IsStopWord(lower))) return;
    if (std::ranges::find(question.words, word.word, &QuestionWord::stem) != question.words.end()) {
      return;
    }
    const bool framing = IsOneOf(word.word, kFraming);
    const bool capital = !title && !framing && word.position > 0 && IsUpper(surface);
    question.words.push_back({.stem = std::string(word.word),
                              .weight = framing ? kFramingWeight : 1.0,
                              .name = capital || HasDigit(surface)});
  });
}

}  // namespace

Question ReadQuestion(std::string_view text) {
  Question question;
  AddWords(text, false, question);
  if (question.words.empty()) AddWords(text, true, question);
  question.asked = KindsAsked(text);
  return question;
}

bool LeansOnPrevious(std::string_view sentence) {
  const auto first = Tokens(sentence, 1);
  return !first.empty() && IsOneOf(first[0].lower, kLeaning);
}

}  // namespace strata::knowledge
