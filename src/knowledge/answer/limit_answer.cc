#include "knowledge/answer/limit_answer.h"

#include <algorithm>

#include "base/utf8.h"
#include "knowledge/retrieval.h"
#include "text/normalize.h"
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

// Bytes of the shortest beginning of `quoted` that reads as `kept`, which is its beginning with
// white space folded.
std::size_t QuotedPrefix(std::string_view quoted, std::string_view kept) {
  std::size_t low = 0;  // code points
  std::size_t high = CodePointCount(quoted);
  while (low < high) {
    const auto middle = (low + high) / 2;
    const auto read = text::CollapseSpace(quoted.substr(0, ByteOffset(quoted, middle)));
    (read.size() < kept.size() ? low : high) = read.size() < kept.size() ? middle + 1 : middle;
  }
  return ByteOffset(quoted, low);
}

// Cites no more than what is left of the sentence. A table's row reads otherwise than it stands in
// the source: it stays cited as a whole.
void CutSentence(std::string_view left, ExtractedSentence& sentence) {
  auto& citation = sentence.citation;
  const bool as_in_source = sentence.text == text::CollapseSpace(citation.quoted);
  sentence.text = left;
  if (!as_in_source) return;
  citation.quoted.resize(QuotedPrefix(citation.quoted, text::CollapseSpace(left)));
  if (citation.place == domain::CitationPlace::kText) {
    citation.source_end =
        citation.source_start + static_cast<std::int64_t>(CodePointCount(citation.quoted));
  }
  const auto begin = sentence.quoted_at;
  auto pages = RegionsOf(sentence.lines, begin, begin + citation.quoted.size());
  if (!pages.empty()) citation.pages = std::move(pages);
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
  CutSentence(std::string_view(answer.text).substr(begin), last);
}

// Where the last whole sentence ends that lies within the first `bytes`; 0 for none.
std::size_t WholeSentences(const Extracted& answer, std::size_t bytes) {
  std::size_t whole = 0;
  for (const auto& sentence : answer.sentences) {
    const auto end =
        ByteOffset(answer.text, static_cast<std::size_t>(sentence.citation.answer_end));
    if (end > bytes) break;
    whole = end;
  }
  return whole;
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
    const auto whole = WholeSentences(answer, fits);
    CutAt(whole > 0 ? whole : fits, answer);
    end = {.reason = domain::StopReason::kMaxTokens, .stop_sequence = {}};
  }
  return end;
}

}  // namespace strata::knowledge
