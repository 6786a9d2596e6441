#include <array>
#include <cstring>

#include "base/check.h"
#include "base/encoding.h"
#include "knowledge/lexical/bytes.h"
#include "knowledge/lexical/segment.h"
#include "knowledge/lexical/segment_header.h"

namespace strata::knowledge::lexical {

SegmentWriter::SegmentWriter(std::vector<std::uint64_t> ids, std::string lengths,
                             std::uint32_t title_weight)
    : ids_(std::move(ids)), lengths_(std::move(lengths)), title_weight_(title_weight) {
  STRATA_FATAL(ids_.size() == lengths_.size() && ids_.size() <= kSegmentDocumentsMax,
               "a segment needs one length a document, for 2^26 documents at most");
}

void SegmentWriter::AddTerm(std::string_view word, std::span<const Posting> postings) {
  bool first = term_count_ % kTermsPerBlock == 0;
  STRATA_FATAL(term_count_ == 0 || last_word_ < word, "words of a segment must ascend");
  if (first) {
    term_index_.push_back(terms_.size());
    AppendVarint(terms_, postings_.size());
    AppendVarint(terms_, word.size());
    terms_ += word;
  } else {
    std::size_t shared = 0;
    while (shared < word.size() && shared < last_word_.size() &&
           word[shared] == last_word_[shared]) {
      ++shared;
    }
    AppendVarint(terms_, shared);
    AppendVarint(terms_, word.size() - shared);
    terms_ += word.substr(shared);
  }
  std::size_t before = postings_.size();
  AppendPostings(postings, lengths_, postings_);
  AppendVarint(terms_, postings.size());
  AppendVarint(terms_, postings_.size() - before);
  last_word_ = word;
  term_count_ += 1;
}

std::string SegmentWriter::Finish() {
  postings_.append(kUnpackSlack, '\0');
  auto as_bytes = [](const std::vector<std::uint64_t>& values) {
    return std::string_view(reinterpret_cast<const char*>(values.data()),
                            values.size() * sizeof(std::uint64_t));
  };
  std::array<std::string_view, kSections> sections = {as_bytes(ids_), lengths_, postings_, terms_,
                                                      as_bytes(term_index_)};
  std::string head;
  AppendInteger(head, static_cast<std::uint32_t>(ids_.size()));
  AppendInteger(head, term_count_);
  AppendInteger(head, title_weight_);
  std::uint64_t offset = kHeaderBytes;
  for (std::string_view section : sections) {
    AppendInteger(head, offset);
    AppendInteger(head, std::uint64_t{section.size()});
    AppendInteger(head, Crc32(section));
    offset += section.size();
  }
  std::string out(kSegmentMagic);
  AppendInteger(out, kSegmentVersion);
  AppendInteger(out, Crc32(head));
  out += head;
  STRATA_FATAL(out.size() == kHeaderBytes, "the segment header has another size");
  out.reserve(offset);
  for (std::string_view section : sections) out += section;
  return out;
}

}  // namespace strata::knowledge::lexical
