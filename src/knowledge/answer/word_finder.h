#pragma once
// Finds the words of a question in a text, in any form that shares their root.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "knowledge/answer/question.h"

namespace strata::knowledge {

// What one scan of a text finds of the question.
struct Found {
  std::uint64_t words = 0;  // bit i: question word i
  int word_count = 0;
  std::vector<std::pair<int, std::uint32_t>> places;  // question word, position
};

// Remembers the words it has seen; one object a question, not thread-safe. `question` outlives it.
class WordFinder {
 public:
  explicit WordFinder(const Question& question);

  Found Find(std::string_view text);

 private:
  std::uint64_t Lookup(std::string_view stem, std::string_view surface);
  int Exact(std::string_view stem, std::string_view surface) const;
  int Related(std::string_view stem, std::string_view surface) const;
  std::uint64_t PartsOf(std::string_view lower) const;
  bool IsOtherName(const QuestionWord& asked, std::string_view surface) const;

  const Question& question_;
  std::map<std::string, int, std::less<>> index_;  // stem → question word
  // By the word as written and its stem: question words as bits.
  std::map<std::string, std::uint64_t, std::less<>> seen_;
};

}  // namespace strata::knowledge
