#pragma once
// Whether a sentence, read where it stands, speaks of everything that a question names. A question
// is answered by what holds its words, in any form or as a near word; a sentence about the same
// thing that lacks one ("When was the bridge painted?" - "The bridge was opened in 1932.") is a
// near miss, which no sum over words tells from an answer.
//
// Near words: cosine of the static embedder's word vectors. What a sentence leaves to its
// surroundings counts in part, as they are near: headings, what a pronoun stands for, neighbours,
// and what all the sources speak of.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answer/constraint_check.h"
#include "knowledge/answer/sentence_pool.h"
#include "knowledge/extract.h"
#include "vector/static_embedder.h"

namespace strata::knowledge {

// Of one question and pool; not thread-safe. References outlive it; `vectors` may be null: then
// only forms of one root count.
class Coverage {
 public:
  Coverage(const SentencePool& pool, const std::vector<SourcePassage>& passages,
           const vector::StaticEmbedder* vectors);

  // How much of each question word the sentence covers, 0..1.
  std::vector<double> Of(std::size_t sentence);

 private:
  struct WordVector {
    std::vector<float> values;
    bool whole = false;  // one piece of the vocabulary, so that the vector is the word's own
  };

  double Near(std::size_t word, std::string_view text);
  // Whether it holds something of what is asked about: the right kind of thing alone, such as any
  // length for "How long is the ship?", is no answer.
  bool Speaks(std::size_t sentence);
  double Surroundings(std::size_t word, std::size_t sentence);
  double OfLooseAdjective(std::size_t word, std::size_t sentence) const;
  void LendPlace(std::size_t sentence, std::vector<double>& cover) const;
  bool BeginsWithItem(std::size_t sentence) const;
  bool HeadingNamesBoth(std::size_t word, std::size_t sentence) const;
  bool SaysContrary(std::string_view text, std::uint64_t words) const;
  bool IsOfOtherItem(std::size_t word, std::size_t sentence) const;
  const WordVector& VectorOf(const std::string& word);

  const SentencePool& pool_;
  const std::vector<SourcePassage>& passages_;
  const vector::StaticEmbedder* vectors_;
  std::uint64_t said_ = 0;     // words that any passage or heading holds, as bits
  std::vector<double> topic_;  // of each question word: how much the sources speak of it
  std::map<std::string, WordVector, std::less<>> known_;
};

// Fills `cover`, `missing` and `against` of the sentences `candidates`.
void SetCoverage(std::span<const std::size_t> candidates, Coverage& coverage,
                 ConstraintCheck& constraints, SentencePool& pool);

// Whether what a sentence leaves out of the question is little enough for an answer: less than one
// word of a short question, a part of the words of a long one, which says the same thing twice; and
// nothing in it speaks of something else.
bool Covers(const PoolSentence& sentence, const Question& question);

}  // namespace strata::knowledge
