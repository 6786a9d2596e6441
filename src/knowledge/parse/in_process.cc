#include "knowledge/parse/in_process.h"

#include <fmt/format.h>

#include "knowledge/parse/charset.h"
#include "knowledge/parse/formats.h"

namespace strata::knowledge {
namespace {

// "text/html; charset=latin1" → the charset.
std::string_view CharsetParameter(std::string_view media_type) {
  const std::size_t at = media_type.find("charset=");
  if (at == std::string_view::npos) return "";
  std::string_view value = media_type.substr(at + 8);
  value = value.substr(0, value.find_first_of("; "));
  if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
  return value;
}

void ParseText(std::string_view type, std::string_view utf8, DocumentBuilder& builder) {
  if (type == "text/markdown") return ParseMarkdown(utf8, builder);
  if (type == "text/html" || type == "application/xhtml+xml") return ParseHtml(utf8, builder);
  if (type == "text/csv") return ParseCsv(utf8, '\0', builder);
  if (type == "text/tab-separated-values") return ParseCsv(utf8, '\t', builder);
  ParsePlainText(utf8, builder);
}

}  // namespace

Result<domain::ParsedDocument> ParseInProcess(std::string_view name, std::string_view media_type,
                                              std::string_view bytes, const ParseLimits& limits) {
  if (bytes.size() > limits.input_bytes_max) {
    return Fail(Code::kTooLarge, fmt::format("{} bytes, more than {} (kb.parse.input_bytes_max)",
                                             bytes.size(), limits.input_bytes_max));
  }
  const std::string_view bare = media_type.substr(0, media_type.find_first_of("; "));
  const std::string type = bare.empty() || bare == "application/octet-stream"
                               ? DetectMediaType(name, bytes)
                               : std::string(bare);
  if (!IsParsable(type)) {
    return Fail(Code::kUnsupported,
                fmt::format("format {} cannot be parsed; supported: {}", type, SupportedFormats()));
  }
  DocumentBuilder builder(limits);
  if (type == "application/pdf") {
    ParsePdf(bytes, builder);
    return std::move(builder).Finish();
  }
  std::string_view charset = CharsetParameter(media_type);
  if (charset.empty() && type.find("html") != std::string::npos) charset = HtmlCharset(bytes);
  STRATA_TRY(const std::string utf8, DecodeText(bytes, charset, limits.text_bytes_max));
  ParseText(type, utf8, builder);
  return std::move(builder).Finish();
}

}  // namespace strata::knowledge
