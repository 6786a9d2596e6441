#pragma once
// One sentence of an answer, or one of its clauses, held against all source sentences by words,
// names and numbers.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answer/amounts.h"
#include "knowledge/answer/claim_facts.h"
#include "knowledge/answer/claim_sources.h"
#include "knowledge/answer/sentence_pool.h"

namespace strata::knowledge {

// How much a word of the claim counts that a place holds only by what it leans on.
inline constexpr double kClaimInLeanedOn = 0.7;
// What a place shares with the question and the sentence before counts so much.
inline constexpr double kClaimTopicWeight = 0.3;

struct Claim {
  using Bits = std::uint64_t;  // bit i: word i of the claim

  // What a source sentence holds of the claim's words.
  struct Place {
    Bits own = 0;
    Bits heading = 0;
    Bits leaned = 0;   // by what it leans on
    double topic = 0;  // what it shares with question and sentence before
  };
  std::string text;
  SentencePool pool;
  std::vector<double> weights;  // of its words; sums to 1
  std::vector<ClaimNumber> numbers;
  std::vector<Bounds> bounds;
  std::vector<Bits> number_words;       // the words of each number
  Bits names = 0;                       // capitalised words; none in German, where every noun is
  std::vector<Place> places;            // of each source sentence
  std::vector<Bits> document;           // of each passage, what its document's passages hold
  std::vector<std::size_t> candidates;  // places that may support it, the best by words first
  std::set<std::size_t> opposed;        // of the best, those that speak against it
  std::vector<float> vector;            // empty without an embedder
  bool is_whole = true;                 // false: it has more words than are looked at
};

// `context`: what says which document is meant.
Claim ReadClaim(std::string_view text, const std::string& context, ClaimSources& sources);

}  // namespace strata::knowledge
