#pragma once
// What uncased BERT does to one code point before words are cut into pieces: drop controls,
// decompose (NFD), drop nonspacing marks, lower case, set ideographs and punctuation apart. Source:
// BertNormalizer and BertPreTokenizer of Hugging Face tokenizers, themselves after BasicTokenizer
// of BERT.

#include <array>
#include <cstdint>
#include <string_view>

namespace strata::text {

enum class BertKind : std::uint8_t {
  kDrop,   // nothing remains
  kMark,   // nothing remains; it belonged to the character before
  kSpace,  // ends a word
  kWord,   // part of a word
  kAlone,  // a word of its own: punctuation, ideographs
};

struct BertCharacter {
  BertKind kind = BertKind::kDrop;
  std::uint8_t size = 0;         // bytes of `utf8`
  std::uint8_t code_points = 0;  // in `utf8`
  std::array<char, 13> utf8 = {};

  std::string_view view() const { return {utf8.data(), size}; }
};

// Computed afresh: some 200 ns.
BertCharacter MakeBertCharacter(char32_t code_point);

// The first 0x3000 code points, made on first use; thread-safe.
constexpr char32_t kBertTableSize = 0x3000;
const BertCharacter* BertTable();

}  // namespace strata::text
