#pragma once
// Byte offsets (inside strata) ⇄ code point offsets (public APIs) of one text, for many spans at a
// time.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace strata::text {

// An index over one text: built once in O(n); a conversion from bytes walks at most 64 bytes, one
// to bytes adds a binary search. Keeps a view of the text, which must outlive it. Immutable;
// thread-safe. Malformed bytes count as one code point each, as in base/utf8.h.
class CodePointOffsets {
 public:
  explicit CodePointOffsets(std::string_view text);

  // Code points before byte `byte`; inside a sequence it counts as the sequence's begin, past the
  // end as the end.
  std::size_t FromByte(std::size_t byte) const;
  // Byte where code point `code_point` begins; past the end: the text's size.
  std::size_t ToByte(std::size_t code_point) const;
  // Code points of the whole text.
  std::size_t size() const { return code_points_; }

 private:
  // What lies before the first sequence that begins in a block of 64 bytes.
  struct Block {
    std::size_t byte = 0;  // where that sequence begins
    std::size_t code_points = 0;
  };
  Block At(std::size_t byte) const;

  std::string_view text_;
  std::size_t code_points_ = 0;
  std::vector<Block> blocks_;  // empty when the text is ASCII
};

}  // namespace strata::text
