#include "knowledge/graph/names.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/utf8.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge::graph {
namespace {

constexpr std::size_t kWordBytesMax = 256;
constexpr std::size_t kConnectorsMax = 2;  // in a row inside a name
constexpr std::size_t kSuffixesMax = 2;    // words that may be cut from a name's front
constexpr std::size_t kNameWordsMax = 12;
constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

// Small words that stand inside names.
constexpr auto kConnectors = std::to_array<std::string_view>(
    {"&",  "al",  "and", "bin", "da", "de", "del", "den", "der", "di",  "du",  "e",
     "el", "for", "ibn", "in",  "la", "le", "of",  "on",  "the", "van", "von", "y"});

bool IsConnector(std::string_view lower) { return std::ranges::binary_search(kConnectors, lower); }

struct CodePoint {
  UChar32 value = 0;
  std::size_t size = 1;
};

CodePoint At(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {.value = first, .size = 1};
  const auto size = Utf8SequenceSize(text, at);
  if (size == 0) return {.value = 0xFFFD, .size = 1};
  auto value = static_cast<UChar32>(first & (0xFF >> (size + 1)));
  for (std::size_t i = 1; i < size; ++i) {
    value = (value << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  }
  return {.value = value, .size = size};
}

bool IsWordCharacter(UChar32 c) {
  if (c < 0x80) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  constexpr std::uint32_t kMask = U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK;
  return (U_MASK(u_charType(c)) & kMask) != 0;
}

bool IsUpper(UChar32 c) { return c < 0x80 ? c >= 'A' && c <= 'Z' : (u_isupper(c) || u_istitle(c)); }

// What joins two word characters to one word: "R.G", "O'Hara", "Anne-Marie", "std::vector".
bool IsJoiner(UChar32 c) {
  return c == '.' || c == '\'' || c == '-' || c == ':' || c == 0x2019 || c == 0x2013;
}

struct Word {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool upper = false;       // its first letter
  bool digit = false;       // begins with one
  bool identifier = false;  // "parse_header", "std::vector", "setup.md", "parseHeader"
};

// Reads the word at `at`, which is on a word character.
Word ReadWord(std::string_view text, std::size_t at) {
  Word word{.begin = at};
  const auto first = At(text, at);
  word.upper = IsUpper(first.value);
  word.digit = first.value < 0x80 && first.value >= '0' && first.value <= '9';
  bool lower_before = false;
  while (at < text.size() && at - word.begin < kWordBytesMax) {
    auto c = At(text, at);
    if (IsWordCharacter(c.value)) {
      const bool upper = IsUpper(c.value);
      if (c.value == '_' || (upper && lower_before)) word.identifier = true;
      lower_before = c.value >= 'a' && c.value <= 'z';
      at += c.size;
      continue;
    }
    if (!IsJoiner(c.value)) break;
    auto next = at + c.size;
    if (c.value == ':') {  // only "::"
      if (next >= text.size() || text[next] != ':') break;
      ++next;
    }
    if (next >= text.size() || !IsWordCharacter(At(text, next).value)) break;
    // "setup.md" and "std::vector", but neither "U.S" nor "3.14" nor "said.He".
    const bool code_joiner = c.value == ':' || c.value == '.';
    if (code_joiner && lower_before && !IsUpper(At(text, next).value)) word.identifier = true;
    lower_before = false;
    at = next;
  }
  word.end = at;
  return word;
}

// Length of the address at `at`, 0 when there is none.
std::size_t AddressSize(std::string_view text, std::size_t at) {
  const auto rest = text.substr(at);
  if (!rest.starts_with(kHttp) && !rest.starts_with(kHttps)) return 0;
  auto size = rest.find_first_of(" \t\r\n\"'<>()[]{}|`");
  size = std::min(size == std::string_view::npos ? rest.size() : size, std::size_t{2048});
  while (size > 0 && std::string_view(".,;:!?").contains(rest[size - 1])) --size;
  return size;
}

bool IsAsciiLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void SortOnce(std::vector<NameId>& ids) {
  std::ranges::sort(ids);
  const auto [first, last] = std::ranges::unique(ids);
  ids.erase(first, last);
}

// A name being read, word by word.
class NameReader {
 public:
  NameReader(std::string_view text, TextNames& out) : text_(text), out_(out) {}

  void Read() {
    std::size_t at = 0;
    std::size_t gap = 0;
    while (at < text_.size()) {
      if (const auto address = text_[at] == 'h' ? AddressSize(text_, at) : 0; address > 0) {
        Flush();
        Add(NormalName(text_.substr(at, address)));
        at += address;
        gap = at;
        continue;
      }
      const auto c = At(text_, at);
      if (!IsWordCharacter(c.value)) {
        at += c.size;
        continue;
      }
      TakeGap(text_.substr(gap, at - gap));
      const auto word = ReadWord(text_, at);
      TakeWord(word);
      at = gap = word.end;
    }
    Flush();
    SortOnce(out_.names);
    SortOnce(out_.parts);
    std::erase_if(out_.parts,
                  [&](NameId id) { return std::ranges::binary_search(out_.names, id); });
  }

 private:
  std::string_view TextOf(const Word& word) const {
    return text_.substr(word.begin, word.end - word.begin);
  }

  // What stands between two words ends a name unless it is space, a quote or an initial's full
  // stop.
  void TakeGap(std::string_view gap) {
    bool breaks = false;
    bool only_stop = true;
    for (std::size_t i = 0; i < gap.size();) {
      const auto c = At(gap, i);
      i += c.size;
      if (c.value == ' ' || c.value == '\t' || u_isUWhiteSpace(c.value)) {
        // A blank line ends everything.
        if (c.value == '\n' && gap.substr(i).find('\n') != std::string_view::npos) sentence_ = true;
        continue;
      }
      if (c.value == '"' || c.value == 0x201C || c.value == 0x201D || c.value == '&') continue;
      if (c.value == '.' || c.value == '!' || c.value == '?' || c.value == ':' || c.value == ';') {
        sentence_ = true;
      }
      only_stop = only_stop && c.value == '.';
      breaks = true;
    }
    const bool initial =
        !words_.empty() && words_.back().end - words_.back().begin <= 2 && only_stop;
    if (breaks && initial) sentence_ = false;
    if ((breaks && !initial) || sentence_) Flush();
  }

  void TakeWord(const Word& word) {
    const auto text = TextOf(word);
    const bool begins_sentence = sentence_;
    sentence_ = false;
    // "Apollo 11", but not "Mandoki in 1987".
    const bool number = word.digit && !words_.empty() && pending_.empty();
    const bool named = word.upper || word.identifier || number;
    if (named && !(begins_sentence && !word.identifier && IsStop(text))) {
      for (const auto& pending : pending_) words_.push_back(pending);
      pending_.clear();
      words_.push_back(word);
      if (words_.size() == kNameWordsMax) Flush();
    } else if (!words_.empty() && pending_.size() < kConnectorsMax && IsConnector(text)) {
      pending_.push_back(word);
    } else {
      Flush();
    }
  }

  static bool IsStop(std::string_view word) {
    std::string lower(word);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return text::IsStopWord(lower);
  }

  void Flush() {
    if (!words_.empty()) {
      AddName(words_);
      // "Ann and Bob" may be one name or two.
      std::vector<Word> part;
      bool joined = false;
      for (const auto& word : words_) {
        const bool joins = TextOf(word) == "and" || TextOf(word) == "&";
        joined = joined || joins;
        if (!joins) {
          part.push_back(word);
          continue;
        }
        AddName(part);
        part.clear();
      }
      if (joined) AddName(part);
    }
    words_.clear();
    pending_.clear();
  }

  void AddName(const std::vector<Word>& words) {
    if (words.empty()) return;
    Add(Joined(words, 0));
    for (std::size_t from = 1; from <= kSuffixesMax && from + 1 < words.size(); ++from) {
      if (IsConnector(TextOf(words[from]))) continue;
      if (out_.parts.size() < kNamesMax) out_.parts.push_back(NameIdOf(Joined(words, from)));
    }
  }

  std::string Joined(const std::vector<Word>& words, std::size_t from) const {
    return NormalName(text_.substr(words[from].begin, words.back().end - words[from].begin));
  }

  void Add(const std::string& normal) {
    if (normal.size() < 2 || out_.names.size() >= kNamesMax) return;
    out_.names.push_back(NameIdOf(normal));
  }

  std::string_view text_;
  TextNames& out_;
  std::vector<Word> words_;
  std::vector<Word> pending_;  // connectors that belong to the name if it goes on
  bool sentence_ = true;
};

void AddOnce(std::vector<NameId>& ids, const std::string& normal) {
  if (normal.size() > 1) ids.push_back(NameIdOf(normal));
}

}  // namespace

NameId NameIdOf(std::string_view normal_form) {
  // FNV-1a, then the finalizer of splitmix64, as the low bits choose the place in tables.
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : normal_form) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
  return (hash ^ (hash >> 31)) & ~std::uint64_t{3};
}

std::string NormalName(std::string_view text) {
  for (const auto scheme : {kHttps, kHttp}) {
    if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  }
  const bool ascii = std::ranges::all_of(text, [](char c) { return c >= 0; });
  std::string folded(text);
  if (ascii) {
    for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  } else {
    folded = text::FoldAccents(text);
  }
  std::string out;
  for (std::size_t at = 0; at < folded.size();) {
    const auto c = At(folded, at);
    const bool apostrophe = c.value == '\'' || c.value == 0x2019;
    // The possessive: 's before something that is no letter.
    const auto after = at + c.size;
    if (apostrophe && after < folded.size() && folded[after] == 's' &&
        (after + 1 == folded.size() || !IsAsciiLetterOrDigit(folded[after + 1]))) {
      at = after + 1;
      continue;
    }
    if (c.value != '_' && IsWordCharacter(c.value)) {
      out.append(folded, at, c.size);
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
    at += c.size;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

TextNames NamesIn(std::string_view text) {
  TextNames out;
  NameReader(text, out).Read();
  return out;
}

void AddHeadings(std::string_view path, TextNames& names) {
  constexpr std::string_view kBetween = " > ";
  while (!path.empty()) {
    const auto end = path.find(kBetween);
    AddOnce(names.names, NormalName(path.substr(0, end)));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + kBetween.size());
  }
  SortOnce(names.names);
}

std::vector<NameId> NamesOfDocument(std::string_view title, std::string_view uri) {
  std::vector<NameId> ids;
  AddOnce(ids, NormalName(title));
  if (const auto open = title.rfind('('); open != std::string_view::npos && title.ends_with(')')) {
    AddOnce(ids, NormalName(title.substr(0, open)));
  }
  if (uri.find_first_of("./") != std::string_view::npos) {
    while (uri.ends_with('/')) uri.remove_suffix(1);
    const auto slash = uri.rfind('/');
    AddOnce(ids, NormalName(slash == std::string_view::npos ? uri : uri.substr(slash + 1)));
    if (uri.starts_with(kHttp) || uri.starts_with(kHttps)) AddOnce(ids, NormalName(uri));
  }
  SortOnce(ids);
  return ids;
}

std::vector<NameWord> NameWords(std::string_view text) {
  std::vector<NameWord> words;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = At(text, at);
    if (!IsWordCharacter(c.value)) {
      at += c.size;
      continue;
    }
    const auto word = ReadWord(text, at);
    words.push_back({.normal = NormalName(text.substr(word.begin, word.end - word.begin)),
                     .capitalised = word.upper || word.identifier,
                     .digit = word.digit,
                     .begin = static_cast<std::uint32_t>(word.begin),
                     .end = static_cast<std::uint32_t>(word.end)});
    at = word.end;
  }
  return words;
}

}  // namespace strata::knowledge::graph
