#pragma once
// A question as search understood it.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/span.h"
#include "knowledge/retrieval.h"

namespace strata::knowledge {

struct CorrectedQuestion {
  std::string text;
  JsonText changes;  // [{"word", "instead"}, …] as both are written; "" for none
};

// `question` with the words that search took for others written as `passages` write those: the
// first of them first, since that one was found by it. A word that stands in no passage stays as it
// is.
CorrectedQuestion CorrectQuestion(std::string_view question, std::span<const SpellingFix> fixes,
                                  const std::vector<RetrievedChunk>& passages);

}  // namespace strata::knowledge
