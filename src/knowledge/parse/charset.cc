#include "knowledge/parse/charset.h"

#include <fmt/format.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include <algorithm>
#include <memory>

#include "base/utf8.h"

namespace strata::knowledge {
namespace {

// The detector is asked about a prefix: its cost grows with the text, its certainty hardly does.
constexpr std::size_t kDetectBytes = 64 << 10;
constexpr int kConfidenceMin = 25;  // of 100; below it single-byte guesses are noise
constexpr std::size_t kTextPerControl = 50;

struct Mark {
  std::string_view bytes;
  std::string_view charset;
};
constexpr Mark kMarks[] = {
    {"\xEF\xBB\xBF", "UTF-8"},
    {std::string_view("\xFF\xFE\x00\x00", 4), "UTF-32LE"},
    {std::string_view("\x00\x00\xFE\xFF", 4), "UTF-32BE"},
    {"\xFF\xFE", "UTF-16LE"},
    {"\xFE\xFF", "UTF-16BE"},
};

std::string Detect(std::string_view bytes) {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<UCharsetDetector, decltype(&ucsdet_close)> detector(ucsdet_open(&status),
                                                                      &ucsdet_close);
  if (U_FAILURE(status)) return "windows-1252";
  ucsdet_setText(detector.get(), bytes.data(), static_cast<int32_t>(bytes.size()), &status);
  const UCharsetMatch* match = ucsdet_detect(detector.get(), &status);
  if (U_FAILURE(status) || match == nullptr) return "windows-1252";
  const int32_t confidence = ucsdet_getConfidence(match, &status);
  const char* name = ucsdet_getName(match, &status);
  if (U_FAILURE(status) || name == nullptr || confidence < kConfidenceMin) return "windows-1252";
  const std::string_view found(name);
  // The web's reading of the label: windows-1252 is a superset in all printable characters. Without
  // a mark, UTF-16 is what GuessUtf16 says and nothing else: the detector takes words between zero
  // bytes for Chinese.
  if (found == "ISO-8859-1" || found.starts_with("UTF-16") || found.starts_with("UTF-32")) {
    return "windows-1252";
  }
  return std::string(found);
}

// UTF-16 without a mark: text of mostly Latin letters has zero bytes at every other place.
std::string_view GuessUtf16(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 4096);
  std::size_t zeros[2] = {0, 0};
  for (std::size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == '\0' ? 1 : 0;
  const std::size_t half = head.size() / 2;
  if (half < 4) return "";
  if (zeros[1] * 10 > half * 6 && zeros[0] * 10 < half) return "UTF-16LE";
  if (zeros[0] * 10 > half * 6 && zeros[1] * 10 < half) return "UTF-16BE";
  return "";
}

Result<std::string> Convert(std::string_view bytes, const std::string& charset,
                            std::size_t bytes_max) {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<UConverter, decltype(&ucnv_close)> from(ucnv_open(charset.c_str(), &status),
                                                          &ucnv_close);
  std::unique_ptr<UConverter, decltype(&ucnv_close)> to(ucnv_open("UTF-8", &status), &ucnv_close);
  if (U_FAILURE(status)) return Fail(Code::kUnsupported, fmt::format("charset \"{}\"", charset));
  std::string out;
  std::string piece(64 << 10, '\0');
  UChar pivot[4096];
  UChar* pivot_source = pivot;
  UChar* pivot_target = pivot;
  const char* source = bytes.data();
  const char* source_end = bytes.data() + bytes.size();
  bool first = true;
  do {
    char* target = piece.data();
    status = U_ZERO_ERROR;
    ucnv_convertEx(to.get(), from.get(), &target, piece.data() + piece.size(), &source, source_end,
                   pivot, &pivot_source, &pivot_target, pivot + 4096, first, true, &status);
    first = false;
    out.append(piece.data(), static_cast<std::size_t>(target - piece.data()));
    if (out.size() > bytes_max) {
      return Fail(Code::kTooLarge,
                  fmt::format("more than {} bytes of text (kb.parse.text_bytes_max)", bytes_max));
    }
  } while (status == U_BUFFER_OVERFLOW_ERROR);
  if (U_FAILURE(status)) return Fail(Code::kInvalidArgument, fmt::format("not {} text", charset));
  return out;
}

bool HoldsZero(std::string_view bytes) {
  return bytes.substr(0, 4096).find('\0') != std::string_view::npos;
}

bool IsKnownCharset(const std::string& name) {
  UErrorCode status = U_ZERO_ERROR;
  const char* known = ucnv_getAlias(name.c_str(), 0, &status);
  return U_SUCCESS(status) && known != nullptr;
}

std::string ChooseCharset(std::string_view bytes, std::string_view hint) {
  if (const auto utf16 = GuessUtf16(bytes); !utf16.empty()) return std::string(utf16);
  const std::string named(hint.substr(0, 60));
  // Bytes that are not UTF-8 although the hint says so: the hint is wrong.
  const bool says_utf8 = named.size() >= 4 && (named[0] == 'u' || named[0] == 'U');
  if (!named.empty() && !says_utf8 && IsKnownCharset(named)) return named;
  return Detect(bytes.substr(0, kDetectBytes));
}

struct Encoding {
  std::string charset;
  std::size_t mark = 0;  // bytes of the byte order mark
  bool valid = false;    // UTF-8 without a malformed byte
};

Encoding EncodingOf(std::string_view bytes, std::string_view hint) {
  for (const auto& mark : kMarks) {
    if (!bytes.starts_with(mark.bytes)) continue;
    const bool utf8 = mark.charset == "UTF-8";
    return {.charset = std::string(mark.charset),
            .mark = mark.bytes.size(),
            .valid = utf8 && IsValidUtf8(bytes)};
  }
  if (!HoldsZero(bytes) && IsValidUtf8(bytes)) return {.charset = "UTF-8", .valid = true};
  return {.charset = ChooseCharset(bytes, hint)};
}

// Of `utf8`, looked at from its beginning. Escapes stand in logs with colours.
bool IsText(std::string_view utf8) {
  utf8 = utf8.substr(0, kDetectBytes);
  std::size_t control = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    const bool space = c >= '\b' && c <= '\r';
    control += c < 0x20 && !space && c != 0x1B ? 1 : 0;
    control += utf8.substr(i).starts_with("\uFFFD") ? 1 : 0;
    // U+0080 to U+009F: what bytes become that windows-1252 has no character for.
    control += c == 0xC2 && i + 1 < utf8.size() && (utf8[i + 1] & 0x60) == 0 ? 1 : 0;
  }
  return control * kTextPerControl <= utf8.size();
}

std::unexpected<Error> NoText() {
  return Fail(Code::kUnsupported, "it is binary: its bytes are no text in any encoding");
}

}  // namespace

Result<std::string> DecodeText(std::string_view bytes, std::string_view hint,
                               std::size_t bytes_max) {
  const auto encoding = EncodingOf(bytes, hint);
  bytes.remove_prefix(encoding.mark);
  if (!encoding.charset.starts_with("UTF-16") && !encoding.charset.starts_with("UTF-32") &&
      HoldsZero(bytes)) {
    return NoText();
  }
  std::string text;
  if (encoding.charset != "UTF-8") {
    STRATA_TRY(text, Convert(bytes, encoding.charset, bytes_max));
  } else if (bytes.size() > bytes_max) {
    return Fail(Code::kTooLarge,
                fmt::format("more than {} bytes of text (kb.parse.text_bytes_max)", bytes_max));
  } else {
    text = encoding.valid ? std::string(bytes) : ReplaceInvalidUtf8(bytes);
  }
  if (!IsText(text)) return NoText();
  return text;
}

std::string EncodingNote(std::string_view bytes) {
  const auto encoding = EncodingOf(bytes, "");
  if (encoding.valid || (encoding.mark > 0 && encoding.charset != "UTF-8")) return {};
  if (encoding.charset == "UTF-8") {
    return "some of its bytes are not UTF-8: each was replaced by U+FFFD";
  }
  return fmt::format("it is not UTF-8 and has no byte order mark: it was read as {}",
                     encoding.charset);
}

}  // namespace strata::knowledge
