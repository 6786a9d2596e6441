#include "knowledge/graph/names_segment.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/encoding.h"

namespace strata::knowledge::graph {
namespace {

static_assert(std::endian::native == std::endian::little, "the files are little-endian");

constexpr std::string_view kMagic = "STRATNAM";
constexpr std::size_t kFooterBytes = 7 * 4 + kMagic.size();
constexpr std::size_t kPassageBytes = 16;
constexpr std::size_t kNameBytes = 12;
constexpr std::size_t kBufferBytes = 1 << 18;

template <class T>
T Read(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

std::unexpected<Error> Corrupt(const char* what) {
  return Fail(Code::kCorruption, std::string("a names segment ") + what);
}

// The first of `size` ascending values that is not below `value`, looked for from `guess` on: in
// the time that the guess is wrong by, and in O(log size) whatever it is.
template <class At>
std::uint32_t LowerBoundNear(std::uint32_t guess, std::uint32_t size, std::uint64_t value,
                             const At& at) {
  std::uint32_t low = 0;
  std::uint32_t high = size;
  if (guess < size && at(guess) < value) {
    low = guess + 1;
    for (std::uint32_t step = 1; step < high - low; step *= 2) {
      if (at(low + step - 1) >= value) {
        high = low + step - 1;
        break;
      }
      low += step;
    }
  } else {
    high = std::min(guess, size);
    for (std::uint32_t step = 1; step < high - low; step *= 2) {
      if (at(high - step) < value) {
        low = high - step + 1;
        break;
      }
      high -= step;
    }
  }
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (at(middle) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

Result<std::shared_ptr<const NamesSegment>> NamesSegment::Open(std::string_view bytes,
                                                               std::shared_ptr<const void> owner) {
  std::shared_ptr<NamesSegment> segment(new NamesSegment());
  segment->bytes_ = bytes;
  segment->owner_ = std::move(owner);
  STRATA_CHECK_OK(segment->ReadFooter());
  for (std::uint32_t i = 1; i < segment->passages_; ++i) {
    if (segment->Passage(i - 1) >= segment->Passage(i)) {
      return Corrupt("has its passages in no order");
    }
  }
  return segment;
}

Result<> NamesSegment::ReadFooter() {
  if (bytes_.size() < kFooterBytes) return Corrupt("is cut short");
  const auto at = bytes_.size() - kFooterBytes;
  const auto footer = bytes_.substr(at);
  if (!footer.ends_with(kMagic)) return Corrupt("has another form");
  if (Read<std::uint32_t>(footer, 20) != kNamesVersion) return Corrupt("has another version");
  if (Read<std::uint32_t>(footer, 24) != Crc32(footer.substr(0, 24))) {
    return Corrupt("has another checksum");
  }
  passages_ = Read<std::uint32_t>(footer, 0);
  names_ = Read<std::uint32_t>(footer, 4);
  passage_mentions_ = Read<std::uint32_t>(footer, 8);
  name_mentions_ = Read<std::uint32_t>(footer, 12);
  passage_mentions_at_ = std::size_t{passages_} * kPassageBytes;
  names_at_ = passage_mentions_at_ + std::size_t{passage_mentions_} * sizeof(std::uint64_t);
  name_mentions_at_ = names_at_ + std::size_t{names_} * kNameBytes;
  if (passages_ > kSegmentPassagesMax ||
      name_mentions_at_ + std::size_t{name_mentions_} * sizeof(std::uint32_t) != at) {
    return Corrupt("has another length than it says");
  }
  if (Read<std::uint32_t>(footer, 16) != Crc32(bytes_.substr(0, at))) {
    return Corrupt("has another checksum");
  }
  return {};
}

std::uint64_t NamesSegment::Passage(std::uint32_t ordinal) const {
  return Read<std::uint64_t>(bytes_, ordinal * kPassageBytes);
}

std::uint32_t NamesSegment::Fingerprint(std::uint32_t ordinal) const {
  return Read<std::uint32_t>(bytes_, ordinal * kPassageBytes + 8);
}

std::optional<std::uint32_t> NamesSegment::FindPassage(std::uint64_t passage) const {
  if (passages_ == 0 || passage < Passage(0) || passage > Passage(passages_ - 1)) {
    return std::nullopt;
  }
  // Rows are handed out one after the other; some are gone.
  const auto guess = std::min<std::uint64_t>(passage - Passage(0), passages_);
  const auto at = LowerBoundNear(static_cast<std::uint32_t>(guess), passages_, passage,
                                 [this](std::uint32_t i) { return Passage(i); });
  if (at == passages_ || Passage(at) != passage) return std::nullopt;
  return at;
}

NameId NamesSegment::Name(std::uint32_t place) const {
  return Read<std::uint64_t>(bytes_, names_at_ + place * kNameBytes);
}

std::optional<std::uint32_t> NamesSegment::FindName(NameId name) const {
  // They are hashes, evenly spread.
  const auto guess = std::ldexp(static_cast<double>(name), -64) * names_;
  const auto at = LowerBoundNear(static_cast<std::uint32_t>(guess), names_, name,
                                 [this](std::uint32_t i) { return Name(i); });
  if (at == names_ || Name(at) != name) return std::nullopt;
  return at;
}

NamesSegment::Range NamesSegment::MentionsOfPassage(std::uint32_t ordinal) const {
  const auto end_of = [this](std::uint32_t i) {
    return Read<std::uint32_t>(bytes_, i * kPassageBytes + 12);
  };
  const auto end = std::min(end_of(ordinal), passage_mentions_);
  return {.begin = ordinal == 0 ? 0 : std::min(end_of(ordinal - 1), end), .end = end};
}

std::uint64_t NamesSegment::PassageMention(std::uint32_t at) const {
  return Read<std::uint64_t>(bytes_, passage_mentions_at_ + at * sizeof(std::uint64_t));
}

NamesSegment::Range NamesSegment::MentionsOfName(std::uint32_t place) const {
  const auto end_of = [this](std::uint32_t i) {
    return Read<std::uint32_t>(bytes_, names_at_ + i * kNameBytes + 8);
  };
  const auto end = std::min(end_of(place), name_mentions_);
  return {.begin = place == 0 ? 0 : std::min(end_of(place - 1), end), .end = end};
}

NamesSegment::NameMention NamesSegment::MentionOfName(std::uint32_t at) const {
  const auto mention = Read<std::uint32_t>(bytes_, name_mentions_at_ + at * sizeof(std::uint32_t));
  return {.ordinal = mention >> 2, .hold = HoldOfMention(mention)};
}

template <class T>
void NamesSegmentWriter::Add(T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  buffer_.append(bytes, sizeof(T));
  if (buffer_.size() >= kBufferBytes) Flush();
}
template void NamesSegmentWriter::Add(std::uint32_t);
template void NamesSegmentWriter::Add(std::uint64_t);

void NamesSegmentWriter::Flush() {
  crc_ = Crc32(buffer_, crc_);
  if (result_.has_value()) result_ = sink_(buffer_);
  buffer_.clear();
}

void NamesSegmentWriter::Count(std::uint64_t& sum, std::uint32_t more) {
  sum += more;
  if (sum > std::numeric_limits<std::uint32_t>::max() && result_.has_value()) {
    result_ = Fail(Code::kTooLarge, "a names segment would hold too many mentions");
  }
  Add(static_cast<std::uint32_t>(sum));
}

void NamesSegmentWriter::Passage(std::uint64_t passage, std::uint32_t fingerprint,
                                 std::uint32_t mentions) {
  ++passages_;
  Add(passage);
  Add(fingerprint);
  Count(passage_mentions_, mentions);
}

void NamesSegmentWriter::Name(NameId name, std::uint32_t mentions) {
  ++names_;
  Add(name);
  Count(name_mentions_, mentions);
}

Result<> NamesSegmentWriter::Finish() {
  Flush();
  const auto body = crc_;
  Add(passages_);
  Add(names_);
  Add(static_cast<std::uint32_t>(passage_mentions_));
  Add(static_cast<std::uint32_t>(name_mentions_));
  Add(body);
  Add(kNamesVersion);
  Add(Crc32(buffer_));
  buffer_ += kMagic;
  Flush();
  return result_;
}

}  // namespace strata::knowledge::graph
