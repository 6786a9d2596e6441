#pragma once
// Citations for text that a language model wrote: each sentence is held against the sentences of
// the passages that were in its prompt.
//
// How: a sentence's content words are weighed by idf over the passages, names and numbers more;
// what a source sentence holds of them (itself, by its headings, by what it leans on) is its cover.
// The cosine of both sentences counts for what is said in other words, as in BERTScore (Zhang et
// al. 2020) for whole sentences. Places are added greedily as long as each covers what those before
// it do not, and the smallest set that still covers is cited. A sentence with a number that none of
// them holds is not supported, however alike the words are. Clauses of a sentence that its places
// do not support bring places of their own; a sentence that is not supported as a whole needs them
// for every clause.

#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/answer/claim.h"
#include "knowledge/answer/claim_sources.h"
#include "knowledge/answer/claim_support.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Aligns the sentences of one answer, in order. Not thread-safe. What the passages view outlives
// it.
class Aligner {
 public:
  // `embedder` may be null: words only. `question`: what the answer answers.
  Aligner(std::string question, std::vector<SourcePassage> passages,
          std::shared_ptr<provider::Embedder> embedder);

  // The places that support the answer's next sentence together, at most three; empty when nothing
  // does. answer_start..end are left 0. A failing embedder falls back to words; only cancel and
  // deadline are errors.
  Task<Result<std::vector<domain::Citation>>> Align(std::string sentence, RequestContext& ctx);
  // The same at once, without vectors.
  std::vector<domain::Citation> AlignByWords(std::string sentence);

 private:
  ClaimSupport SupportOf(const Claim& claim) const { return {claim, sources_, vectors_}; }
  std::vector<Claim> ReadClaims(std::string sentence);
  Task<Result<>> AddVectors(std::vector<Claim>& claims, RequestContext& ctx);
  ClaimSupport::Places PlacesOf(const std::vector<Claim>& claims) const;
  std::vector<domain::Citation> Cite(const std::vector<Claim>& claims) const;

  const std::string question_;
  ClaimSources sources_;
  const std::shared_ptr<provider::Embedder> embedder_;
  std::string previous_;   // the sentence before
  SourceVectors vectors_;  // of the source sentences that were candidates so far
};

}  // namespace strata::knowledge
