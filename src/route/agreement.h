#pragma once
// Whether two answers say the same, so that neither needs a stronger model's word: numbers, labels,
// JSON and tool calls exactly, free text by its vector and its numbers; SQL by what it returns.

#include <cstdint>
#include <string>

#include "domain/stream.h"
#include "vector/static_embedder.h"

namespace strata::route {

enum class AnswerForm : std::uint8_t {
  kNone,   // cut, refused or empty: agrees with nothing
  kCalls,  // tool calls: names and arguments
  kJson,
  kFinal,  // a number, label or short phrase: the whole answer, or what it marks as its result
  kText,
  kRows,  // what a statement of SQL returns (sql_check.h)
};

struct Comparable {
  AnswerForm form = AnswerForm::kNone;
  std::string value;  // in one spelling; of kText the text itself
};

// O(length of the answer).
Comparable ComparableOf(const domain::ChatResponse& answer);

// Cosine from which two free texts count as the same, when their numbers and their negations are
// the same too. Chosen on paraphrases and near misses in agreement_test.cc.
inline constexpr double kSameText = 0.9;

// Texts are compared only where `embedder` is given; else they do not agree.
bool Agree(const Comparable& a, const Comparable& b, const vector::StaticEmbedder* embedder);

}  // namespace strata::route
