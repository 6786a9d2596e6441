#include "knowledge/answer/question.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// Words (as stems) that say how a question is put rather than what it asks for.
constexpr std::array<std::string_view, 30> kFraming = {
    "accord",   "answer",   "ask",    "call",    "context", "describ", "detail", "discuss",
    "document", "exact",    "exampl", "explain", "follow",  "give",    "given",  "identifi",
    "includ",   "indic",    "inform", "list",    "mention", "name",    "outlin", "passag",
    "provid",   "question", "specif", "state",   "tell",    "text"};
constexpr double kFramingWeight = 0.3;

struct Cue {
  std::string_view phrase;  // matched at word boundaries in the lower-cased question
  unsigned kinds;
};
constexpr Cue kCues[] = {
    {"who", kPerson},          {"whom", kPerson},
    {"whose", kPerson},        {"when", kDate},
    {"what year", kDate},      {"which year", kDate},
    {"what date", kDate},      {"date of", kDate},
    {"what month", kDate},     {"what day", kDate},
    {"how many", kNumber},     {"how much", kNumber},
    {"how old", kNumber},      {"how long", kNumber},
    {"how far", kNumber},      {"how large", kNumber},
    {"how often", kNumber},    {"percentage", kNumber},
    {"what percent", kNumber}, {"what number", kNumber},
    {"what amount", kNumber},  {"what was the total", kNumber},
    {"where", kPlace},         {"what country", kPlace},
    {"which country", kPlace}, {"what city", kPlace},
    {"which city", kPlace},    {"place of", kPlace},
    {"why", kReason},          {"what reason", kReason},
};

constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> kDays = {"monday", "tuesday",  "wednesday", "thursday",
                                                   "friday", "saturday", "sunday"};
constexpr std::array<std::string_view, 22> kNumberWords = {
    "two",      "three",   "four",    "five",   "six",    "seven", "eight", "nine",
    "ten",      "eleven",  "twelve",  "twenty", "thirty", "forty", "fifty", "hundred",
    "thousand", "million", "billion", "half",   "twice",  "dozen"};
constexpr std::array<std::string_view, 5> kPlaceWords = {"in", "at", "from", "near", "of"};
constexpr std::array<std::string_view, 6> kReasonWords = {"because", "due",   "since",
                                                          "caused",  "owing", "therefore"};
constexpr std::array<std::string_view, 22> kLeaning = {
    "it",    "its",       "he",    "she",  "his",   "her",    "they",    "their",
    "these", "this",      "those", "that", "such",  "both",   "however", "but",
    "thus",  "therefore", "also",  "then", "there", "instead"};

// One run of letters and digits of a sentence. Bytes above 127 count as letters.
struct Token {
  std::string lower;
  bool capitalised = false;
  bool digits = false;
};

bool IsWordByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 128;
}

std::vector<Token> Tokens(std::string_view text, std::size_t limit = SIZE_MAX) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < text.size() && tokens.size() < limit) {
    if (!IsWordByte(text[at])) {
      ++at;
      continue;
    }
    Token token;
    token.capitalised = std::isupper(static_cast<unsigned char>(text[at])) != 0;
    for (; at < text.size() && IsWordByte(text[at]); ++at) {
      const auto c = static_cast<unsigned char>(text[at]);
      token.digits = token.digits || std::isdigit(c) != 0;
      token.lower += static_cast<char>(std::tolower(c));
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

bool IsOneOf(std::string_view word, std::span<const std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

bool IsYear(const Token& token) {
  return token.lower.size() == 4 &&
         std::ranges::all_of(token.lower, [](unsigned char c) { return std::isdigit(c) != 0; }) &&
         (token.lower[0] == '1' || token.lower[0] == '2');
}

unsigned KindsOfToken(const std::vector<Token>& tokens, std::size_t i) {
  const Token& token = tokens[i];
  unsigned kinds = kNoKind;
  if (token.digits || IsOneOf(token.lower, kNumberWords)) kinds |= kNumber;
  if (IsYear(token) || (token.capitalised && IsOneOf(token.lower, kMonths)) ||
      IsOneOf(token.lower, kDays)) {
    kinds |= kDate;
  }
  if (IsOneOf(token.lower, kReasonWords)) kinds |= kReason;
  const bool name = token.capitalised && !IsOneOf(token.lower, kMonths);
  if (name && i > 0) kinds |= kPerson;
  if (name && i + 1 < tokens.size() && tokens[i + 1].capitalised) kinds |= kPerson;
  if (name && i > 0 && IsOneOf(tokens[i - 1].lower, kPlaceWords)) kinds |= kPlace;
  return kinds;
}

// Lower case, one space between words and one at both ends, so that phrases match at boundaries.
std::string Folded(std::string_view text) {
  std::string folded = " ";
  for (const auto& token : Tokens(text)) folded += token.lower + " ";
  return folded;
}

void AddWords(std::string_view text, bool keep_stop_words, Question& question) {
  thread_local text::SearchWordMaker maker;
  maker.ForEach(text, [&](const text::SearchWord& word) {
    if (question.words.size() >= kQuestionWordsMax) return;
    const auto surface = text.substr(word.begin, word.end - word.begin);
    std::string lower;
    for (char c : surface) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!keep_stop_words && (text::IsStopWord(word.word) || text::IsStopWord(lower))) return;
    if (std::ranges::find(question.words, word.word, &QuestionWord::stem) != question.words.end()) {
      return;
    }
    question.words.push_back({.stem = std::string(word.word),
                              .weight = IsOneOf(word.word, kFraming) ? kFramingWeight : 1.0});
  });
}

}  // namespace

Question ReadQuestion(std::string_view text) {
  Question question;
  AddWords(text, false, question);
  if (question.words.empty()) AddWords(text, true, question);
  const std::string folded = Folded(text);
  for (const auto& cue : kCues) {
    if (folded.find(" " + std::string(cue.phrase) + " ") != std::string::npos) {
      question.asked |= cue.kinds;
    }
  }
  return question;
}

unsigned KindsIn(std::string_view sentence) {
  const auto tokens = Tokens(sentence);
  unsigned kinds = kNoKind;
  for (std::size_t i = 0; i < tokens.size(); ++i) kinds |= KindsOfToken(tokens, i);
  return kinds;
}

bool LeansOnPrevious(std::string_view sentence) {
  const auto first = Tokens(sentence, 1);
  return !first.empty() && IsOneOf(first[0].lower, kLeaning);
}

}  // namespace strata::knowledge
