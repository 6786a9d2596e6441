#include "text/sentences.h"

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "text/abbreviations.h"
#include "text/normalize.h"
#include "text/search_words.h"
#include "text/text_blocks.h"

namespace strata::text {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";
constexpr std::size_t kAbbreviationBytesMax = 32;
constexpr std::size_t kLanguagesMax = 16;  // iterators a thread keeps

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsLower(c) || IsUpper(c); }

// Iterators are slow to make and not thread-safe, so that each thread keeps its own.
icu::BreakIterator& IteratorFor(std::string_view language) {
  thread_local std::map<std::string, std::unique_ptr<icu::BreakIterator>, std::less<>> kept;
  if (auto found = kept.find(language); found != kept.end()) return *found->second;
  if (kept.size() >= kLanguagesMax) kept.clear();
  std::string name(language.empty() ? "en" : language);
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> made(
      icu::BreakIterator::createSentenceInstance(icu::Locale(name.c_str()), status));
  STRATA_FATAL(U_SUCCESS(status) && made != nullptr, "ICU has no sentence rules");
  return *(kept[std::string(language)] = std::move(made));
}

// Where ICU would cut `text`, in bytes, the end included.
std::vector<std::size_t> IcuBoundaries(std::string_view text, std::string_view language) {
  UErrorCode status = U_ZERO_ERROR;
  UText utext = UTEXT_INITIALIZER;
  utext_openUTF8(&utext, text.data(), static_cast<std::int64_t>(text.size()), &status);
  icu::BreakIterator& iterator = IteratorFor(language);
  iterator.setText(&utext, status);
  STRATA_CHECK(U_SUCCESS(status), "ICU could not read the text");
  std::vector<std::size_t> ends;
  iterator.first();
  for (std::int32_t at = iterator.next(); at != icu::BreakIterator::DONE; at = iterator.next()) {
    ends.push_back(static_cast<std::size_t>(at));
  }
  // The iterator keeps a copy of the handle; it reads nothing before the next setText.
  utext_close(&utext);
  return ends;
}

std::string_view Trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::string_view LastToken(std::string_view text) {
  std::size_t space = text.find_last_of(kSpace);
  return space == std::string_view::npos ? text : text.substr(space + 1);
}

std::string_view FirstWord(std::string_view text) {
  std::size_t begin = std::min(text.find_first_not_of("\"'([{*_"), text.size());
  std::size_t end = begin;
  while (end < text.size() && IsLetter(text[end])) ++end;
  return text.substr(begin, end - begin);
}

// "1.", "(a)", "iv)": numbers the text that follows.
bool IsListMark(std::string_view text) {
  if (text.starts_with('(')) text.remove_prefix(1);
  if (text.size() < 2 || (text.back() != '.' && text.back() != ')')) return false;
  text.remove_suffix(1);
  bool number = text.size() <= 3 && std::ranges::all_of(text, IsDigit);
  bool letter = text.size() == 1 && IsLetter(text[0]);
  bool roman = text.size() <= 5 && text.find_first_not_of("ivxIVX") == std::string_view::npos;
  return number || letter || roman;
}

// "J." before a surname: not when the next word is one that begins sentences, and not the unit
// behind a number ("5,000 K.", "230 V.").
bool IsInitial(std::string_view token, std::string_view before, std::string_view next) {
  std::size_t at = token.find_first_not_of("(\"'");
  if (at == std::string_view::npos || token.size() - at != 2 || !IsUpper(token[at])) return false;
  std::string_view word = FirstWord(next);
  if (word.empty() || !IsUpper(word[0])) return false;
  const auto previous = LastToken(Trimmed(before));
  if (!previous.empty() && IsDigit(previous.back())) return false;
  if (token[at] == 'I') {  // the pronoun, unless among other initials
    return previous.size() == 2 && IsUpper(previous[0]) && previous[1] == '.';
  }
  return word.size() == 1 || !IsStopWord(FoldCase(word));
}

bool EndsWithAny(std::string_view text, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return text.ends_with(end); });
}

// Whether the text goes on over a boundary that ICU sees between `sentence` (trimmed, from its own
// beginning) and `next`.
bool GoesOn(std::string_view sentence, std::string_view next, std::string_view language) {
  if (IsListMark(sentence)) return true;
  bool lower = IsLower(next[0]);
  if (EndsWithAny(sentence, {"!", "?", "!\"", "?\"", "!\u201D", "?\u201D", "...", "\u2026"})) {
    return lower;
  }
  if (!sentence.ends_with('.')) return false;
  std::string_view token = LastToken(sentence);
  if (token.size() > kAbbreviationBytesMax) return lower;
  if (IsInitial(token, sentence.substr(0, sentence.size() - token.size()), next)) return true;
  std::size_t begin = std::min(token.find_first_not_of("(\"'["), token.size() - 1);
  std::string word = FoldCase(token.substr(begin, token.size() - begin - 1));
  switch (FindAbbreviation(word, language)) {
    case Abbreviation::kBeforeAny:
      return true;
    case Abbreviation::kBeforeNumber:
      return IsDigit(next[0]) || next[0] == '(' || next[0] == '[';
    case Abbreviation::kNone:
      return lower;
  }
  return false;
}

void AddTrimmed(std::string_view text, std::size_t begin, std::size_t end,
                std::vector<TextSpan>& out) {
  std::string_view piece = Trimmed(text.substr(begin, end - begin));
  if (piece.empty()) return;
  auto at = static_cast<std::size_t>(piece.data() - text.data());
  out.push_back({.begin = at, .end = at + piece.size()});
}

// `block`: one paragraph, which begins at byte `offset` of `text`.
void SplitProse(std::string_view text, const TextBlock& block, std::string_view language,
                std::vector<TextSpan>& out) {
  // A wrapped line is a space to ICU, which would end the sentence there. Same length, so that
  // offsets hold.
  std::string line(text.substr(block.begin, block.end - block.begin));
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  std::size_t begin = 0;
  for (std::size_t end : IcuBoundaries(line, language)) {
    std::string_view sentence = Trimmed(std::string_view(line).substr(begin, end - begin));
    std::string_view next = std::string_view(line).substr(end);
    next = Trimmed(next.substr(0, 256));
    if (!sentence.empty() && !next.empty() && GoesOn(sentence, next, language)) continue;
    AddTrimmed(text, block.begin + begin, block.begin + end, out);
    begin = end;
  }
  AddTrimmed(text, block.begin + begin, block.end, out);
}

}  // namespace

std::vector<TextSpan> SplitSentences(std::string_view text, std::string_view language) {
  // ICU counts in 32 bits; a block of this size is no prose.
  constexpr std::size_t kProseBytesMax = std::size_t{1} << 26;
  std::vector<TextSpan> out;
  for (const TextBlock& block : SplitBlocks(text)) {
    if (block.prose && block.end - block.begin <= kProseBytesMax) {
      SplitProse(text, block, language, out);
    } else {
      AddTrimmed(text, block.begin, block.end, out);
    }
  }
  return out;
}

}  // namespace strata::text
