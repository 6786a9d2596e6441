#pragma once
// Passages that say nothing which a better one does not say word for word: copies, quotations and
// parts, whatever their case, punctuation and white space.
//
// Containment by shingles (Broder 1997, "On the resemblance and containment of documents") with a
// threshold of 1: texts that differ in one word may differ in the number or the "not" that was
// asked for, so they are no copies.

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace strata::knowledge {

// Hashes of all runs of kShingleWords words, each once, ascending; of a shorter text, of the whole.
inline constexpr std::size_t kShingleWords = 4;
std::vector<std::uint64_t> Shingles(std::string_view text);

// Not thread-safe.
class PassagesKept {
 public:
  // Whether one passage that was kept holds all of `shingles`. False for none.
  bool Holds(const std::vector<std::uint64_t>& shingles) const;
  void Keep(const std::vector<std::uint64_t>& shingles);

 private:
  std::uint32_t count_ = 0;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> passages_;  // by shingle, ascending
};

}  // namespace strata::knowledge
