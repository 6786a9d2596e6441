#pragma once
// Ages and sizes that a question gives, or that are said before it: "I am 63. What do I pay?"

#include <string_view>

#include "knowledge/answer/question.h"

namespace strata::knowledge {

// Fills `conditions` of a question that has its words and its form. What is said before it weighs
// little: an amount is met by bounds, not by its own digits, and most texts speak of none.
void ReadConditions(std::string_view text, Question& question);

// Whether the sentence, or a row as it is read, holds for the condition.
enum class Meets : std::uint8_t { kNothingSaid, kMet, kOfOthers };
// `is_asked(word)`: whether the question speaks of it. A bound of something else than an age says
// nothing against an amount unless it is one of what is asked about.
template <class IsAsked>
Meets MeetsCondition(std::string_view sentence, const Condition& condition, IsAsked is_asked) {
  bool other = false;
  for (const auto& bounds : BoundsIn(sentence)) {
    if (bounds.of != condition.amount.of) continue;
    if (bounds.Hold(condition.amount.value)) return Meets::kMet;
    other = other || bounds.of.age || is_asked(bounds.noun);
  }
  return other && !SpeaksOfTheRest(sentence) ? Meets::kOfOthers : Meets::kNothingSaid;
}

}  // namespace strata::knowledge
