#pragma once
// What the passages that an answer was written from say beyond their words: numbers, units,
// headings, and which of them are of one document.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "knowledge/answer/claim_facts.h"
#include "knowledge/answer/sentence_pool.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Of one source sentence.
struct SourceFacts {
  std::vector<ClaimNumber> numbers;
  std::uint64_t units = 0;
  bool is_heading = false;
  std::size_t heading = SIZE_MAX;  // the last heading before it in its passage
};

// Source sentences are named by their place in the pool of the passages, which is the same whatever
// is asked. Not thread-safe. What the passages view outlives it.
class ClaimSources {
 public:
  explicit ClaimSources(std::vector<SourcePassage> passages);

  const std::vector<SourcePassage>& passages() const { return passages_; }
  // Of a passage: the first passage of its document.
  std::size_t DocumentOf(std::size_t passage) const { return document_[passage]; }
  // The numbers in a passage's title and headings.
  const std::vector<ClaimNumber>& NumbersAround(std::size_t passage) const {
    return around_[passage];
  }

  // Reads the facts of a pool's sentences, once; FactsOf and AroundOf are after it.
  void Read(const SentencePool& pool);
  const SourceFacts& FactsOf(std::size_t sentence) const { return facts_[sentence]; }
  // The text around a sentence where a name or a day may stand that it does not say itself.
  std::string AroundOf(const SentencePool& pool, std::size_t sentence) const;

 private:
  const std::vector<SourcePassage> passages_;
  std::vector<std::vector<ClaimNumber>> around_;
  std::vector<std::size_t> document_;
  std::vector<SourceFacts> facts_;
};

}  // namespace strata::knowledge
