#include "net/http.h"

#include <cstring>

#include "base/encoding.h"

namespace strata::net {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Each of eight bytes as Lower makes it.
std::uint64_t Lower8(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  const auto low7 = bytes & ~kHigh;
  const auto from_a = low7 + kOnes * (0x80 - 'A');    // high bit: 'A' or behind
  const auto behind_z = low7 + kOnes * (0x7f - 'Z');  // high bit: behind 'Z'
  const auto upper = (from_a ^ behind_z) & ~bytes & kHigh;
  return bytes | upper >> 2;
}

std::uint64_t Load8(const char* at) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof(bytes));
  return bytes;
}

std::optional<std::string> DecodeFormText(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return PercentDecode(spaced);
}

}  // namespace

// Names of eight bytes and more are compared by words, the last of which may overlap.
bool SameHeader(std::string_view a, std::string_view b) {
  constexpr std::size_t kWord = 8;
  if (a.size() != b.size()) return false;
  if (a.size() < kWord) {
    return std::equal(a.begin(), a.end(), b.begin(),
                      [](char x, char y) { return x == y || Lower(x) == Lower(y); });
  }
  const auto last = a.size() - kWord;
  for (std::size_t at = 0;; at = std::min(at + kWord, last)) {
    const auto x = Load8(a.data() + at);
    const auto y = Load8(b.data() + at);
    if (x != y && Lower8(x) != Lower8(y)) return false;
    if (at == last) return true;
  }
}

void Headers::Set(std::string_view name, std::string value) {
  Remove(name);
  fields_.emplace_back(std::string(name), std::move(value));
}

void Headers::Remove(std::string_view name) {
  std::erase_if(fields_, [&](const auto& field) { return SameHeader(field.first, name); });
}

std::string_view Headers::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (SameHeader(key, name)) return value;
  }
  return {};
}

bool Headers::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [&](const auto& field) { return SameHeader(field.first, name); });
}

std::optional<std::string> QueryParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto end = query.find('&');
    auto pair = query.substr(0, end);
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
    auto equals = pair.find('=');
    if (DecodeFormText(pair.substr(0, equals)) != name) continue;
    return DecodeFormText(equals == pair.npos ? std::string_view() : pair.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace strata::net
