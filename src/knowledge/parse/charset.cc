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
  // The web's reading of the label: windows-1252 is a superset in all printable characters.
  if (found == "ISO-8859-1") return "windows-1252";
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

}  // namespace

Result<std::string> DecodeText(std::string_view bytes, std::string_view hint,
                               std::size_t bytes_max) {
  for (const auto& mark : kMarks) {
    if (!bytes.starts_with(mark.bytes)) continue;
    bytes.remove_prefix(mark.bytes.size());
    if (mark.charset != "UTF-8") return Convert(bytes, std::string(mark.charset), bytes_max);
    break;
  }
  const bool has_zero = bytes.substr(0, 4096).find('\0') != std::string_view::npos;
  if (has_zero || !IsValidUtf8(bytes)) {
    const std::string charset = ChooseCharset(bytes, hint);
    if (charset != "UTF-8") return Convert(bytes, charset, bytes_max);
  }
  if (bytes.size() > bytes_max) {
    return Fail(Code::kTooLarge,
                fmt::format("more than {} bytes of text (kb.parse.text_bytes_max)", bytes_max));
  }
  return ReplaceInvalidUtf8(bytes);
}

}  // namespace strata::knowledge
