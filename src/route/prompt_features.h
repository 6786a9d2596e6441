#pragma once
// What a router sees of a request: robust measures of its text, its words, and its vector. Never
// the names of data sets, and of a few-shot prompt only the question at its end.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "learn/linear.h"
#include "vector/static_embedder.h"

namespace strata::route {

// The question of a prompt: behind its worked examples, when it has some.
struct Question {
  std::string_view text;
  std::size_t examples = 0;
};
// Examples are recognised by the cue that ends the prompt ("Answer:", "A:") and stands in it
// before, or by lines that begin with the same marker ("Q:", "Question:").
Question FindQuestion(std::string_view prompt);

inline constexpr std::size_t kMeasures = 36;  // trained routers know each by its place
// Lengths (logarithms), shares of digits, capitals and signs, options and their shape, negation,
// kinds of question, code, statements to judge. Finite for any bytes.
std::vector<float> MeasurePrompt(const Question& question);

struct PromptFeatures {
  std::vector<float> measures;            // kMeasures
  std::vector<float> vector;              // of the embedder, length 1 or all zeros
  std::vector<learn::SparseEntry> words;  // hashed words and pairs, length 1
  double prompt_bytes = 0;                // of the whole prompt
};

inline constexpr int kWordBits = 16;
inline constexpr std::size_t kQuestionBytesMax = 4096;  // of longer ones: both ends

// O(length of the question, at most kQuestionBytesMax; finding it is linear in the prompt).
PromptFeatures ExtractFeatures(std::string_view prompt, const vector::StaticEmbedder& embedder);

}  // namespace strata::route
