#pragma once
// The names in a text, without any model: runs of capitalised words ("Luis Mandoki", "Treaty of
// Lisbon"), code identifiers ("parse_header", "std::vector", "setup.md") and web addresses; and the
// names that a document answers to: its title and its file name.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge::graph {

// Hash of a name's normal form: folded case and accents, letters and digits with single spaces
// between, no possessive 's. The two low bits are 0, for those who keep something beside it. Two
// names that share one are taken for the same; at 10^9 names that is expected to happen to less
// than one pair.
using NameId = std::uint64_t;
NameId NameIdOf(std::string_view normal_form);

// The normal form; "" when nothing is left.
std::string NormalName(std::string_view text);

struct TextNames {
  std::vector<NameId> names;  // ascending, each once
  // Ends of longer names, which count only where a document is called so: "Giles Alington" of "Sir
  // Giles Alington". Ascending, none that is in `names`.
  std::vector<NameId> parts;
};

// At most kNamesMax of each; the first in the text. O(text).
inline constexpr std::size_t kNamesMax = 256;
TextNames NamesIn(std::string_view text);

// The headings above a text ("a > b > c") are names in it too.
void AddHeadings(std::string_view path, TextNames& names);

// Names of a document: the title with and without what stands in parentheses at its end, and the
// last member of a path or address. Ascending, each once.
std::vector<NameId> NamesOfDocument(std::string_view title, std::string_view uri);

// One word of a question, for looking names up.
struct NameWord {
  std::string normal;        // may hold several pieces: "al mu tasim"
  bool capitalised = false;  // begins with an upper-case letter, or is an identifier
  bool digit = false;        // begins with a digit
  std::uint32_t begin = 0;   // bytes
  std::uint32_t end = 0;
};
std::vector<NameWord> NameWords(std::string_view text);

}  // namespace strata::knowledge::graph
