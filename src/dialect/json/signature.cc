#include "dialect/json/signature.h"

#include <fmt/format.h>

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

}  // namespace

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
