#pragma once
// One immutable segment of the index: documents, dictionary and postings in one file.
//
//   header (version, counts, place and CRC-32 of each section, CRC-32 of itself)
//   ids        u64 a document, ascending: ordinals follow ids
//   lengths    one length code a document (bm25.h)
//   postings   the lists one after the other (postings.h), then 8 zero bytes
//   terms      blocks of 16 words in byte order, front-coded; each with its document frequency and
//   size of its list term index u64 a block: where it begins in terms
//
// Everything is read with bounds checked, so that damaged bytes give kCorruption or wrong words,
// never a crash.

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "knowledge/lexical/postings.h"

namespace strata::knowledge::lexical {

constexpr std::uint32_t kSegmentDocumentsMax = 1U
                                               << 26;  // so that places within a list fit 32 bits

// Builds the bytes of one segment in memory.
class SegmentWriter {
 public:
  // `ids` ascend strictly; one length code each.
  SegmentWriter(std::vector<std::uint64_t> ids, std::string lengths, std::uint32_t title_weight);
  // Words ascend strictly in byte order; postings ascend, none empty.
  void AddTerm(std::string_view word, std::span<const Posting> postings);
  std::string Finish();

 private:
  const std::vector<std::uint64_t> ids_;
  const std::string lengths_;
  const std::uint32_t title_weight_;
  std::string postings_;
  std::string terms_;
  std::vector<std::uint64_t> term_index_;
  std::string last_word_;
  std::uint32_t term_count_ = 0;
};

// Where one word's postings are.
struct TermEntry {
  std::uint32_t document_frequency = 0;
  std::string_view postings;  // followed by kUnpackSlack readable bytes
};

enum class Checksums { kVerify, kIgnore };  // ignored by the fuzzer, to reach what lies behind

// Immutable; thread-safe. Keeps what backs the bytes alive.
class Segment {
 public:
  // Errors: kCorruption (magic, version, sizes, checksums, ids not ascending).
  static Result<std::shared_ptr<const Segment>> Open(std::string_view bytes,
                                                     std::shared_ptr<const void> owner,
                                                     Checksums checksums = Checksums::kVerify);

  std::uint32_t documents() const { return documents_; }
  std::uint32_t terms() const { return terms_count_; }
  std::uint32_t title_weight() const { return title_weight_; }
  std::size_t file_bytes() const { return file_bytes_; }
  std::uint64_t length() const { return length_; }  // sum of DecodeLength
  std::string_view lengths() const { return lengths_; }
  std::uint64_t Id(std::uint32_t ordinal) const {
    std::uint64_t id;
    std::memcpy(&id, ids_.data() + std::size_t{ordinal} * sizeof(id), sizeof(id));
    return id;
  }
  // The first document whose id is not below; documents() when there is none.
  std::uint32_t LowerBound(std::uint64_t id) const;
  std::optional<std::uint32_t> FindDocument(std::uint64_t id) const;

  // nullopt: no document has the word. Errors: kCorruption.
  Result<std::optional<TermEntry>> FindTerm(std::string_view word) const;
  // All postings of a list, for merging. Errors: kCorruption.
  Result<void> ReadPostings(const TermEntry& entry, std::vector<Posting>& out) const;

 private:
  friend class TermWalk;
  Segment() = default;
  Result<void> ReadHeader(std::string_view bytes, Checksums checksums);
  Result<void> CheckDocuments();
  std::size_t term_blocks() const { return term_index_.size() / sizeof(std::uint64_t); }
  std::uint64_t TermBlock(std::size_t block) const;

  std::shared_ptr<const void> owner_;
  std::size_t file_bytes_ = 0;
  std::uint32_t documents_ = 0;
  std::uint32_t terms_count_ = 0;
  std::uint32_t title_weight_ = 0;
  std::uint64_t length_ = 0;
  std::string_view ids_;
  std::string_view lengths_;
  std::string_view postings_;
  std::string_view terms_;
  std::string_view term_index_;
};

// Goes through the words of a segment from the beginning of a dictionary block, in order.
class TermWalk {
 public:
  explicit TermWalk(const Segment& segment, std::size_t first_block = 0);
  // False at the end, or when damaged().
  bool Next();
  const std::string& word() const { return word_; }
  TermEntry entry() const { return entry_; }
  bool damaged() const { return damaged_; }

 private:
  bool Damaged();

  const Segment& segment_;
  std::size_t at_ = 0;      // in the terms section
  std::uint64_t term_ = 0;  // number of the next word
  std::uint64_t postings_at_ = 0;
  std::string word_;
  TermEntry entry_;
  bool damaged_ = false;
};

}  // namespace strata::knowledge::lexical
