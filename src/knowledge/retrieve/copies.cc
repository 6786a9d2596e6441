#include "knowledge/retrieve/copies.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/encoding.h"

namespace strata::knowledge {
namespace {

// Letters, digits and whatever is not ASCII, in lower case; 0 between words.
char WordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  const bool part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || byte >= 0x80;
  return part ? c : '\0';
}

}  // namespace

std::vector<std::uint64_t> Shingles(std::string_view text) {
  std::string words;
  std::vector<std::size_t> begins;  // of each word
  bool inside = false;
  for (const char c : text) {
    const char byte = WordByte(c);
    if (byte != '\0' && !inside) begins.push_back(words.size());
    if (byte != '\0') words += byte;
    if (byte == '\0' && inside) words += ' ';
    inside = byte != '\0';
  }
  if (!inside && !words.empty()) words.pop_back();
  std::vector<std::uint64_t> out;
  if (begins.empty()) return out;
  for (std::size_t i = 0; i == 0 || i + kShingleWords <= begins.size(); ++i) {
    const auto after = i + kShingleWords;
    const auto end = after < begins.size() ? begins[after] - 1 : words.size();
    out.push_back(Hash64(std::string_view(words).substr(begins[i], end - begins[i])));
  }
  std::ranges::sort(out);
  const auto rest = std::ranges::unique(out);
  out.erase(rest.begin(), rest.end());
  return out;
}

bool PassagesKept::Holds(const std::vector<std::uint64_t>& shingles) const {
  if (shingles.empty()) return false;
  std::vector<std::uint32_t> left;
  std::vector<std::uint32_t> both;
  bool first = true;
  for (const auto shingle : shingles) {
    const auto found = passages_.find(shingle);
    if (found == passages_.end()) return false;
    if (first) {
      left = found->second;
      first = false;
      continue;
    }
    both.clear();
    std::ranges::set_intersection(left, found->second, std::back_inserter(both));
    if (both.empty()) return false;
    left.swap(both);
  }
  return true;
}

void PassagesKept::Keep(const std::vector<std::uint64_t>& shingles) {
  for (const auto shingle : shingles) passages_[shingle].push_back(count_);
  ++count_;
}

}  // namespace strata::knowledge
