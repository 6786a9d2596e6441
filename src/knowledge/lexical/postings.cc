#include "knowledge/lexical/postings.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "knowledge/lexical/bytes.h"

namespace strata::knowledge::lexical {
namespace {

constexpr std::size_t kSkipBytes = 16;
constexpr std::uint32_t kFrequencyCap = 255;

std::uint32_t Capped(std::uint32_t frequency) { return std::min(frequency, kFrequencyCap); }

unsigned BitsFor(std::uint32_t largest) { return static_cast<unsigned>(std::bit_width(largest)); }

void AppendImpacts(const Impacts& impacts, std::string& out) {
  for (Impacts::Pair pair : impacts.pairs) {
    out += static_cast<char>(pair.frequency);
    out += static_cast<char>(pair.length_code);
  }
}

Impacts ReadImpacts(const char* bytes) {
  Impacts impacts;
  std::memcpy(impacts.pairs.data(), bytes, sizeof(impacts.pairs));
  return impacts;
}

void AppendBlock(std::span<const Posting> postings, std::uint32_t first_possible,
                 std::string& out) {
  std::array<std::uint32_t, kBlockPostings> gaps;
  std::array<std::uint32_t, kBlockPostings> frequencies;
  std::uint32_t largest_gap = 0;
  std::uint32_t largest_frequency = 0;
  for (std::size_t i = 0; i < postings.size(); ++i) {
    gaps[i] = postings[i].document - first_possible;
    first_possible = postings[i].document + 1;
    frequencies[i] = postings[i].frequency - 1;
    largest_gap = std::max(largest_gap, gaps[i]);
    largest_frequency = std::max(largest_frequency, frequencies[i]);
  }
  out += static_cast<char>(BitsFor(largest_gap));
  out += static_cast<char>(BitsFor(largest_frequency));
  PackBits(std::span(gaps).first(postings.size()), BitsFor(largest_gap), out);
  PackBits(std::span(frequencies).first(postings.size()), BitsFor(largest_frequency), out);
}

}  // namespace

std::uint32_t Impacts::Bound(const ScoreTable& scores) const {
  std::uint32_t bound = 0;
  for (Pair pair : pairs) {
    // A capped frequency may be any; the score's limit is the weight itself.
    std::uint32_t score =
        pair.frequency == kFrequencyCap
            ? static_cast<std::uint32_t>(scores.weight())
            : scores.ScoreOnce(std::max<std::uint32_t>(pair.frequency, 1), pair.length_code);
    bound = std::max(bound, score);
  }
  return bound;
}

Impacts MakeImpacts(std::span<const Posting> postings, std::string_view lengths) {
  // The shortest document for each frequency; then, from the highest frequency down, only the
  // shorter ones.
  std::array<std::uint16_t, kFrequencyCap + 1> shortest;
  shortest.fill(256);
  for (const Posting& posting : postings) {
    auto code = static_cast<std::uint8_t>(lengths[posting.document]);
    std::uint16_t& known = shortest[Capped(posting.frequency)];
    known = std::min<std::uint16_t>(known, code);
  }
  std::vector<Impacts::Pair> pairs;
  std::uint16_t shortest_so_far = 256;
  for (std::uint32_t frequency = kFrequencyCap; frequency > 0; --frequency) {
    if (shortest[frequency] >= shortest_so_far) continue;
    shortest_so_far = shortest[frequency];
    pairs.push_back({.frequency = static_cast<std::uint8_t>(frequency),
                     .length_code = static_cast<std::uint8_t>(shortest_so_far)});
  }
  // Too many: the neighbours that differ least become one that bounds both.
  while (pairs.size() > 4) {
    std::size_t best = 0;
    auto loss = [&](std::size_t i) {
      return (pairs[i].frequency - pairs[i + 1].frequency) * 4 +
             (pairs[i].length_code - pairs[i + 1].length_code);
    };
    for (std::size_t i = 1; i + 1 < pairs.size(); ++i) {
      if (loss(i) < loss(best)) best = i;
    }
    pairs[best].length_code = pairs[best + 1].length_code;
    pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  Impacts impacts;
  for (std::size_t i = 0; i < impacts.pairs.size() && !pairs.empty(); ++i) {
    impacts.pairs[i] = pairs[std::min(i, pairs.size() - 1)];
  }
  return impacts;
}

void AppendPostings(std::span<const Posting> postings, std::string_view lengths, std::string& out) {
  if (postings.size() <= kBlockPostings) {
    std::uint32_t first_possible = 0;
    for (const Posting& posting : postings) {
      AppendVarint(out, posting.document - first_possible);
      AppendVarint(out, posting.frequency - 1);
      first_possible = posting.document + 1;
    }
    return;
  }
  AppendImpacts(MakeImpacts(postings, lengths), out);
  std::string blocks;
  std::uint32_t first_possible = 0;
  for (std::size_t at = 0; at < postings.size(); at += kBlockPostings) {
    auto block = postings.subspan(at, std::min(kBlockPostings, postings.size() - at));
    AppendBlock(block, first_possible, blocks);
    first_possible = block.back().document + 1;
    AppendInteger(out, block.back().document);
    AppendInteger(out, static_cast<std::uint32_t>(blocks.size()));
    AppendImpacts(MakeImpacts(block, lengths), out);
  }
  out += blocks;
}

PostingCursor::PostingCursor(std::string_view bytes, std::uint32_t document_frequency,
                             std::string_view lengths, ScoreTable* scores)
    : bytes_(bytes), lengths_(lengths), scores_(scores), count_(document_frequency) {
  if (count_ == 0) {
    End(false);
  } else if (count_ <= kBlockPostings) {
    ReadShortList();
  } else {
    ReadHead();
  }
}

void PostingCursor::ReadHead() {
  blocks_ = (count_ + kBlockPostings - 1) / kBlockPostings;
  std::size_t head = sizeof(Impacts) + blocks_ * kSkipBytes;
  if (bytes_.size() < head) return End(true);
  if (scores_ != nullptr) bound_ = ReadImpacts(bytes_.data()).Bound(*scores_);
  skips_ = bytes_.substr(sizeof(Impacts), blocks_ * kSkipBytes);
  bytes_ = bytes_.substr(head);
  LoadBlock(0);
}

void PostingCursor::ReadShortList() {
  ByteReader reader(bytes_);
  std::uint64_t first_possible = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    std::uint64_t gap = reader.Varint();
    std::uint64_t frequency = reader.Varint();
    if (!reader.ok() || gap >= lengths_.size() || first_possible + gap >= lengths_.size() ||
        frequency >= kNoDocument) {
      return End(true);
    }
    documents_[i] = static_cast<std::uint32_t>(first_possible + gap);
    frequencies_[i] = static_cast<std::uint32_t>(frequency) + 1;
    first_possible = std::uint64_t{documents_[i]} + 1;
    if (scores_ == nullptr) continue;
    auto code = static_cast<std::uint8_t>(lengths_[documents_[i]]);
    bound_ = std::max(bound_, scores_->ScoreOnce(frequencies_[i], code));
  }
  frequencies_ready_ = true;
  in_block_ = count_;
  PadDocuments();
  document_ = documents_[0];
  block_bound_ = bound_;
  block_last_ = documents_[count_ - 1];
}

PostingCursor::Skip PostingCursor::SkipEntry(std::size_t block) const {
  const char* entry = skips_.data() + block * kSkipBytes;
  Skip skip;
  std::memcpy(&skip.last, entry, 4);
  std::memcpy(&skip.end, entry + 4, 4);
  skip.impacts = ReadImpacts(entry + 8);
  return skip;
}

void PostingCursor::End(bool damaged) {
  document_ = kNoDocument;
  block_bound_ = 0;
  block_last_ = kNoDocument;
  looked_ = true;
  looked_block_ = blocks_;
  damaged_ |= damaged;
}

void PostingCursor::LoadBlock(std::size_t block) {
  std::size_t begin = 0;
  std::uint32_t before = kNoDocument;  // the one after it is 0
  if (block > 0) {
    Skip skip = SkipEntry(block - 1);
    begin = skip.end;
    before = skip.last;
  }
  Skip skip = SkipEntry(block);
  if (skip.end > bytes_.size() || begin + 2 > skip.end || skip.last >= lengths_.size()) {
    return End(true);
  }
  block_ = block;
  in_block_ = std::min(kBlockPostings, count_ - block * kBlockPostings);
  at_ = 0;
  frequencies_ready_ = false;
  auto gap_bits = static_cast<std::uint8_t>(bytes_[begin]);
  auto frequency_bits = static_cast<std::uint8_t>(bytes_[begin + 1]);
  const std::size_t gap_bytes = PackedBytes(in_block_, gap_bits);
  std::size_t size = 2 + gap_bytes + PackedBytes(in_block_, frequency_bits);
  if (gap_bits > 32 || frequency_bits > 31 || begin + size != skip.end) return End(true);
  const char* gaps = bytes_.data() + begin + 2;
  const std::size_t readable = bytes_.size() - begin - 2 + kUnpackSlack;
  packed_frequencies_ = {.in = gaps + gap_bytes,
                         .bits = frequency_bits,
                         .count = in_block_,
                         .readable = readable - gap_bytes};
  const bool sure = BestBlockKernels().unpack_sums(
      {.in = gaps, .bits = gap_bits, .count = in_block_, .readable = readable}, before,
      documents_.data());
  // As nothing ran over, a right end means that all before it are below.
  if (!sure || documents_[in_block_ - 1] != skip.last) return End(true);
  PadDocuments();
  document_ = documents_[0];
}

void PostingCursor::PadDocuments() {
  std::fill(documents_.begin() + static_cast<std::ptrdiff_t>(in_block_), documents_.end(),
            kAboveOrdinals);
}

void PostingCursor::UnpackFrequencies() {
  if (frequencies_ready_) return;
  BestBlockKernels().unpack(packed_frequencies_, 1, frequencies_.data());
  frequencies_ready_ = true;
}

std::size_t PostingCursor::Find(std::uint32_t target) const {
  // Counting all is quicker than halving, whose branches are guessed wrong.
  return BestBlockKernels().count_below(documents_.data(), target);
}

void PostingCursor::Advance(std::uint32_t target) {
  if (document_ >= target) return;
  if (documents_[in_block_ - 1] < target) {
    if (blocks_ == 0) return End(false);
    std::size_t block = block_ + 1;
    if (looked_ && looked_block_ > block && block_last_ >= target &&
        SkipEntry(looked_block_ - 1).last < target) {
      block = looked_block_;  // LookAt has been here
    }
    while (block < blocks_ && SkipEntry(block).last < target) ++block;
    if (block == blocks_) return End(false);
    LoadBlock(block);
    if (document_ >= target) return;  // also at a damaged end
  }
  at_ = Find(target);
  document_ = documents_[at_];
}

void PostingCursor::AddScores(std::uint32_t base, std::uint32_t end, std::uint64_t least,
                              ScoreWindow& window) {
  while (document_ < end) {
    if (least > 0) {
      LookAt(document_);
      if (block_bound_ < least) {
        Advance(block_last_ < end ? block_last_ + 1 : end);
        continue;
      }
    }
    const std::size_t stop = documents_[in_block_ - 1] < end ? in_block_ : Find(end);
    UnpackFrequencies();
    for (std::size_t i = at_; i < stop; ++i) {
      window.Add(documents_[i] - base, ScoreOf(documents_[i], frequencies_[i]));
    }
    if (stop < in_block_) {
      at_ = stop;
      document_ = documents_[stop];
    } else if (block_ + 1 < blocks_) {
      LoadBlock(block_ + 1);
    } else {
      End(false);
    }
  }
}

void PostingCursor::LookAhead(std::uint32_t target) {
  if (document_ == kNoDocument) return;
  if (blocks_ == 0) {
    if (target > block_last_) {
      block_bound_ = 0;
      block_last_ = kNoDocument;
    }
    return;
  }
  std::size_t block = looked_ ? std::max(looked_block_, block_) : block_;
  while (block < blocks_ && SkipEntry(block).last < target) ++block;
  looked_ = true;
  looked_block_ = block;
  if (block == blocks_) {
    block_bound_ = 0;
    block_last_ = kNoDocument;
    return;
  }
  Skip skip = SkipEntry(block);
  block_last_ = skip.last;
  block_bound_ = skip.impacts.Bound(*scores_);
}

PostingCursor::Range PostingCursor::LookAtRange(std::uint32_t first, std::uint32_t end) {
  // A list with more blocks in a window is of a frequent word, which weighs little anyway.
  constexpr std::size_t kBlocksMax = 4;
  LookAt(first);
  Range range{.bound = block_bound_, .last = block_last_};
  for (std::size_t block = looked_block_ + 1; range.last < end - 1; ++block) {
    if (block >= blocks_) return {.bound = range.bound, .last = kNoDocument};
    if (block == looked_block_ + kBlocksMax) return {.bound = bound_, .last = kNoDocument};
    Skip skip = SkipEntry(block);
    range.bound = std::max(range.bound, skip.impacts.Bound(*scores_));
    range.last = skip.last;
  }
  return range;
}

}  // namespace strata::knowledge::lexical
