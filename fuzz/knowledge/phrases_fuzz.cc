// Any bytes as a query and as a passage: what stands between its quotation marks is in it.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "knowledge/retrieve/phrases.h"

namespace {

using namespace strata::knowledge;

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto phrases = QuotedPhrases(text);
  Require(phrases.size() <= kPhrasesMax);
  for (const auto phrase : phrases) {
    Require(!phrase.empty() && phrase.size() <= kPhraseBytesMax);
    Require(phrase.data() > text.data() && phrase.data() + phrase.size() < text.data() + size);
  }
  if (phrases.empty()) return 0;
  PhraseMatcher matcher(phrases);
  for (std::size_t i = 0; i < phrases.size(); ++i) {
    Require((matcher.In(phrases[i]) >> i & 1) != 0);
  }
  Require(matcher.In(text) < 1U << phrases.size());
  return 0;
}
