#include "guard/word_policy.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "base/format_message.h"
#include "base/utf8.h"
#include "text/normalize.h"

namespace strata::guard {
namespace {

constexpr std::size_t kWordsMax = 10'000;
constexpr std::size_t kWordBytesMax = 200;
// Spaces, punctuation and invisible characters within one finding, in bytes, for each word of it.
constexpr std::size_t kGapBytesMax = 16;
// A character before and one behind, which decide where a word ends.
constexpr std::size_t kEdgeBytes = 8;
// Code points from here on stand for words without spaces between them (CJK and what follows).
constexpr std::uint32_t kUnspacedFrom = 0x2E80;

// One folded character and the bytes of the text that it comes from.
struct Glyph {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool unspaced = false;
};

// A text as it is compared: words in folded form, one space between them.
struct Folded {
  std::string bytes;
  std::vector<Glyph> glyphs;  // one for each of `bytes`
};

bool IsPunctuation(std::uint32_t c) {
  return (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x303F) || c == 0xA0 || c == 0xAB ||
         c == 0xBB || (c >= 0xFF01 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20);
}

class Folder {
 public:
  explicit Folder(std::string_view text) : text_(text) {}

  Folded Run() {
    for (std::size_t at = 0; at < text_.size();) {
      const auto size = std::max<std::size_t>(Utf8SequenceSize(text_, at), 1);
      Take(at, size);
      at += size;
    }
    return std::move(out_);
  }

 private:
  void Take(std::size_t at, std::size_t size) {
    const auto c = static_cast<unsigned char>(text_[at]);
    if (size == 1) {
      const bool upper = c >= 'A' && c <= 'Z';
      const bool word = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      word ? Add(static_cast<char>(upper ? c + 32 : c), at, 1, false) : Space(at);
      return;
    }
    const auto code = CodePointAt(at, size);
    // Invisible ones fold to nothing and part no words.
    const auto folded = text::FoldAccents(text_.substr(at, size));
    if (folded.empty()) return;
    if (IsPunctuation(code) || folded == " ") return Space(at);
    const bool unspaced = code >= kUnspacedFrom && static_cast<unsigned char>(folded[0]) >= 0x80;
    for (char byte : folded) Add(byte, at, size, unspaced);
  }

  std::uint32_t CodePointAt(std::size_t at, std::size_t size) const {
    auto code = static_cast<std::uint32_t>(static_cast<unsigned char>(text_[at])) & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
      code = code << 6 | (static_cast<unsigned char>(text_[at + i]) & 0x3Fu);
    }
    return code;
  }

  void Space(std::size_t at) {
    if (out_.bytes.empty() || out_.bytes.back() == ' ') return;
    Add(' ', at, 1, false);
  }

  void Add(char byte, std::size_t at, std::size_t size, bool unspaced) {
    out_.bytes += byte;
    out_.glyphs.push_back({.begin = static_cast<std::uint32_t>(at),
                           .end = static_cast<std::uint32_t>(at + size),
                           .unspaced = unspaced});
  }

  std::string_view text_;
  Folded out_;
};

std::string FoldWord(std::string_view word) {
  auto folded = Folder(word).Run().bytes;
  while (folded.ends_with(' ')) folded.pop_back();
  return folded;
}

std::size_t ReachOf(std::string_view folded) {
  const auto words = 1 + std::ranges::count(folded, ' ');
  // Folding makes a character at most three times shorter.
  return 3 * folded.size() + kGapBytesMax * static_cast<std::size_t>(words) + kEdgeBytes;
}

class WordPolicy final : public Policy {
 public:
  WordPolicy(WordPolicySpec spec, std::unordered_set<std::string> words) : spec_(std::move(spec)) {
    for (const auto& word : words) {
      reach_ = std::max(reach_, ReachOf(word));
      lengths_.insert(word.size());
    }
    words_ = std::move(words);
  }

  const std::string& name() const override { return spec_.name; }
  bool Judges(Side side) const override {
    return side == Side::kInput ? spec_.input : spec_.output;
  }
  bool MayMask(Side side) const override { return spec_.action == Action::kMask && Judges(side); }
  std::size_t reach() const override { return reach_; }

  Task<Result<std::vector<Finding>>> Judge(std::string_view text, Side,
                                           RequestContext&) const override {
    co_return Find(text);
  }

 private:
  std::vector<Finding> Find(std::string_view text) const {
    const auto folded = Folder(text).Run();
    std::vector<Finding> findings;
    for (std::size_t at = 0; at < folded.bytes.size();) {
      const auto length = BeginsAt(folded, at) ? LongestAt(folded, at) : 0;
      if (length == 0) {
        ++at;
        continue;
      }
      findings.push_back({.start = folded.glyphs[at].begin,
                          .end = folded.glyphs[at + length - 1].end,
                          .action = spec_.action,
                          .mask = spec_.mask});
      at += length;
    }
    return findings;
  }

  static bool BeginsAt(const Folded& folded, std::size_t at) {
    if (folded.bytes[at] == ' ') return false;
    if (at == 0 || folded.bytes[at - 1] == ' ') return true;
    const auto& glyph = folded.glyphs[at];
    const bool starts = folded.glyphs[at - 1].begin != glyph.begin;
    return starts && (glyph.unspaced || folded.glyphs[at - 1].unspaced);
  }

  static bool EndsAt(const Folded& folded, std::size_t at) {
    if (at == folded.bytes.size() || folded.bytes[at] == ' ') return true;
    const auto& last = folded.glyphs[at - 1];
    const bool ends = folded.glyphs[at].begin != last.begin;
    return ends && (last.unspaced || folded.glyphs[at].unspaced);
  }

  // A phrase that is torn too far apart is none; a shorter one that begins with it may be.
  std::size_t LongestAt(const Folded& folded, std::size_t at) const {
    for (auto length = lengths_.rbegin(); length != lengths_.rend(); ++length) {
      if (*length > folded.bytes.size() - at || !EndsAt(folded, at + *length)) continue;
      const auto bytes = folded.glyphs[at + *length - 1].end - folded.glyphs[at].begin;
      if (bytes + kEdgeBytes > reach_) continue;
      if (words_.contains(folded.bytes.substr(at, *length))) return *length;
    }
    return 0;
  }

  WordPolicySpec spec_;
  std::unordered_set<std::string> words_;
  std::set<std::size_t> lengths_;
  std::size_t reach_ = 0;
};

}  // namespace

Result<std::shared_ptr<const Policy>> MakeWordPolicy(WordPolicySpec spec) {
  if (spec.name.empty()) return Fail(InvalidArgument("name", "is missing"));
  if (spec.name.find_first_of(",=") != std::string::npos) {
    return Fail(InvalidArgument("name", "expected one without , and ="));
  }
  if (spec.words.empty()) return Fail(InvalidArgument("words", "expected at least one"));
  if (!spec.input && !spec.output) {
    return Fail(InvalidArgument("on", "expected input, output or both"));
  }
  if (spec.words.size() > kWordsMax) {
    return Fail(InvalidArgument("words", FormatMessage("expected at most {}", kWordsMax)));
  }
  std::unordered_set<std::string> words;
  for (const auto& word : spec.words) {
    auto folded = FoldWord(word);
    if (folded.empty() || word.size() > kWordBytesMax) {
      return Fail(InvalidArgument(
          "words", FormatMessage("'{}': expected letters or digits, at most {} bytes",
                                 Utf8Prefix(word, kWordBytesMax), kWordBytesMax)));
    }
    words.insert(std::move(folded));
  }
  return std::make_shared<const WordPolicy>(std::move(spec), std::move(words));
}

}  // namespace strata::guard
