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

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/answer/claim_facts.h"
#include "knowledge/answer/sentence_pool.h"
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
  struct Facts {
    std::vector<ClaimNumber> numbers;
    std::uint64_t units = 0;
    bool is_heading = false;
    std::size_t heading = SIZE_MAX;  // the last heading before it in its passage
  };
  struct Claim;
  using Chosen = std::vector<std::size_t>;  // indices into the pool's sentences

  void ReadFacts(const SentencePool& pool);
  Claim ReadClaim(std::string_view sentence, const std::string& context);
  std::vector<Claim> ReadClaims(std::string sentence);
  std::string AroundOf(const SentencePool& pool, std::size_t i) const;
  Chosen CandidatesOf(const Claim& claim) const;
  Task<Result<>> AddVectors(std::vector<Claim>& claims, RequestContext& ctx);
  double Cover(const Claim& claim, const Chosen& chosen) const;
  double Cosine(const Claim& claim, const Chosen& chosen) const;
  std::vector<bool> NumbersHeld(const Claim& claim, const Chosen& chosen) const;
  double NumbersMissing(const Claim& claim, const Chosen& chosen) const;
  bool BringsNumber(const Claim& claim, const Chosen& chosen, std::size_t i) const;
  double Gain(const Claim& claim, const Chosen& chosen, std::size_t i) const;
  static double Threshold(const Claim& claim);
  double Support(const Claim& claim, const Chosen& chosen) const;
  Chosen Choose(const Claim& claim) const;
  void AddOtherDocuments(const Claim& claim, Chosen& places) const;
  Chosen PlacesOf(const std::vector<Claim>& claims) const;
  std::vector<domain::Citation> Cite(const std::vector<Claim>& claims) const;
  bool IsContradicted(const Claim& claim, const Chosen& chosen) const;
  bool Supports(const Claim& claim, const Chosen& chosen) const;

  const std::string question_;
  const std::vector<SourcePassage> passages_;
  const std::shared_ptr<provider::Embedder> embedder_;
  std::string previous_;                          // the sentence before
  std::vector<Facts> facts_;                      // of each sentence of the pool
  std::vector<std::vector<ClaimNumber>> around_;  // numbers of each passage's title and headings
  std::vector<std::size_t> document_;             // of each passage: the first of its document
  // Of the pool's sentences: each as a whole, and of a table's row its longer cells.
  std::map<std::size_t, std::vector<std::vector<float>>> vectors_;
};

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
