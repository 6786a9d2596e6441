#include "text/bert_characters.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"

namespace strata::text {
namespace {

const icu::Normalizer2& Decomposer() {
  static const icu::Normalizer2* const instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* found = icu::Normalizer2::getNFDInstance(status);
    STRATA_FATAL(U_SUCCESS(status), "ICU has no normalization data");
    return found;
  }();
  return *instance;
}

// Hugging Face's tables of categories are those of Unicode 8; characters that came later have none
// and count as letters.
std::int8_t Category(char32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] > 8 ? U_UNASSIGNED : u_charType(static_cast<UChar32>(c));
}

// Rust's char::is_whitespace, which Hugging Face uses, is the property White_Space.
bool IsSpace(char32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || c == ' ' ||
         (c >= 0x80 && u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_WHITE_SPACE));
}

bool IsControl(char32_t c) {
  int type = Category(c);
  return type == U_CONTROL_CHAR || type == U_FORMAT_CHAR || type == U_PRIVATE_USE_CHAR ||
         type == U_SURROGATE;
}

bool IsPunctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
           (c >= 123 && c <= 126);
  }
  return (U_MASK(Category(c)) & U_GC_P_MASK) != 0;
}

// The blocks that BERT calls Chinese characters; kana and hangul are not among them.
bool IsIdeograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

}  // namespace

BertCharacter MakeBertCharacter(char32_t code_point) {
  BertCharacter out;
  bool kept_control = code_point == '\t' || code_point == '\n' || code_point == '\r';
  if (code_point == 0 || code_point == 0xFFFD || (!kept_control && IsControl(code_point))) {
    return out;
  }
  if (IsSpace(code_point)) {
    out.kind = BertKind::kSpace;
    return out;
  }
  icu::UnicodeString parts;
  if (Decomposer().getDecomposition(static_cast<UChar32>(code_point), parts) == 0) {
    parts = icu::UnicodeString(static_cast<UChar32>(code_point));
  }
  std::string utf8;
  for (std::int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    UChar32 part = parts.char32At(i);
    if (Category(static_cast<char32_t>(part)) == U_NON_SPACING_MARK) {
      if (utf8.empty()) out.kind = BertKind::kMark;
      continue;
    }
    part = u_tolower(part);
    bool alone = IsIdeograph(code_point) || IsPunctuation(static_cast<char32_t>(part));
    out.kind = alone ? BertKind::kAlone : BertKind::kWord;
    AppendUtf8(utf8, static_cast<char32_t>(part));
    out.code_points += 1;
  }
  STRATA_CHECK(utf8.size() <= out.utf8.size(), "a decomposition is longer than Unicode allows");
  out.size = static_cast<std::uint8_t>(utf8.copy(out.utf8.data(), out.utf8.size()));
  return out;
}

const BertCharacter* BertTable() {
  static const std::vector<BertCharacter> table = [] {
    std::vector<BertCharacter> made(kBertTableSize);
    for (char32_t c = 0; c < kBertTableSize; ++c) made[c] = MakeBertCharacter(c);
    return made;
  }();
  return table.data();
}

}  // namespace strata::text
