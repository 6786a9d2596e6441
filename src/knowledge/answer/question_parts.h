#pragma once
// Several questions in one: "When was it built, who designed it and how tall is it?"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

inline constexpr std::size_t kQuestionPartsMax = 4;

struct QuestionPart {
  std::string text;     // can be asked alone: with what it leans on in front, or filled in
  std::string_view as;  // as it stands in the question
};

// Whether a word for asking or an auxiliary verb leads, also behind a preposition: "In which year",
// "Does it".
bool BeginsAsQuestion(std::string_view text);

// The parts in order, at least one; one whose text is the whole question when it is but one. What
// is more than kQuestionPartsMax stays with the last one. Views of `text`.
std::vector<QuestionPart> QuestionParts(std::string_view text);

}  // namespace strata::knowledge
