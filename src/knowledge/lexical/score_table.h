#pragma once
// What the postings of one word score, looked up instead of divided out for each.

#include <cstdint>
#include <vector>

#include "knowledge/lexical/bm25.h"

namespace strata::knowledge::lexical {

// TermScore by frequency and length code; rows of small frequencies are kept once they are made.
// Not thread-safe; `norms` must outlive it.
class ScoreTable {
 public:
  static constexpr std::uint32_t kRowsMax = 8;

  ScoreTable(float weight, const LengthNorms& norms) : weight_(weight), norms_(&norms) {}

  float weight() const { return weight_; }

  // Of one posting among many.
  std::uint32_t Score(std::uint32_t frequency, std::uint8_t length_code) {
    if (frequency > kRowsMax) return TermScore(weight_, frequency, (*norms_)[length_code]);
    if (frequency > rows_) MakeRows(frequency);
    return scores_[(frequency - 1) * kCodes + length_code];
  }
  // The same where a row does not pay.
  std::uint32_t ScoreOnce(std::uint32_t frequency, std::uint8_t length_code) const {
    if (frequency > rows_) return TermScore(weight_, frequency, (*norms_)[length_code]);
    return scores_[(frequency - 1) * kCodes + length_code];
  }

 private:
  static constexpr std::size_t kCodes = 256;

  [[gnu::noinline]] void MakeRows(std::uint32_t frequency) {
    scores_.resize(frequency * kCodes);
    for (; rows_ < frequency; ++rows_) {
      for (std::size_t code = 0; code < kCodes; ++code) {
        scores_[rows_ * kCodes + code] =
            TermScore(weight_, rows_ + 1, (*norms_)[static_cast<std::uint8_t>(code)]);
      }
    }
  }

  float weight_;
  const LengthNorms* norms_;
  std::vector<std::uint32_t> scores_;
  std::uint32_t rows_ = 0;
};

}  // namespace strata::knowledge::lexical
