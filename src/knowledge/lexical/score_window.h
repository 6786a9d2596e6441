#pragma once
// Sums of scores of the documents of a window, added to word by word.

#include <array>
#include <bit>
#include <cstdint>

namespace strata::knowledge::lexical {

// So many that the sums stay in the first cache; a multiple of 64.
constexpr std::uint32_t kWindowDocuments = 4096;

// Not thread-safe.
class ScoreWindow {
 public:
  // `at`: the document, counted from the beginning of the window.
  void Add(std::uint32_t at, std::uint32_t score) {
    scores_[at] += score;
    touched_[at / 64] |= std::uint64_t{1} << at % 64;
  }

  // Calls take(at, sum) for each document that was added to, in order, and forgets them.
  template <class Take>
  void Drain(const Take& take) {
    for (std::uint32_t word = 0; word < touched_.size(); ++word) {
      for (std::uint64_t left = touched_[word]; left != 0; left &= left - 1) {
        const auto at = word * 64 + static_cast<std::uint32_t>(std::countr_zero(left));
        take(at, scores_[at]);
        scores_[at] = 0;
      }
      touched_[word] = 0;
    }
  }

 private:
  std::array<std::uint64_t, kWindowDocuments> scores_ = {};
  std::array<std::uint64_t, kWindowDocuments / 64> touched_ = {};
};

}  // namespace strata::knowledge::lexical
