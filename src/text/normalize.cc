#include "text/normalize.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/utf8.h"

namespace strata::text {
namespace {

using Maker = const icu::Normalizer2* (*)(UErrorCode&);

const icu::Normalizer2& Get(Maker make) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* instance = make(status);
  STRATA_FATAL(U_SUCCESS(status), "ICU has no normalization data");
  return *instance;
}

std::string Apply(Maker make, std::string_view text) {
  std::string valid;
  if (!IsValidUtf8(text)) text = valid = ReplaceInvalidUtf8(text);
  std::string out;
  out.reserve(text.size());
  icu::StringByteSink<std::string> sink(&out);
  UErrorCode status = U_ZERO_ERROR;
  icu::StringPiece piece(text.data(), static_cast<std::int32_t>(text.size()));
  Get(make).normalizeUTF8(0, piece, sink, nullptr, status);
  STRATA_CHECK(U_SUCCESS(status), "ICU could not normalize");
  return out;
}

// ICU counts in 32 bits; longer texts are cut into parts at an ASCII byte, where all normal forms
// may be cut.
std::string ApplyInParts(Maker make, std::string_view text) {
  constexpr std::size_t kPartBytes = std::size_t{1} << 28;
  std::string out;
  while (text.size() > kPartBytes) {
    std::size_t cut = kPartBytes;
    while (cut > 1 && static_cast<unsigned char>(text[cut]) >= 0x80) --cut;
    out += Apply(make, text.substr(0, cut));
    text.remove_prefix(cut);
  }
  return out.empty() ? Apply(make, text) : out + Apply(make, text);
}

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Marks that spellings leave out at will. Others (Indic vowels, the voiced mark of kana) are
// letters in all but name.
bool IsAccent(std::string_view text, std::size_t at, std::size_t size) {
  if (size == 2) {
    auto code_point = ((static_cast<unsigned char>(text[at]) & 0x1F) << 6) |
                      (static_cast<unsigned char>(text[at + 1]) & 0x3F);
    struct Range {
      int first, last;
    };
    // Latin and Greek, Cyrillic, Hebrew points, Arabic vowels.
    constexpr std::array kRanges = {Range{0x300, 0x36F}, Range{0x483, 0x487}, Range{0x591, 0x5BD},
                                    Range{0x5BF, 0x5C7}, Range{0x610, 0x61A}, Range{0x64B, 0x65F},
                                    Range{0x670, 0x670}};
    return std::ranges::any_of(kRanges, [&](const Range& range) {
      return code_point >= range.first && code_point <= range.last;
    });
  }
  return false;
}

std::string AsciiLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

}  // namespace

std::string Nfc(std::string_view text) {
  if (IsAscii(text)) return std::string(text);
  return ApplyInParts(icu::Normalizer2::getNFCInstance, text);
}

std::string FoldCase(std::string_view text) {
  if (IsAscii(text)) return AsciiLower(text);
  return ApplyInParts(icu::Normalizer2::getNFKCCasefoldInstance, text);
}

std::string FoldAccents(std::string_view text) {
  if (IsAscii(text)) return AsciiLower(text);
  std::string apart = ApplyInParts(icu::Normalizer2::getNFDInstance, FoldCase(text));
  std::string kept;
  kept.reserve(apart.size());
  for (std::size_t at = 0; at < apart.size();) {
    std::size_t size = Utf8SequenceSize(apart, at);
    if (!IsAccent(apart, at, size)) kept.append(apart, at, size);
    at += size;
  }
  return Nfc(kept);
}

std::string CollapseSpace(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool pending = false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = std::max<std::size_t>(Utf8SequenceSize(text, at), 1);
    std::string_view character = text.substr(at, size);
    bool space = static_cast<unsigned char>(text[at]) <= 0x20 || text[at] == 0x7F ||
                 character == "\u00A0" || character == "\u2028" || character == "\u2029" ||
                 character == "\u3000" || (character >= "\u2000" && character <= "\u200A");
    if (!space) {
      if (pending && !out.empty()) out += ' ';
      out += character;
    }
    pending = space;
    at += size;
  }
  return out;
}

}  // namespace strata::text
