#include "dialect/json/signature.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::dialect {
namespace {

constexpr std::string_view kMark = "strata.";

struct Marked {
  std::string signer;
  std::string text;
};

Marked Read(std::string_view text, std::string_view native) {
  if (text.empty()) return {};
  if (text.starts_with(kMark)) {
    auto rest = text.substr(kMark.size());
    const auto dot = rest.find('.');
    if (dot != rest.npos && dot > 0) {
      return {std::string(rest.substr(0, dot)), std::string(rest.substr(dot + 1))};
    }
  }
  return {std::string(native), std::string(text)};
}

// The name of the member whose value begins at `at`; "" when that is the value of none. Quotes
// inside of texts have a backslash in front, so that no text is taken for a member.
std::string_view NameBefore(std::string_view json, std::size_t at) {
  constexpr std::string_view kSpace = " \t\r\n";
  auto end = json.substr(0, at).find_last_not_of(kSpace);
  if (end == json.npos || json[end] != ':') return {};
  end = json.substr(0, end).find_last_not_of(kSpace);
  if (end == json.npos || json[end] != '"' || end == 0) return {};
  const auto start = json.rfind('"', end - 1);
  return start == json.npos ? std::string_view() : json.substr(start + 1, end - start - 1);
}

}  // namespace

bool HoldsMark(std::string_view json, std::initializer_list<std::string_view> names) {
  // The second is kMark in base64, to the last whole character of it.
  for (std::string_view mark : {"\"strata.", "\"c3RyYXRhL"}) {
    for (auto at = json.find(mark); at != json.npos; at = json.find(mark, at + 1)) {
      if (std::ranges::find(names, NameBefore(json, at)) != names.end()) return true;
    }
  }
  return false;
}

std::string MarkSignature(std::string_view signature, std::string_view signer,
                          std::string_view native) {
  if (signature.empty() || signer.empty() || signer == native) return std::string(signature);
  return fmt::format("{}{}.{}", kMark, signer, signature);
}

void ReadSignature(std::string_view text, std::string_view native, domain::ReasoningBlock& block) {
  auto marked = Read(text, native);
  block.signature = std::move(marked.text);
  block.signer = std::move(marked.signer);
}

std::string MarkRedacted(std::string_view redacted, std::string_view signer,
                         std::string_view native) {
  return MarkSignature(redacted, signer, native);
}

void ReadRedacted(std::string_view text, std::string_view native, domain::ReasoningBlock& block) {
  auto marked = Read(text, native);
  block.redacted = std::move(marked.text);
  block.signer = std::move(marked.signer);
}

}  // namespace strata::dialect
