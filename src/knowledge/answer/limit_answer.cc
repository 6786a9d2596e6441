#include "knowledge/answer/limit_answer.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/plain_tokens.h"

namespace strata::knowledge {
namespace {

// The first stop sequence in the text that is not empty: where it begins, and which.
struct Stop {
  std::size_t at = std::string::npos;
  std::string sequence;
};

Stop FirstStop(std::string_view text, const std::vector<std::string>& sequences) {
  Stop first;
  for (const auto& sequence : sequences) {
    const auto at = sequence.empty() ? std::string_view::npos : text.find(sequence);
    if (at < first.at) first = {.at = at, .sequence = sequence};
  }
  return first;
}

void CutAt(std::size_t bytes, Extracted& answer) {
  answer.text.resize(bytes);
  const auto end = static_cast<std::int64_t>(CodePointCount(answer.text));
  std::erase_if(answer.sentences, [&](const ExtractedSentence& sentence) {
    return sentence.citation.answer_start >= end;
  });
  if (answer.sentences.empty() || answer.sentences.back().citation.answer_end <= end) return;
  auto& last = answer.sentences.back();
  const auto begin = ByteOffset(answer.text, static_cast<std::size_t>(last.citation.answer_start));
  last.citation.answer_end = end;
  last.text = answer.text.substr(begin);
}

}  // namespace

ExtractEnd LimitAnswer(const ExtractLimits& limits, Extracted& answer) {
  ExtractEnd end;
  if (auto stop = FirstStop(answer.text, limits.stop); stop.at != std::string::npos) {
    CutAt(stop.at, answer);
    end = {.reason = domain::StopReason::kStopSequence, .stop_sequence = std::move(stop.sequence)};
  }
  const auto fits = limits.tokens_max ? text::PlainTokenPrefix(answer.text, *limits.tokens_max)
                                      : answer.text.size();
  if (fits < answer.text.size()) {
    CutAt(fits, answer);
    end = {.reason = domain::StopReason::kMaxTokens, .stop_sequence = {}};
  }
  return end;
}

}  // namespace strata::knowledge
