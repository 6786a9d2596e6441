#include "knowledge/parse/pdf/pdfium_api.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/utf8.h"

#ifndef STRATA_PDFIUM_PATH
#define STRATA_PDFIUM_PATH ""
#endif

namespace strata::knowledge::pdfium {
namespace {

std::vector<std::string> Places() {
  std::vector<std::string> places;
  if (const char* given = std::getenv("STRATA_PDFIUM"); given != nullptr && *given != '\0') {
    places.emplace_back(given);
  }
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    places.push_back(program.parent_path() / "libpdfium.so");
    places.push_back(program.parent_path().parent_path() / "lib/strata/libpdfium.so");
  }
  if (std::string_view(STRATA_PDFIUM_PATH) != "") places.emplace_back(STRATA_PDFIUM_PATH);
  return places;
}

Result<Api> Resolve(void* library) {
  Api api;
#define STRATA_PDFIUM_RESOLVE(member, name, result, parameters)                \
  api.member = reinterpret_cast<decltype(api.member)>(dlsym(library, #name));  \
  if (api.member == nullptr) {                                                 \
    return Fail(Code::kUnavailable, "the PDF library has no function " #name); \
  }
  STRATA_PDFIUM_FUNCTIONS(STRATA_PDFIUM_RESOLVE)
#undef STRATA_PDFIUM_RESOLVE
  return api;
}

Result<Api> LoadNow() {
  std::string tried;
  for (const auto& place : Places()) {
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      tried += (tried.empty() ? "" : ", ") + place;
      continue;
    }
    STRATA_TRY(Api api, Resolve(library));
    const LibraryConfig config;
    api.Init(&config);
    return api;
  }
  return Fail(Code::kUnavailable, fmt::format("libpdfium.so was not found (tried {})", tried));
}

// A PDF that is cut off still begins like one but has lost its end marker.
bool LooksTruncated(std::string_view bytes) {
  const std::size_t tail = std::min<std::size_t>(bytes.size(), 2048);
  return bytes.substr(bytes.size() - tail).find("%%EOF") == std::string_view::npos;
}

}  // namespace

Result<const Api*> Load() {
  static const Result<Api> api = LoadNow();
  if (!api.has_value()) return std::unexpected(api.error());
  return &*api;
}

Result<Document> Open(const Api& api, std::string_view bytes, int pages_max) {
  if (bytes.substr(0, 1024).find("%PDF-") == std::string_view::npos) {
    return Fail(Code::kInvalidArgument, "not a PDF: no %PDF- header");
  }
  Document document = api.LoadMemory(bytes.data(), bytes.size(), nullptr);
  if (document == nullptr) {
    const unsigned long reason = api.LastError();
    if (reason == kErrorPassword) {
      return Fail(Code::kInvalidArgument, "the PDF is encrypted: it needs a password to be read");
    }
    if (reason == kErrorSecurity) {
      return Fail(Code::kInvalidArgument, "the PDF is encrypted in a way that cannot be read");
    }
    return Fail(Code::kInvalidArgument, LooksTruncated(bytes)
                                            ? "the PDF is truncated: its end is missing"
                                            : "the PDF is damaged");
  }
  const int pages = api.PageCount(document);
  if (pages <= 0 || pages > pages_max) {
    api.CloseDocument(document);
    if (pages <= 0) return Fail(Code::kInvalidArgument, "the PDF has no pages");
    return Fail(Code::kTooLarge, fmt::format("the PDF has {} pages, more than {} "
                                             "(kb.parse.pages_max)",
                                             pages, pages_max));
  }
  return document;
}

std::string MetaText(const Api& api, Document document, const char* key) {
  unsigned short buffer[1024];  // UTF-16LE with a zero at the end
  const unsigned long bytes = api.MetaText(document, key, buffer, sizeof buffer);
  std::string out;
  if (bytes < 2 || bytes > sizeof buffer) return out;
  const std::size_t units = bytes / 2 - 1;
  for (std::size_t i = 0; i < units; ++i) {
    char32_t point = buffer[i];
    if (point >= 0xD800 && point < 0xDC00 && i + 1 < units) {
      point = 0x10000 + ((point - 0xD800) << 10) + (buffer[++i] - 0xDC00U);
    }
    if ((point >= 0xD800 && point < 0xE000) || point > 0x10FFFF) point = 0xFFFD;
    AppendUtf8(out, point);
  }
  return out;
}

}  // namespace strata::knowledge::pdfium
