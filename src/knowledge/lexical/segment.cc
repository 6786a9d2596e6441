#include "knowledge/lexical/segment.h"

#include <array>
#include <cstring>

#include "base/encoding.h"
#include "knowledge/lexical/bytes.h"
#include "knowledge/lexical/segment_header.h"

namespace strata::knowledge::lexical {
namespace {

constexpr std::size_t kWordBytesMax = 4096;  // far above what text::SearchWordMaker makes

std::unexpected<Error> Corrupt(std::string_view what) {
  return Fail(Code::kCorruption, "lexical segment: " + std::string(what));
}

std::uint64_t LoadU64(std::string_view bytes, std::size_t number) {
  std::uint64_t value;
  std::memcpy(&value, bytes.data() + number * sizeof(value), sizeof(value));
  return value;
}

}  // namespace

Result<std::shared_ptr<const Segment>> Segment::Open(std::string_view bytes,
                                                     std::shared_ptr<const void> owner,
                                                     Checksums checksums) {
  std::shared_ptr<Segment> segment(new Segment);
  segment->owner_ = std::move(owner);
  segment->file_bytes_ = bytes.size();
  STRATA_CHECK_OK(segment->ReadHeader(bytes, checksums));
  STRATA_CHECK_OK(segment->CheckDocuments());
  return std::shared_ptr<const Segment>(std::move(segment));
}

Result<void> Segment::ReadHeader(std::string_view bytes, Checksums checksums) {
  ByteReader reader(bytes);
  if (reader.Bytes(kSegmentMagic.size()) != kSegmentMagic) return Corrupt("not a segment file");
  auto version = reader.Integer<std::uint32_t>();
  auto header_crc = reader.Integer<std::uint32_t>();
  if (bytes.size() < kHeaderBytes) return Corrupt("the header is cut");
  if (version != kSegmentVersion) return Corrupt("version " + std::to_string(version));
  bool verify = checksums == Checksums::kVerify;
  if (verify && Crc32(bytes.substr(reader.at(), kHeaderBytes - reader.at())) != header_crc) {
    return Corrupt("the header's checksum is wrong");
  }
  documents_ = reader.Integer<std::uint32_t>();
  terms_count_ = reader.Integer<std::uint32_t>();
  title_weight_ = reader.Integer<std::uint32_t>();
  std::array<std::string_view*, kSections> sections = {&ids_, &lengths_, &postings_, &terms_,
                                                       &term_index_};
  for (std::string_view* section : sections) {
    auto offset = reader.Integer<std::uint64_t>();
    auto size = reader.Integer<std::uint64_t>();
    auto crc = reader.Integer<std::uint32_t>();
    if (offset > bytes.size() || size > bytes.size() - offset) return Corrupt("the file is cut");
    *section = bytes.substr(offset, size);
    if (verify && Crc32(*section) != crc) return Corrupt("a section's checksum is wrong");
  }
  return {};
}

Result<void> Segment::CheckDocuments() {
  std::size_t blocks = (std::size_t{terms_count_} + kTermsPerBlock - 1) / kTermsPerBlock;
  if (documents_ > kSegmentDocumentsMax || ids_.size() != documents_ * sizeof(std::uint64_t) ||
      lengths_.size() != documents_ || term_index_.size() != blocks * sizeof(std::uint64_t) ||
      postings_.size() < kUnpackSlack) {
    return Corrupt("the sizes of its sections do not fit");
  }
  for (std::uint32_t i = 1; i < documents_; ++i) {
    if (Id(i - 1) >= Id(i)) return Corrupt("document ids do not ascend");
  }
  for (char code : lengths_) length_ += DecodeLength(static_cast<std::uint8_t>(code));
  return {};
}

std::uint32_t Segment::LowerBound(std::uint64_t id) const {
  std::uint32_t low = 0;
  std::uint32_t high = documents_;
  // As ids ascend, the document is at this place or before it; without gaps, at it.
  if (documents_ > 0 && id > Id(0) && id - Id(0) < documents_) {
    const auto guess = static_cast<std::uint32_t>(id - Id(0));
    if (Id(guess) == id) return guess;
    high = guess;
  }
  while (low < high) {
    std::uint32_t middle = low + (high - low) / 2;
    if (Id(middle) < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<std::uint32_t> Segment::FindDocument(std::uint64_t id) const {
  const auto ordinal = LowerBound(id);
  if (ordinal == documents_ || Id(ordinal) != id) return std::nullopt;
  return ordinal;
}

std::uint64_t Segment::TermBlock(std::size_t block) const { return LoadU64(term_index_, block); }

Result<std::optional<TermEntry>> Segment::FindTerm(std::string_view word) const {
  // The last block whose first word is not after `word`.
  std::size_t low = 0;
  std::size_t high = term_blocks();
  while (low < high) {
    std::size_t middle = low + (high - low) / 2;
    TermWalk walk(*this, middle);
    if (!walk.Next()) return Corrupt("the dictionary is damaged");
    if (walk.word() <= word) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  TermWalk walk(*this, low - 1);
  for (std::uint32_t i = 0; i < kTermsPerBlock && walk.Next(); ++i) {
    if (walk.word() == word) return walk.entry();
    if (walk.word() > word) return std::nullopt;
  }
  if (walk.damaged()) return Corrupt("the dictionary is damaged");
  return std::nullopt;
}

Result<void> Segment::ReadPostings(const TermEntry& entry, std::vector<Posting>& out) const {
  PostingCursor cursor(entry.postings, entry.document_frequency, lengths_);
  std::uint32_t read = 0;
  for (; cursor.document() != kNoDocument; ++read) {
    out.push_back({.document = cursor.document(), .frequency = cursor.frequency()});
    cursor.Advance(cursor.document() + 1);
  }
  if (cursor.damaged() || read != entry.document_frequency) return Corrupt("a list is damaged");
  return {};
}

TermWalk::TermWalk(const Segment& segment, std::size_t first_block) : segment_(segment) {
  term_ = std::uint64_t{first_block} * kTermsPerBlock;
  if (first_block < segment.term_blocks()) at_ = segment.TermBlock(first_block);
}

bool TermWalk::Damaged() {
  damaged_ = true;
  return false;
}

bool TermWalk::Next() {
  if (damaged_ || term_ >= segment_.terms_count_) return false;
  if (at_ > segment_.terms_.size()) return Damaged();
  ByteReader reader(segment_.terms_.substr(at_));
  std::uint64_t shared = 0;
  if (term_ % kTermsPerBlock == 0) {
    postings_at_ = reader.Varint();
  } else {
    shared = reader.Varint();
  }
  std::uint64_t rest = reader.Varint();
  if (shared > word_.size() || rest > kWordBytesMax || shared + rest > kWordBytesMax) {
    return Damaged();
  }
  word_.resize(shared);
  word_ += reader.Bytes(rest);
  std::uint64_t frequency = reader.Varint();
  std::uint64_t size = reader.Varint();
  // The slack at the end of the section belongs to no list.
  std::uint64_t limit = segment_.postings_.size() - kUnpackSlack;
  if (!reader.ok() || frequency == 0 || frequency > segment_.documents_ || postings_at_ > limit ||
      size > limit - postings_at_) {
    return Damaged();
  }
  entry_ = {.document_frequency = static_cast<std::uint32_t>(frequency),
            .postings = segment_.postings_.substr(postings_at_, size)};
  postings_at_ += size;
  at_ += reader.at();
  term_ += 1;
  return true;
}

}  // namespace strata::knowledge::lexical
