#include "dialect/json/media.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "base/format_message.h"
#include "base/utf8.h"

namespace strata::dialect {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 4> kImages = {
    {{"png", "image/png"}, {"jpeg", "image/jpeg"}, {"gif", "image/gif"}, {"webp", "image/webp"}}};

constexpr std::array<Pair, 9> kDocuments = {{
    {"pdf", "application/pdf"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"html", "text/html"},
    {"txt", "text/plain"},
    {"md", "text/markdown"},
}};

template <std::size_t N>
std::optional<std::string> FormatIn(const std::array<Pair, N>& table, std::string_view type) {
  auto at = std::ranges::find(table, type, &Pair::second);
  if (at == table.end()) return std::nullopt;
  return std::string(at->first);
}

template <std::size_t N>
std::string TypeIn(const std::array<Pair, N>& table, std::string_view format) {
  auto at = std::ranges::find(table, format, &Pair::first);
  return std::string(at == table.end() ? "application/octet-stream" : at->second);
}

}  // namespace

std::optional<std::string> ImageFormat(std::string_view media_type) {
  if (media_type == "image/jpg") return "jpeg";
  return FormatIn(kImages, media_type);
}

std::string ImageMediaType(std::string_view format) { return TypeIn(kImages, format); }

std::optional<std::string> DocumentFormat(std::string_view media_type) {
  return FormatIn(kDocuments, media_type);
}

std::string DocumentMediaType(std::string_view format) { return TypeIn(kDocuments, format); }

bool IsTextFormat(std::string_view format) {
  return format == "txt" || format == "md" || format == "csv" || format == "html";
}

Result<DataUrl> DecodeDataUrl(const JsonField& field) {
  constexpr std::string_view kExpected = "expected an address of the form data:TYPE;base64,BYTES";
  STRATA_TRY(auto url, field.String());
  auto rest = std::string_view(url);
  if (!rest.starts_with("data:")) return Fail(field.Wrong(kExpected));
  rest.remove_prefix(5);
  auto comma = rest.find(',');
  if (comma == rest.npos) return Fail(field.Wrong(kExpected));
  auto type = rest.substr(0, comma);
  if (!type.ends_with(";base64")) return Fail(field.Wrong(kExpected));
  auto bytes = Base64Decode(rest.substr(comma + 1));
  if (!bytes) return Fail(field.Wrong("its base64 is broken"));
  DataUrl out{.media_type = std::string(type.substr(0, type.find(';'))),
              .bytes = std::move(*bytes)};
  std::ranges::transform(out.media_type, out.media_type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

std::string EncodeDataUrl(std::string_view media_type, std::string_view bytes) {
  return fmt::format("data:{};base64,{}", media_type, Base64Encode(bytes));
}

Result<std::string> DocumentText(const domain::DocumentBlock& document) {
  if (!document.text.empty()) return document.text;
  std::string text;
  for (const auto& chunk : document.chunks) {
    if (!text.empty()) text += "\n\n";
    text += chunk;
  }
  if (text.empty() && (!document.bytes.empty() || !document.url.empty())) {
    return Fail(Code::kInvalidArgument,
                FormatMessage("document '{}': this provider takes no {} documents", document.name,
                              document.format.empty() ? "linked" : document.format));
  }
  return text;
}

Result<> SetDocumentBytes(domain::DocumentBlock& document, std::string bytes,
                          const JsonField& field) {
  if (!IsTextFormat(document.format)) {
    document.bytes = std::move(bytes);
    return {};
  }
  if (!IsValidUtf8(bytes)) {
    return Fail(field.Wrong(FormatMessage("a {} document must be UTF-8 text", document.format)));
  }
  document.text = std::move(bytes);
  return {};
}

}  // namespace strata::dialect
