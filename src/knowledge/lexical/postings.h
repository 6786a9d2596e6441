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

#include "knowledge/lexical/block_codec.h"
#include "knowledge/lexical/score_table.h"
#include "knowledge/lexical/score_window.h"

namespace strata::knowledge::lexical {

constexpr std::uint32_t kNoDocument = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kAboveOrdinals = std::numeric_limits<std::int32_t>::max();

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

  std::uint32_t Bound(const ScoreTable& scores) const;
};
static_assert(sizeof(Impacts) == 8);

// `lengths`: length codes by ordinal.
Impacts MakeImpacts(std::span<const Posting> postings, std::string_view lengths);

// Appends the bytes of one list; documents ascend, frequencies ≥ 1.
void AppendPostings(std::span<const Posting> postings, std::string_view lengths, std::string& out);

// Walks one list. Damaged bytes end it early and set damaged(); they never lead outside `bytes`.
class PostingCursor {
 public:
  // `bytes`: those of the list, followed by kUnpackSlack readable ones. `lengths`: length codes by
  // ordinal. `scores`: of the word; null: neither scores nor bounds are asked for. Both must
  // outlive the cursor.
  PostingCursor(std::string_view bytes, std::uint32_t document_frequency, std::string_view lengths,
                ScoreTable* scores = nullptr);

  std::size_t count() const { return count_; }          // postings in all
  std::uint32_t document() const { return document_; }  // kNoDocument at the end
  // Of the posting the cursor is on.
  std::uint32_t frequency() const {
    return frequencies_ready_ ? frequencies_[at_] : packed_frequencies_.At(at_) + 1;
  }
  std::uint32_t Score() { return ScoreOf(document_, frequency()); }
  // The first posting at or after `target`; never goes back.
  void Advance(std::uint32_t target);
  // Advance(end), adding what it passes to `window`, which begins at `base`, not after the current
  // document. Blocks none of whose postings scores `least` may be left out.
  void AddScores(std::uint32_t base, std::uint32_t end, std::uint64_t least, ScoreWindow& window);

  // No posting of the list scores more.
  std::uint32_t bound() const { return bound_; }
  // Looks at the block that would hold `target`, which never goes back, without unpacking it: no
  // posting from `target` on up to block_last() scores more than block_bound(). Past the end: 0 and
  // kNoDocument.
  void LookAt(std::uint32_t target) {
    if (!looked_ || target > block_last_ || looked_block_ < block_) LookAhead(target);
  }
  std::uint32_t block_bound() const { return block_bound_; }
  std::uint32_t block_last() const { return block_last_; }

  // What LookAt says of one block, of all that touch [first, end): no posting from `first` up to
  // `last`, which may be beyond `end`, scores more. Of a few blocks at most; more have the bound of
  // the list.
  struct Range {
    std::uint32_t bound = 0;
    std::uint32_t last = kNoDocument;
  };
  Range LookAtRange(std::uint32_t first, std::uint32_t end);

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
  void PadDocuments();
  void UnpackFrequencies();
  void LookAhead(std::uint32_t target);
  void End(bool damaged);
  std::uint32_t ScoreOf(std::uint32_t document, std::uint32_t frequency) {
    return scores_->Score(frequency, static_cast<std::uint8_t>(lengths_[document]));
  }
  // Where in the block the first document at or after `target` is, which the last one is.
  std::size_t Find(std::uint32_t target) const;

  std::string_view bytes_;  // short list: pairs; else the blocks
  std::string_view skips_;
  std::string_view lengths_;
  ScoreTable* scores_;
  std::size_t count_ = 0;
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
  PackedBits packed_frequencies_;                        // each less one; of the block unpacked
  std::array<std::uint32_t, kBlockPostings> documents_;  // unused ones are above all ordinals
  std::array<std::uint32_t, kBlockPostings> frequencies_;
};

}  // namespace strata::knowledge::lexical
