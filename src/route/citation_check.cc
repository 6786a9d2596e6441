#include "route/citation_check.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/sentences.h"

namespace strata::route {
namespace {

void CountBlock(const domain::TextBlock& block, CitedSentences& out) {
  const std::string_view text = block.text;
  std::size_t at = 0;
  std::int64_t points = 0;  // code points before `at`
  auto points_to = [&](std::size_t byte) {
    points += static_cast<std::int64_t>(CodePointCount(text.substr(at, byte - at)));
    at = byte;
    return points;
  };
  for (const auto& sentence : text::SplitSentences(text)) {
    const auto begin = points_to(sentence.begin);
    const auto end = points_to(sentence.end);
    auto supports = [begin, end](const domain::Citation& citation) {
      return citation.answer_start < end && citation.answer_end > begin;
    };
    ++out.all;
    if (std::ranges::any_of(block.citations, supports)) ++out.cited;
  }
}

}  // namespace

CitedSentences CountCited(const domain::ChatResponse& answer) {
  CitedSentences out;
  for (const auto& block : answer.content) {
    if (const auto* text = std::get_if<domain::TextBlock>(&block)) CountBlock(*text, out);
  }
  return out;
}

}  // namespace strata::route
