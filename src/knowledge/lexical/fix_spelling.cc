#include "knowledge/lexical/fix_spelling.h"

#include <algorithm>
#include <set>
#include <string>

#include "knowledge/lexical/postings.h"
#include "text/search_words.h"

namespace strata::knowledge::lexical {
namespace {

constexpr std::size_t kUnknownWordsMax = 16;  // of a query that are looked at
constexpr std::size_t kPostingsMax = 1000;    // of a word that are asked for one that is readable
constexpr std::uint64_t kRarer = 50;          // see the header
constexpr std::size_t kLettersForOneEdit = 5;
constexpr std::size_t kLettersForTwoEdits = 10;

// Whether a run of the query is a word of plain letters, not an abbreviation or an identifier.
bool IsOrdinary(std::string_view run) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  return !run.empty() && (lower(run.front()) || upper(run.front())) &&
         std::ranges::all_of(run.substr(1), lower);
}

enum class Known : std::uint8_t {
  kNo,
  kYes,     // a chunk that may be read has it
  kUnclear  // in so many that may not be read that the rest was not looked at
};
struct Sight {
  Known known = Known::kNo;
  std::uint64_t frequency = 0;  // chunks of all segments, whoever may read them
};

class Speller {
 public:
  Speller(const Snapshot& snapshot, const LexicalFilter& readable)
      : snapshot_(snapshot), readable_(readable) {}

  Result<Sight> LookFor(std::string_view word) const {
    Sight sight;
    std::size_t left = kPostingsMax;
    for (const LiveSegment& live : snapshot_.segments) {
      STRATA_TRY(const auto entry, live.segment->FindTerm(word));
      if (!entry) continue;
      sight.frequency += entry->document_frequency;
      if (sight.known != Known::kYes) {
        STRATA_TRY(sight.known, LookIn(live, *entry, left));
      }
    }
    return sight;
  }

  // "" when there is none, or when it could be several.
  Result<std::string> Nearest(std::string_view word) const {
    const int edits = word.size() >= kLettersForTwoEdits ? 2 : 1;
    std::vector<std::string> found;
    for (const LiveSegment& live : snapshot_.segments) {
      if (!live.spelling) continue;
      STRATA_CHECK_OK(live.spelling->FindNear(*live.segment, word, edits, found));
    }
    const std::set<std::string> near(found.begin(), found.end());
    for (int distance = 1; distance <= edits; ++distance) {
      std::vector<Candidate> candidates;
      for (const auto& one : near) {
        if (EditsBetween(word, one) != distance) continue;
        STRATA_TRY(const auto sight, LookFor(one));
        if (sight.known == Known::kYes) candidates.push_back({one, sight.frequency});
      }
      if (!candidates.empty()) return Clear(std::move(candidates));
    }
    return std::string();
  }

 private:
  struct Candidate {
    std::string word;
    std::uint64_t frequency = 0;
  };

  static std::string Clear(std::vector<Candidate> candidates) {
    std::ranges::sort(candidates, std::ranges::greater(), &Candidate::frequency);
    const bool clear =
        candidates.size() == 1 || candidates[0].frequency >= kRarer * candidates[1].frequency;
    return clear ? std::move(candidates[0].word) : std::string();
  }

  Result<Known> LookIn(const LiveSegment& live, const TermEntry& entry, std::size_t& left) const {
    PostingCursor cursor(entry.postings, entry.document_frequency, live.segment->lengths());
    for (; cursor.document() != kNoDocument; cursor.Advance(cursor.document() + 1)) {
      const auto document = cursor.document();
      if (document >= live.segment->documents()) break;
      if (left == 0) return Known::kUnclear;
      --left;
      if (live.IsDeleted(document)) continue;
      if (!readable_ || readable_(live.segment->Id(document))) return Known::kYes;
    }
    if (cursor.damaged()) {
      return Fail(Code::kCorruption, "a lexical segment has a damaged list of postings");
    }
    return left == 0 ? Known::kUnclear : Known::kNo;
  }

  const Snapshot& snapshot_;
  const LexicalFilter& readable_;
};

// The query's words that could be corrected, each once.
std::set<std::string> OrdinaryWords(std::string_view query) {
  std::set<std::string> words;
  text::SearchWordMaker maker;
  maker.ForEach(query, [&](const text::SearchWord& word) {
    const auto run = query.substr(word.begin, word.end - word.begin);
    const bool long_enough = word.word.size() >= kLettersForOneEdit;
    if (long_enough && IsOrdinary(run) && IsPlainWord(word.word)) words.emplace(word.word);
  });
  return words;
}

}  // namespace

Result<std::vector<SpellingFix>> FixSpelling(const Snapshot& snapshot, std::string_view query,
                                             const LexicalFilter& readable) {
  const Speller speller(snapshot, readable);
  std::vector<SpellingFix> fixes;
  std::size_t unknown = 0;
  for (const auto& word : OrdinaryWords(query)) {
    STRATA_TRY(const auto sight, speller.LookFor(word));
    if (sight.known != Known::kNo) continue;
    if (++unknown > kUnknownWordsMax || fixes.size() == kSpellingFixesMax) break;
    STRATA_TRY(auto nearest, speller.Nearest(word));
    if (!nearest.empty()) fixes.push_back({.word = word, .instead = std::move(nearest)});
  }
  return fixes;
}

}  // namespace strata::knowledge::lexical
