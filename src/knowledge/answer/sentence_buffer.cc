#include "knowledge/answer/sentence_buffer.h"

#include <cstddef>
#include <utility>

#include "text/sentences.h"

namespace strata::knowledge {

std::vector<std::string> SentenceBuffer::TakeWhole() {
  std::vector<std::string> whole;
  const auto spans = text::SplitSentences(held_);
  if (spans.size() < 2) return whole;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
    whole.push_back(held_.substr(at, spans[i].end - at));
    at = spans[i].end;
  }
  held_.erase(0, at);
  return whole;
}

std::string SentenceBuffer::TakeRest() { return std::exchange(held_, {}); }

}  // namespace strata::knowledge
