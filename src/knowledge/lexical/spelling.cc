#include "knowledge/lexical/spelling.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "knowledge/lexical/segment_header.h"

namespace strata::knowledge::lexical {
namespace {

// Of those that have trigrams in common with a word, the ones looked at more closely.
constexpr std::size_t kExaminedMax = 400;
// An edit changes three trigrams of a word, a swap of neighbours four.
constexpr int kTrigramsAnEdit = 4;
constexpr std::size_t kFrequencies = 256;
constexpr std::size_t kLetters = 27;  // a to z, and the end of a word on either side
constexpr std::size_t kTrigrams = kLetters * kLetters * kLetters;

std::unexpected<Error> Damaged() {
  return Fail(Code::kCorruption, "lexical segment: the dictionary is damaged");
}

std::size_t CodeOf(std::string_view word, std::size_t at) {
  return at == 0 || at > word.size() ? 0 : static_cast<std::size_t>(word[at - 1] - 'a') + 1;
}

// The different trigrams of a plain word, its ends included: as many as it has letters, or fewer.
class Trigrams {
 public:
  explicit Trigrams(std::string_view word) {
    for (std::size_t at = 0; at < word.size(); ++at) {
      const auto code =
          (CodeOf(word, at) * kLetters + CodeOf(word, at + 1)) * kLetters + CodeOf(word, at + 2);
      codes_[count_++] = static_cast<std::uint16_t>(code);
    }
    std::sort(codes_.begin(), codes_.begin() + count_);
    const auto end = std::unique(codes_.begin(), codes_.begin() + count_);
    count_ = end - codes_.begin();
  }
  const std::uint16_t* begin() const { return codes_.data(); }
  const std::uint16_t* end() const { return codes_.data() + count_; }
  int count() const { return static_cast<int>(count_); }

 private:
  std::array<std::uint16_t, kSpellingLettersMax> codes_ = {};
  std::ptrdiff_t count_ = 0;
};

// Grows with the frequency: exact below 128, then by powers of two.
std::size_t FrequencyClass(const TermEntry& entry) {
  const std::uint32_t frequency = entry.document_frequency;
  return frequency < 128 ? frequency : 128 + static_cast<std::size_t>(std::bit_width(frequency));
}

// The least frequency that leaves at most `words_max` words. kCorruption.
Result<std::size_t> LeastFrequency(const Segment& segment, std::size_t words_max) {
  std::array<std::size_t, kFrequencies> words = {};
  TermWalk walk(segment);
  while (walk.Next()) {
    if (IsPlainWord(walk.word())) ++words[FrequencyClass(walk.entry())];
  }
  if (walk.damaged()) return Damaged();
  std::size_t least = kFrequencies;
  for (std::size_t sum = 0; least > 1; --least) {
    sum += words[least - 1];
    if (sum > words_max) break;
  }
  return least;
}

}  // namespace

bool IsPlainWord(std::string_view word) {
  return word.size() >= kSpellingLettersMin && word.size() <= kSpellingLettersMax &&
         std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
}

int EditsBetween(std::string_view a, std::string_view b) {
  using Row = std::array<int, kSpellingLettersMax + 1>;
  Row before = {};
  Row last = {};
  Row row = {};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

Result<SpellingIndex> SpellingIndex::Build(const Segment& segment, std::size_t words_max) {
  STRATA_TRY(const auto least, LeastFrequency(segment, words_max));
  SpellingIndex index;
  std::vector<std::uint32_t> sizes(kTrigrams, 0);
  std::uint32_t number = 0;
  for (TermWalk walk(segment); walk.Next(); ++number) {
    if (!IsPlainWord(walk.word()) || FrequencyClass(walk.entry()) < least) continue;
    index.terms_.push_back(number);
    index.letters_[static_cast<std::size_t>(walk.word().front() - 'a') + 1] += 1;
    for (const auto code : Trigrams(walk.word())) ++sizes[code];
  }
  for (std::size_t letter = 1; letter < index.letters_.size(); ++letter) {
    index.letters_[letter] += index.letters_[letter - 1];
  }
  std::vector<std::uint32_t> at(kTrigrams, 0);  // where the next word of a trigram goes
  std::uint32_t sum = 0;
  for (std::size_t code = 0; code < kTrigrams; ++code) {
    if (sizes[code] == 0) continue;
    index.keys_.push_back(static_cast<std::uint16_t>(code));
    index.begins_.push_back(sum);
    at[code] = sum;
    sum += sizes[code];
  }
  index.begins_.push_back(sum);
  index.lists_.resize(sum);
  number = 0;
  std::uint32_t place = 0;
  TermWalk walk(segment);
  for (; walk.Next() && place < index.terms_.size(); ++number) {
    if (number != index.terms_[place]) continue;
    for (const auto code : Trigrams(walk.word())) index.lists_[at[code]++] = place;
    ++place;
  }
  if (walk.damaged()) return Damaged();
  return index;
}

Result<> SpellingIndex::FindNear(const Segment& segment, std::string_view word, int edits,
                                 std::vector<std::string>& out) const {
  const auto letter = static_cast<std::size_t>(word.front() - 'a');
  const auto first = letters_[letter];
  const auto last = letters_[letter + 1];
  std::vector<std::uint8_t> common(last - first, 0);
  const Trigrams trigrams(word);
  for (const auto code : trigrams) {
    const auto key = std::ranges::lower_bound(keys_, code);
    if (key == keys_.end() || *key != code) continue;
    const auto list = static_cast<std::size_t>(key - keys_.begin());
    const auto* end = lists_.data() + begins_[list + 1];
    for (const auto* at = std::lower_bound(lists_.data() + begins_[list], end, first);
         at != end && *at < last; ++at) {
      ++common[*at - first];
    }
  }
  const int least = std::max(1, trigrams.count() - kTrigramsAnEdit * edits);
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < common.size(); ++i) {
    if (common[i] >= least) places.push_back(i);
  }
  if (places.size() > kExaminedMax) {
    const auto middle = places.begin() + static_cast<std::ptrdiff_t>(kExaminedMax);
    std::ranges::nth_element(places, middle, [&](std::uint32_t a, std::uint32_t b) {
      return common[a] != common[b] ? common[a] > common[b] : a < b;
    });
    places.erase(middle, places.end());
  }
  for (const auto place : places) {
    const auto number = terms_[first + place];
    TermWalk walk(segment, number / kTermsPerBlock);
    bool there = true;
    for (std::uint32_t i = 0; there && i <= number % kTermsPerBlock; ++i) there = walk.Next();
    if (!there) return Damaged();
    const auto& near = walk.word();
    const auto longer = std::max(near.size(), word.size()) - std::min(near.size(), word.size());
    if (!IsPlainWord(near) || longer > static_cast<std::size_t>(edits)) continue;
    if (EditsBetween(word, near) <= edits) out.push_back(near);
  }
  return {};
}

std::size_t SpellingIndex::memory_bytes() const {
  return (terms_.capacity() + begins_.capacity() + lists_.capacity()) * sizeof(std::uint32_t) +
         keys_.capacity() * sizeof(std::uint16_t) + sizeof(*this);
}

}  // namespace strata::knowledge::lexical
