#pragma once
// What several bases found for one question, in one order.
//
// A base's scores say how its passages stand to each other, not to those of other bases: they are
// min-max over its own candidates, words are weighed by its own statistics, vectors come from its
// own embedder. So a base's order is kept, and its scores are weighed by how well its best passages
// answer in comparison: score = own · (1 + 3 · share) / 4, the form of Callan, Lu, Croft 1995,
// "Searching Distributed Collections with Inference Networks". A base's share is the BM25 of its
// best passage with the statistics of all passages that were found (comparing what was fetched,
// after Craswell, Hawking, Thistlewaite 1999, "Merging Results from Isolated Search Engines"), as a
// part of the best base's; where all bases have the same embedder, cosines count as much. Where no
// passage shares a word with the question and cosines do not compare, bases count alike.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/retrieval.h"

namespace strata::knowledge {

// What one base found.
struct BaseRanking {
  std::string base;                      // its name
  std::string vector_space;              // whose dense scores can be compared
  std::vector<RetrievedChunk> passages;  // best first, scores 0..1
  std::vector<SpellingFix> corrected = {};
  bool led_by_names = false;
  std::optional<double> stands_out = {};  // as in RetrieveResponse
};

struct BaseShare {
  std::string base;
  std::size_t found = 0;
  double weight = 0;  // 0..1, 0 for a base that found nothing
};

struct MergedRanking {
  std::vector<RetrievedChunk> passages;  // best first; each names its base, see NameBase
  std::vector<BaseShare> bases;          // in the order of the rankings
  bool led_by_names = false;             // as the base with the highest weight is
  // Of all bases, each word once, but for words that a passage of another base writes like that.
  std::vector<SpellingFix> corrected;
};

enum class Copies : std::uint8_t { kLast, kWhereTheyAre };

// O(text of all passages). `copies`: of passages of better ones, word for word.
MergedRanking MergeRankings(std::string_view question, std::vector<BaseRanking> rankings,
                            Copies copies);

// Writes the base into the metadata of a passage (dialect/cited_base.h), so that every answer and
// trace can say where it is from.
void NameBase(RetrievedChunk& passage, std::string_view base);

// Passages that hold what the question has in quotation marks come first, as in one base.
void LeadWithQuoted(std::string_view question, std::vector<RetrievedChunk>& passages);

}  // namespace strata::knowledge
