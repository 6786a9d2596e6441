#pragma once
// Phrases in quotation marks: passages that hold them come before those that do not.
//
// The lexical index keeps no positions, which cost at least a byte for every word of every chunk,
// for the few questions with quotes (decision 0018). What may hold a phrase is found by a search
// for chunks with all of its words, inside the same filters as every search, and looked up in the
// chunk's own text, best first and kLookedUpMax at most. A phrase of words that stand in far more
// chunks than that ("to be or not to be") can be missed where the rest of the question does not
// lead to it; one that goes on in the next chunk is not found.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "knowledge/base/kb_cache.h"
#include "text/search_words.h"

namespace strata::knowledge {

inline constexpr std::size_t kPhrasesMax = 4;
inline constexpr std::size_t kPhraseWordsMax = 32;
inline constexpr std::size_t kPhraseBytesMax = 512;
inline constexpr std::size_t kLookedUpMax = 1000;  // chunks for one question, or twice its limit

// What stands between quotation marks ("…", “…”, „…“, «…», »…«), without them: the first ones of
// the query that have words. A straight mark opens before a word that it does not stand in or
// behind, and closes behind one; without the other, a mark is text, as is what is longer than the
// bounds. Apostrophes are no quotes. The views are of `query`. O(length).
std::vector<std::string_view> QuotedPhrases(std::string_view query);

// Says how many of some phrases a text holds: their words one after the other, as the index makes
// words. Not thread-safe.
class PhraseMatcher {
 public:
  // kPhrasesMax phrases of QuotedPhrases at most.
  explicit PhraseMatcher(std::span<const std::string_view> phrases);
  // Which of the phrases `text` holds, a bit each. O(length).
  std::uint32_t In(std::string_view text);

 private:
  using Places = std::array<std::uint32_t, kPhrasesMax>;  // by phrase, a bit a word of it
  text::SearchWordMaker words_;
  std::unordered_map<std::string, Places> places_;
  Places ends_ = {};  // the last word of each
};

// How many phrases the chunks hold that were looked up.
using PhrasesHeld = std::unordered_map<std::uint64_t, int>;  // by row

class PhraseSearch {
 public:
  // All of these outlive it. `phrases`: of the query, not empty.
  PhraseSearch(const KbCache& cache, store::SqlFile& file, std::string_view query,
               std::span<const std::string_view> phrases);

  // Chunks that hold a phrase, `limit` a phrase at most, scored as SearchWords does.
  Result<std::vector<LegHit>> Find(std::size_t limit, const SearchScope& scope,
                                   std::span<const SpellingFix> fixes);
  // Looks up what was not yet.
  Result<> LookUp(std::span<const LegHit> hits);

  const PhrasesHeld& held() const { return held_; }

 private:
  Result<int> LookUp(store::Database& db, std::uint64_t row);

  const KbCache& cache_;
  store::SqlFile& file_;
  const std::string_view query_;
  const std::span<const std::string_view> phrases_;
  PhraseMatcher matcher_;
  PhrasesHeld held_;
};

// `found` into `hits`, which has none of them twice then; best first.
void MergeHits(std::vector<LegHit>& hits, std::span<const LegHit> found);

// The more phrases a passage holds, by `held_by(hit)`, the earlier it comes; those with as many
// keep their order, and scores, in [0, 1], stay so. Nothing changes when none holds any.
template <class Hit, class HeldBy>
void LeadWithPhrases(std::vector<Hit>& hits, const HeldBy& held_by) {
  std::vector<int> held;
  int most = 0;
  for (const Hit& hit : hits) most = std::max(most, held.emplace_back(held_by(hit)));
  if (most == 0) return;
  std::vector<Hit> ordered;
  for (int level = most; level >= 0; --level) {
    for (std::size_t i = 0; i < hits.size(); ++i) {
      if (held[i] != level) continue;
      ordered.push_back(std::move(hits[i]));
      auto& score = ordered.back().score;
      score = (level + std::clamp(score, 0.0, 1.0)) / (most + 1);
    }
  }
  hits = std::move(ordered);
}

}  // namespace strata::knowledge
