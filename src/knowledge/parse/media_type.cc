// Which format a document has.

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "knowledge/parser.h"

namespace strata::knowledge {
namespace {

struct Extension {
  std::string_view ending;
  std::string_view media_type;
};
constexpr auto kExtensions = std::to_array<Extension>({
    {"pdf", "application/pdf"},
    {"html", "text/html"},
    {"htm", "text/html"},
    {"xhtml", "application/xhtml+xml"},
    {"md", "text/markdown"},
    {"markdown", "text/markdown"},
    {"mdx", "text/markdown"},
    {"csv", "text/csv"},
    {"tsv", "text/tab-separated-values"},
    {"tab", "text/tab-separated-values"},
    {"txt", "text/plain"},
    {"text", "text/plain"},
    {"log", "text/plain"},
    {"rst", "text/plain"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"doc", "application/msword"},
    {"xls", "application/vnd.ms-excel"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"epub", "application/epub+zip"},
    {"json", "application/json"},
    {"xml", "application/xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"zip", "application/zip"},
});

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

std::string_view ByExtension(std::string_view name) {
  const std::size_t slash = name.find_last_of('/');
  const std::size_t dot = name.find_last_of('.');
  if (dot == std::string_view::npos || (slash != std::string_view::npos && dot < slash)) return "";
  const std::string ending = Lower(name.substr(dot + 1));
  for (const auto& known : kExtensions) {
    if (known.ending == ending) return known.media_type;
  }
  return "";
}

bool IsZip(std::string_view bytes) { return bytes.starts_with("PK\x03\x04"); }

std::string_view BySignature(std::string_view head) {
  // ISO 32000-1, implementation note 13: the header may stand anywhere in the first 1,024 bytes.
  if (head.substr(0, 1024).find("%PDF-") != std::string_view::npos) return "application/pdf";
  if (head.starts_with("\x89PNG\r\n")) return "image/png";
  if (head.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  const std::string start = Lower(head.substr(0, 1024));
  const std::size_t first = start.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string::npos) return "";
  const std::string_view body = std::string_view(start).substr(first);
  if (body.starts_with("<!doctype html") || body.starts_with("<html")) return "text/html";
  return "";
}

// Mostly printable, no zero bytes (UTF-16 aside, which has a mark).
bool LooksLikeText(std::string_view head) {
  if (head.empty() || head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) return true;
  std::size_t control = 0;
  for (const char c : head) {
    if (c == '\0') return false;
    const auto u = static_cast<unsigned char>(c);
    control += u < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' ? 1 : 0;
  }
  return control * 50 <= head.size();
}

constexpr auto kParsable = std::to_array<std::string_view>({
    "text/plain",
    "text/markdown",
    "text/html",
    "application/xhtml+xml",
    "text/csv",
    "text/tab-separated-values",
    "application/pdf",
});

}  // namespace

std::string DetectMediaType(std::string_view name, std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 4096);
  const std::string_view by_name = ByExtension(name);
  const std::string_view by_bytes = BySignature(head);
  // A Markdown or text file may begin with HTML or speak of %PDF; a name that says text wins over
  // a signature that is itself text.
  const bool name_is_text = by_name.starts_with("text/") && by_name != "text/html";
  if (!by_bytes.empty() && !(name_is_text && LooksLikeText(head))) return std::string(by_bytes);
  if (!by_name.empty()) return std::string(by_name);
  if (IsZip(head)) return "application/zip";
  return LooksLikeText(head) && !head.empty() ? "text/plain" : "application/octet-stream";
}

bool IsParsable(std::string_view media_type) {
  const std::string bare = Lower(media_type.substr(0, media_type.find_first_of("; ")));
  return std::find(kParsable.begin(), kParsable.end(), bare) != kParsable.end();
}

std::string_view SupportedFormats() {
  return "plain text (text/plain), Markdown (text/markdown), HTML (text/html), CSV and TSV "
         "(text/csv, text/tab-separated-values), PDF (application/pdf)";
}

}  // namespace strata::knowledge
