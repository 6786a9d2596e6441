#include "knowledge/lexical/index_buffer.h"

#include <algorithm>
#include <utility>

#include "knowledge/lexical/segment.h"
#include "text/dates.h"

namespace strata::knowledge::lexical {
namespace {

// Keeps frequencies, with the weight of titles, within 32 bits.
constexpr std::size_t kTextBytesMax = std::size_t{128} << 20;
constexpr std::size_t kWordOverhead = 96;      // of a hash node with its string and vector
constexpr std::size_t kDocumentOverhead = 80;  // of a Document and its hash node

}  // namespace

Result<void> IndexBuffer::Check(const LexicalDocument& document) {
  std::size_t bytes = document.title.size() + document.body.size();
  if (bytes <= kTextBytesMax) return {};
  return Fail(Code::kTooLarge, "a chunk of " + std::to_string(bytes) +
                                   " bytes; the lexical index takes " +
                                   std::to_string(kTextBytesMax));
}

void IndexBuffer::Put(const LexicalDocument& document) {
  Remove(document.id);
  auto number = static_cast<std::uint32_t>(documents_.size());
  std::uint64_t words = 0;
  auto add = [&](std::string_view text, std::uint32_t times) {
    words_.ForEach(text, [&](const text::SearchWord& word) {
      AddWord(word.word, number, times);
      words += times;
    });
    // They make no text longer: where there are no dates, scores are what they were without them.
    text::ForEachDate(text, [&](const text::FoundDate& date) {
      if (date.day > 0) AddWord(DayWord(date), number, times);
      AddWord(MonthWord(date), number, times);
    });
  };
  add(document.title, title_weight_);
  add(document.body, 1);
  documents_.push_back({.id = document.id, .words = words});
  by_id_[document.id] = number;
  memory_bytes_ += kDocumentOverhead;
}

void IndexBuffer::AddWord(std::string_view word, std::uint32_t document, std::uint32_t times) {
  auto found = postings_.find(word);
  if (found == postings_.end()) {
    found = postings_.emplace(std::string(word), std::vector<Posting>()).first;
    memory_bytes_ += kWordOverhead + word.size();
  }
  std::vector<Posting>& postings = found->second;
  if (!postings.empty() && postings.back().document == document) {
    postings.back().frequency += times;
  } else {
    postings.push_back({.document = document, .frequency = times});
    memory_bytes_ += sizeof(Posting);
  }
}

bool IndexBuffer::Remove(std::uint64_t id) {
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return false;
  documents_[found->second].live = false;
  by_id_.erase(found);
  return true;
}

void IndexBuffer::Clear() {
  documents_.clear();
  by_id_.clear();
  postings_.clear();
  memory_bytes_ = 0;
}

std::string IndexBuffer::MakeSegment() const {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order(by_id_.begin(), by_id_.end());
  std::ranges::sort(order);
  std::vector<std::uint64_t> ids;
  std::string lengths;
  std::vector<std::uint32_t> ordinals(documents_.size(), kNoDocument);
  for (auto [id, number] : order) {
    ordinals[number] = static_cast<std::uint32_t>(ids.size());
    ids.push_back(id);
    lengths += static_cast<char>(EncodeLength(documents_[number].words));
  }
  SegmentWriter writer(std::move(ids), std::move(lengths), title_weight_);
  std::vector<std::string_view> words;
  for (const auto& [word, postings] : postings_) words.push_back(word);
  std::ranges::sort(words);
  std::vector<Posting> renumbered;
  for (std::string_view word : words) {
    renumbered.clear();
    for (Posting posting : postings_.find(word)->second) {
      posting.document = ordinals[posting.document];
      if (posting.document != kNoDocument) renumbered.push_back(posting);
    }
    if (renumbered.empty()) continue;
    std::ranges::sort(renumbered, {}, &Posting::document);
    writer.AddTerm(word, renumbered);
  }
  return writer.Finish();
}

}  // namespace strata::knowledge::lexical
