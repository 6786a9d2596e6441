#pragma once
// What a question is about: its content words, and the kind of thing that would answer it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

// Kinds of things a sentence may hold, as a bit set. Recognised by their form, so they are hints.
enum Kind : unsigned {
  kNoKind = 0,
  kPerson = 1U << 0,  // two or more capitalised words in a row, or one inside the sentence
  kDate = 1U << 1,    // a year, a month, a weekday
  kNumber = 1U << 2,  // digits or a number word
  kPlace = 1U << 3,   // a capitalised word after in, at, from, near
  kReason = 1U << 4,  // because, due to, so that
};

struct QuestionWord {
  std::string stem;
  double weight = 1;  // 1; less for words that frame questions ("mentioned", "according")
};

struct Question {
  std::vector<QuestionWord> words;  // content words in order, without repeats, at most 64
  unsigned asked = kNoKind;         // kinds that an answer holds
};

inline constexpr std::size_t kQuestionWordsMax = 64;

Question ReadQuestion(std::string_view text);

// Kinds of things in one sentence.
unsigned KindsIn(std::string_view sentence);

// Whether the sentence leans on the one before: it begins with a pronoun or a connective ("It",
// "They", "This", "However").
bool LeansOnPrevious(std::string_view sentence);

}  // namespace strata::knowledge
