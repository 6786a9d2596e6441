#include "text/search_words.h"

#include <libstemmer.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "text/normalize.h"

namespace strata::text {
namespace {

constexpr std::size_t kWordBytesMax = 64;
constexpr std::size_t kRawBytesMax = 256;  // of a run before folding; the rest is ignored
constexpr std::size_t kCacheEntriesMax = 1 << 16;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return IsLower(c) || IsUpper(c); }

enum class CharClass : std::uint8_t {
  kBreak,
  kWord,      // letters, digits, marks, underscores
  kUnspaced,  // letters of scripts that put no spaces between words
};

bool IsUnspaced(UChar32 c) {
  if (c >= 0xAC00 && c <= 0xD7A3) return true;  // hangul syllables
  if (u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC)) return true;
  if ((c >= 0x3040 && c <= 0x30FF) || (c >= 0x31F0 && c <= 0x31FF) ||
      (c >= 0xFF66 && c <= 0xFF9F)) {
    return true;  // kana
  }
  return u_getIntPropertyValue(c, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT;  // Thai and the like
}

CharClass Classify(UChar32 c) {
  constexpr std::uint32_t kWordMask = U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK | U_GC_CF_MASK;
  if ((U_MASK(u_charType(c)) & kWordMask) == 0) return CharClass::kBreak;
  return IsUnspaced(c) ? CharClass::kUnspaced : CharClass::kWord;
}

struct Character {
  CharClass kind = CharClass::kBreak;
  std::size_t size = 1;
};

Character At(std::string_view text, std::size_t at) {
  char c = text[at];
  if (static_cast<unsigned char>(c) < 0x80) {
    bool word = IsLetter(c) || IsDigit(c) || c == '_';
    return {.kind = word ? CharClass::kWord : CharClass::kBreak, .size = 1};
  }
  std::size_t size = Utf8SequenceSize(text, at);
  if (size == 0) return {};
  auto code_point = static_cast<UChar32>(static_cast<unsigned char>(c) & (0xFF >> (size + 1)));
  for (std::size_t i = 1; i < size; ++i) {
    code_point = (code_point << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  }
  return {.kind = Classify(code_point), .size = size};
}

// Whether the punctuation at `at` joins what stands around it: "3.14", "1,000", "don't".
bool Joins(std::string_view text, std::size_t at) {
  if (at == 0 || at + 1 >= text.size()) return false;
  char before = text[at - 1];
  char after = text[at + 1];
  switch (text[at]) {
    case '.':
    case ',':
      return IsDigit(before) && IsDigit(after);
    case '\'':
      return IsLetter(before) && IsLetter(after);
    case '\xE2': {  // U+2019, the apostrophe of typeset text
      bool quote = text.substr(at).starts_with("\u2019");
      return quote && IsLetter(before) && at + 3 < text.size() && IsLetter(text[at + 3]);
    }
    default:
      return false;
  }
}

// End of the word run at `at`.
std::size_t RunEnd(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    Character character = At(text, at);
    if (character.kind == CharClass::kWord) {
      at += character.size;
    } else if (character.kind == CharClass::kBreak && Joins(text, at)) {
      at += text[at] == '\xE2' ? 3 : 1;
    } else {
      break;
    }
  }
  return at;
}

// Parts of an ASCII identifier: cut at underscores and where camel case turns. Empty when it is not
// one.
std::vector<std::string_view> IdentifierParts(std::string_view run) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  auto cut = [&](std::size_t end) {
    if (end > begin) parts.push_back(run.substr(begin, end - begin));
    begin = end;
  };
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (run[i] == '_') {
      cut(i);
      begin = i + 1;
    } else if (i > begin && IsUpper(run[i])) {
      bool after_lower = IsLower(run[i - 1]) || IsDigit(run[i - 1]);
      bool last_of_capitals = IsUpper(run[i - 1]) && i + 1 < run.size() && IsLower(run[i + 1]);
      if (after_lower || last_of_capitals) cut(i);
    }
  }
  cut(run.size());
  if (parts.size() == 1 && parts[0].size() == run.size()) parts.clear();
  return parts;
}

bool IsNumber(std::string_view run) {
  return std::ranges::all_of(run, [](char c) { return IsDigit(c) || c == '.' || c == ','; });
}

// "1,000" → "1000"; a comma that does not set thousands apart stays ("1,5").
std::string WithoutThousands(std::string_view number) {
  std::string out;
  for (std::size_t i = 0; i < number.size(); ++i) {
    std::size_t digits = 0;
    while (i + 1 + digits < number.size() && IsDigit(number[i + 1 + digits])) ++digits;
    if (number[i] != ',' || digits != 3) out += number[i];
  }
  return out;
}

}  // namespace

class SearchWordMaker::Impl {
 public:
  Impl() : stemmer_(sb_stemmer_new("english", "UTF_8")) {
    STRATA_FATAL(stemmer_ != nullptr, "libstemmer has no English stemmer");
  }
  ~Impl() { sb_stemmer_delete(stemmer_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // The words of one run: the run itself, then the parts of an identifier. Valid until the next
  // call.
  const std::vector<std::string>& WordsOfRun(std::string_view run) {
    run = Utf8Prefix(run, kRawBytesMax);
    if (auto found = cache_.find(run); found != cache_.end()) return found->second;
    if (cache_.size() >= kCacheEntriesMax) cache_.clear();
    return cache_.emplace(std::string(run), Make(run)).first->second;
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::vector<std::string> Make(std::string_view run) {
    std::vector<std::string> words;
    if (IsNumber(run)) {
      words.push_back(WithoutThousands(run));
    } else {
      Add(run, words);
      for (std::string_view part : IdentifierParts(run)) {
        if (part.size() > 1) Add(part, words);
      }
    }
    for (std::string& word : words) word.resize(Utf8Prefix(word, kWordBytesMax).size());
    return words;
  }

  void Add(std::string_view part, std::vector<std::string>& words) {
    std::string folded = FoldAccents(part);
    for (std::size_t at; (at = folded.find("\u2019")) != std::string::npos;) {
      folded.replace(at, 3, "'");
    }
    bool english = std::ranges::all_of(folded, [](char c) { return IsLower(c) || c == '\''; });
    if (english) {
      auto* bytes = reinterpret_cast<const sb_symbol*>(folded.data());
      const sb_symbol* stem = sb_stemmer_stem(stemmer_, bytes, static_cast<int>(folded.size()));
      STRATA_FATAL(stem != nullptr, "out of memory");
      folded.assign(reinterpret_cast<const char*>(stem),
                    static_cast<std::size_t>(sb_stemmer_length(stemmer_)));
    }
    bool new_one = !folded.empty() && std::ranges::find(words, folded) == words.end();
    bool has_content = folded.find_first_not_of('_') != std::string::npos;
    if (new_one && has_content) words.push_back(std::move(folded));
  }

  sb_stemmer* stemmer_;
  std::unordered_map<std::string, std::vector<std::string>, Hash, std::equal_to<>> cache_;
};

SearchWordMaker::SearchWordMaker() : impl_(std::make_unique<Impl>()) {}
SearchWordMaker::~SearchWordMaker() = default;

namespace {

// Overlapping pairs of the characters of [at, end); returns the number of positions used.
std::uint32_t TakePairs(std::string_view text, std::size_t at, std::size_t end,
                        std::uint32_t position,
                        const std::function<void(const SearchWord&)>& take) {
  std::size_t first = at;
  std::size_t second = at + At(text, at).size;
  std::uint32_t count = 0;
  do {
    std::size_t stop = second < end ? second + At(text, second).size : end;
    std::string pair = FoldAccents(text.substr(first, stop - first));
    if (!pair.empty()) {
      take({.word = Utf8Prefix(pair, kWordBytesMax),
            .begin = static_cast<std::uint32_t>(first),
            .end = static_cast<std::uint32_t>(stop),
            .position = position + count});
      ++count;
    }
    first = second;
    second = stop;
  } while (second < end);
  return count;
}

}  // namespace

void SearchWordMaker::ForEach(std::string_view text,
                              const std::function<void(const SearchWord&)>& take) {
  std::uint32_t position = 0;
  for (std::size_t at = 0; at < text.size();) {
    Character character = At(text, at);
    if (character.kind == CharClass::kBreak) {
      at += character.size;
    } else if (character.kind == CharClass::kUnspaced) {
      std::size_t end = at + character.size;
      for (; end < text.size(); end += character.size) {
        character = At(text, end);
        if (character.kind != CharClass::kUnspaced) break;
      }
      position += TakePairs(text, at, end, position, take);
      at = end;
    } else {
      std::size_t end = RunEnd(text, at);
      const auto& words = impl_->WordsOfRun(text.substr(at, end - at));
      for (const std::string& word : words) {
        take({.word = word,
              .begin = static_cast<std::uint32_t>(at),
              .end = static_cast<std::uint32_t>(end),
              .position = position});
      }
      position += words.empty() ? 0 : 1;
      at = end;
    }
  }
}

std::vector<std::string> SearchWordMaker::Words(std::string_view text) {
  std::vector<std::string> words;
  ForEach(text, [&](const SearchWord& word) { words.emplace_back(word.word); });
  return words;
}

}  // namespace strata::text
