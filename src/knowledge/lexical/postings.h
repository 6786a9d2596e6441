#pragma once
// How the postings of one word lie in a segment.
//
// Up to 128 documents: pairs of varints (gap to the last document, frequency − 1). More: blocks of
// 128.
//
//   impacts of the whole list, 8 bytes
//   a skip entry a block: last document u32, end of its bytes u32 (from the first block), impacts 8
//   bytes the blocks: bits of a gap u8, bits of a frequency u8, gaps − 1 packed, frequencies − 1
//   packed
//
// Impacts bound the score of every posting whatever the average length: no posting has both a
// larger frequency and a shorter document than one of the four pairs. Source: Ding, Suel 2011,
// Faster Top-k Document Retrieval Using Block-Max Indexes; pairs instead of one score as in Lucene
// 8 (Grand et al. 2020).

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/lexical/bm25.h"

namespace strata::knowledge::lexical {

constexpr std::size_t kBlockPostings = 128;
constexpr std::uint32_t kNoDocument = std::numeric_limits<std::uint32_t>::max();
// Bytes that must follow the last posting in memory: bits are unpacked eight bytes at a time.
constexpr std::size_t kUnpackSlack = 8;

struct Posting {
  std::uint32_t document = 0;   // ordinal in the segment
  std::uint32_t frequency = 0;  // ≥ 1
  friend bool operator==(const Posting&, const Posting&) = default;
};

// The undominated (frequency, length code) pairs of some postings. Frequency 255 stands for any
// number above 254; unused pairs repeat the last.
struct Impacts {
  struct Pair {
    std::uint8_t frequency = 0;
    std::uint8_t length_code = 0;
  };
  std::array<Pair, 4> pairs;

  std::uint32_t Bound(float weight, const LengthNorms& norms) const;
};
static_assert(sizeof(Impacts) == 8);

// `lengths`: length codes by ordinal.
Impacts MakeImpacts(std::span<const Posting> postings, std::string_view lengths);

// Appends the bytes of one list; documents ascend, frequencies ≥ 1.
void AppendPostings(std::span<const Posting> postings, std::string_view lengths, std::string& out);

// Walks one list. Damaged bytes end it early and set damaged(); they never lead outside `bytes`.
class PostingCursor {
 public:
  // `bytes`: those of the list, followed by kUnpackSlack readable ones. `documents`: ordinals are
  // below. `weight`, `norms`: for scores and bounds; `norms` and `lengths` must outlive the cursor.
  PostingCursor(std::string_view bytes, std::uint32_t document_frequency, std::string_view lengths,
                float weight, const LengthNorms& norms);

  std::uint32_t document() const { return document_; }  // kNoDocument at the end
  // Of the posting the cursor is on.
  std::uint32_t frequency();
  std::uint32_t Score();
  // The first posting at or after `target`; never goes back.
  void Advance(std::uint32_t target);

  // No posting of the list scores more.
  std::uint32_t bound() const { return bound_; }
  // Looks at the block that would hold `target`, which is not before the current document, without
  // unpacking it: no posting from `target` on up to block_last() scores more than block_bound().
  // Past the end: 0 and kNoDocument.
  void LookAt(std::uint32_t target);
  std::uint32_t block_bound() const { return block_bound_; }
  std::uint32_t block_last() const { return block_last_; }

  bool damaged() const { return damaged_; }

 private:
  struct Skip {
    std::uint32_t last = 0;
    std::uint32_t end = 0;
    Impacts impacts;
  };

  void ReadShortList();
  void ReadHead();
  Skip SkipEntry(std::size_t block) const;
  void LoadBlock(std::size_t block);
  void UnpackFrequencies();
  void End(bool damaged);

  std::string_view bytes_;  // short list: pairs; else the blocks
  std::string_view skips_;
  std::string_view lengths_;
  const LengthNorms* norms_;
  float weight_ = 0;
  std::size_t count_ = 0;     // postings in all
  std::size_t blocks_ = 0;    // 0: a short list, all of it in `documents_`
  std::size_t block_ = 0;     // the one unpacked
  std::size_t in_block_ = 0;  // postings in it
  std::size_t at_ = 0;
  std::uint32_t document_ = kNoDocument;
  std::uint32_t bound_ = 0;
  std::size_t looked_block_ = 0;
  std::uint32_t block_bound_ = 0;
  std::uint32_t block_last_ = 0;
  bool looked_ = false;
  bool frequencies_ready_ = false;
  bool damaged_ = false;
  std::array<std::uint32_t, kBlockPostings> documents_;
  std::array<std::uint32_t, kBlockPostings> frequencies_;
};

}  // namespace strata::knowledge::lexical
