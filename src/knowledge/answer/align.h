#pragma once
// Citations for text that a language model wrote: each sentence is held against the sentences of
// the passages that were in its prompt.

#include <string>
#include <string_view>
#include <vector>

#include "knowledge/extract.h"

namespace strata::knowledge {

// The places that support `sentence`, best first, at most two, each of another passage; empty when
// none does. A place supports it when it holds most of the sentence's content words by weight and
// every number in it. answer_start..end are left 0.
std::vector<domain::Citation> AlignSentence(std::string_view sentence,
                                            const std::vector<SourcePassage>& passages);

// Cuts a growing text into whole sentences.
class SentenceBuffer {
 public:
  void Add(std::string_view text) { held_ += text; }
  // The sentences that are complete, each with the white space before it; the rest is held.
  std::vector<std::string> TakeWhole();
  // What is left.
  std::string TakeRest();

 private:
  std::string held_;
};

}  // namespace strata::knowledge
