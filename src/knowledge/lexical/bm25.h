#pragma once
// BM25 in fixed point, so that sums do not depend on their order and bounds are bounds to the last
// bit.
//
//   score(t, d) = idf(t) × (k1 + 1) × tf / (tf + k1 × (1 − b + b × length(d) / average length))
//   idf(t)      = ln(1 + (N − df + 0.5) / (df + 0.5))
//
// Source: Robertson, Zaragoza 2009, The Probabilistic Relevance Framework: BM25 and Beyond. Title
// and body are one bag of words in which title words count several times, which is their BM25F with
// one length normalization for all fields.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace strata::knowledge::lexical {

// Scores are integers in units of 2^-20.
constexpr double kScoreUnit = 1.0 / (1 << 20);

// A document's length in words as one byte, exact below 32, within 3 % above, 500,000 at most.
// Keeps the order.
constexpr std::uint8_t EncodeLength(std::uint64_t words) {
  if (words < 16) return static_cast<std::uint8_t>(words);
  auto exponent = static_cast<std::uint64_t>(std::bit_width(words)) - 5;
  std::uint64_t code = 16 + exponent * 16 + ((words >> exponent) - 16);
  return static_cast<std::uint8_t>(code < 255 ? code : 255);
}

constexpr std::uint32_t DecodeLength(std::uint8_t code) {
  if (code < 32) return code;
  std::uint32_t exponent = code / 16U - 1;
  return ((16U + code % 16U) << exponent) + (1U << exponent) / 2;
}

// Σ over all documents of an index; the same for every segment of it.
struct CorpusStats {
  std::uint64_t documents = 0;
  std::uint64_t length = 0;  // sum of DecodeLength
};

// What length does to a term frequency, by length code. Grows with the code.
class LengthNorms {
 public:
  LengthNorms(const CorpusStats& corpus, float k1, float b) {
    float average = corpus.documents == 0
                        ? 1.0F
                        : static_cast<float>(static_cast<double>(corpus.length) /
                                             static_cast<double>(corpus.documents));
    if (average <= 0) average = 1;
    for (unsigned code = 0; code < norms_.size(); ++code) {
      auto length = static_cast<float>(DecodeLength(static_cast<std::uint8_t>(code)));
      norms_[code] = k1 * (1 - b + b * (length / average));
    }
  }
  float operator[](std::uint8_t code) const { return norms_[code]; }

 private:
  std::array<float, 256> norms_ = {};
};

// The weight of one query word, in score units. `repeats`: how often the query says it, 16 at most
// counts.
inline float TermWeight(const CorpusStats& corpus, std::uint64_t document_frequency,
                        std::uint32_t repeats, float k1) {
  auto frequency = static_cast<double>(document_frequency);
  double rest = std::max(static_cast<double>(corpus.documents) - frequency, 0.0);
  double idf = std::log1p((rest + 0.5) / (frequency + 0.5));
  double times = repeats < 16 ? repeats : 16;
  return static_cast<float>(idf * (k1 + 1) * times / kScoreUnit);
}

// Every rounding on the way keeps the order, so that a larger tf or a smaller norm never scores
// less: the bounds of block-max pruning rest on it. `term_frequency` ≥ 1.
inline std::uint32_t TermScore(float weight, std::uint32_t term_frequency, float norm) {
  return static_cast<std::uint32_t>(weight / (1.0F + norm / static_cast<float>(term_frequency)));
}

}  // namespace strata::knowledge::lexical
