#pragma once
// What one open knowledge base keeps in memory and beside its file so that searching is quick: the
// vector index, the lexical index, the names graph, and which document each chunk belongs to with
// what decides who may find it. All of it follows kb-ID.db by generation and can be rebuilt from
// it.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/background_steps.h"
#include "knowledge/base/chunk_owners.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/base/names_keeper.h"
#include "knowledge/base/vector_keeper.h"
#include "knowledge/filter.h"
#include "knowledge/lexical_index.h"

namespace strata::knowledge {

// Who asks, and for what: decides about documents.
struct SearchScope {
  const Filter* filter = nullptr;  // null: none
  const std::vector<std::string>* principals = nullptr;
};

struct LegHit {
  std::uint64_t row = 0;
  double score = 0;
};

struct KbCacheOptions {
  std::string lexical_folder;
  NamesKeeperOptions names;
  VectorKeeperOptions vectors;
};

// Thread-safe. Searches block (run them on a pool) and see one state each.
class KbCache {
 public:
  // Opens or rebuilds the lexical index; loads nothing yet (CatchUp does). `file`, kb-ID.db, and
  // `background`, which does what can wait, outlive the cache; no `background`: then nothing waits,
  // and neither graphs of vectors nor files of names are made.
  static Result<std::unique_ptr<KbCache>> Open(store::SqlFile& file, KbCacheOptions options,
                                               Pool* background);

  // Reads what is newer in the file than here. One caller works, others wait for it. Cheap when
  // nothing changed.
  Result<> CatchUp();
  // The same for callers that have no thread to wait on while a large base is loaded: false when
  // another's work takes longer than `patience` from now.
  Result<bool> TryCatchUp(std::chrono::milliseconds patience);

  std::int64_t generation() const;
  // The removals up to this generation are known to all that is kept here, on disk too.
  std::int64_t followed() const;
  std::size_t dimensions() const { return vectors_.index().dimensions(); }

  // Whether the words of all passages are being made anew in the background: after an upgrade that
  // makes them otherwise, or when the index is damaged or gone. Meanwhile SearchWords finds what it
  // can by those of before, if any, and nothing of passages that came since. What fails there is
  // tried again after the next change of the base.
  bool building_words() const { return building_words_; }
  // ... and there are none of before.
  bool without_words() const { return building_words_ && words_->generation() == 0; }
  // Words of the query that no document has which the caller may read, whatever the filter, and
  // what they were meant to be.
  Result<std::vector<SpellingFix>> FixSpelling(std::string_view query,
                                               const SearchScope& scope) const;
  // Best first. Only chunks of documents that `scope` lets through; `holding` as in
  // LexicalIndex::Search.
  Result<std::vector<LegHit>> SearchWords(std::string_view query, std::size_t limit,
                                          const SearchScope& scope,
                                          std::span<const SpellingFix> fixes = {},
                                          std::string_view holding = {}) const;
  Result<std::vector<LegHit>> SearchVectors(std::span<const float> query, std::size_t limit,
                                            const SearchScope& scope) const;

  // How near `query` is to passages in general: a sample of those that the caller may read,
  // whatever the filter.
  Result<vector::ScoreSpread> SpreadOf(std::span<const float> query,
                                       const SearchScope& scope) const;

  // For each row the rows of its document next to it, `around` at most on either side.
  std::vector<ChunkRun> RunsAround(std::span<const std::uint64_t> rows, std::size_t around) const;
  // Scores of SearchWords, of these rows.
  Result<std::vector<float>> ScoreWords(std::string_view query, std::span<const std::uint64_t> rows,
                                        std::span<const SpellingFix> fixes) const;
  // Scores of runs that RunsAround made.
  Result<std::vector<float>> ScoreWords(std::string_view query, std::span<const ChunkRun> runs,
                                        std::size_t around,
                                        std::span<const SpellingFix> fixes) const;

  // Passages that the names of `question` lead to, from `seeds` and names on. Those that are still
  // unnamed are not led to.
  graph::GraphAnswer WalkNames(std::string_view question,
                               std::span<const graph::PassageShare> seeds,
                               const SearchScope& scope) const;
  // Whether the names of some passages are still being found in the background, as the files of a
  // large base were lost or are of an older version.
  bool unnamed() const;
  // Vectors of chunks, row-major, zeros for those that are gone.
  std::vector<float> VectorsOf(std::span<const std::uint64_t> rows) const;

  struct Stats {
    std::size_t chunks = 0;
    std::size_t documents = 0;
    vector::VectorStats vectors;
    vector::GraphIndex::GraphStats graph;
    LexicalStats words;
    graph::NamesGraph::Stats names;
  };
  Stats stats() const;

 private:
  struct Facts {
    Metadata metadata;
    AccessList access;
    std::vector<graph::NameId> names;
    std::int64_t chunks = 0;
    std::int64_t document_row = 0;
    ChunkOwners::Slot slot = 0;
  };
  // What one search has found out about documents, by slot.
  enum class Verdict : std::uint8_t { kUnknown, kNo, kYes };
  using Verdicts = std::vector<Verdict>;

  KbCache(store::SqlFile& file, KbCacheOptions options, Pool* background);
  Result<> OpenWords();
  Result<> Follow();
  Result<> Follow(store::Database& db);
  Result<> FollowWords(store::Database& db, std::int64_t to);
  void TakeRemovals(const std::vector<std::uint64_t>& rows);
  Result<> TakeFacts(std::vector<DocumentFacts> facts);
  Result<> TakeChunks(store::Database& db, std::int64_t since);
  void TakeNames(const ChunkChange& change, std::span<const graph::NameId> titles);
  // A batch of the unnamed passages. True: there are more.
  Result<bool> NameSome();
  void NameLate(const ChunkChange& change);
  // Up to the state that `db` shows; `anew`: from nothing.
  Result<> UpdateWords(store::Database& db, std::int64_t to, bool anew);
  // A step of making all words anew. True: there may be more to do.
  Result<bool> BuildWords();
  // A batch of them. True: there are more.
  Result<bool> BuildSomeWords();
  bool Tend();
  // The facts of a document, made when they are new. With mutex_ held.
  Facts& FactsOf(std::int64_t document_row);
  // The rest with mutex_ shared.
  bool Allowed(std::uint64_t row, const SearchScope& scope, Verdicts& verdicts) const;
  bool MayBeFound(const Facts& facts, const SearchScope& scope) const;
  bool NeedsCheck(const SearchScope& scope) const;

  store::SqlFile& file_;
  const std::string lexical_folder_;
  std::timed_mutex follow_mutex_;    // one CatchUp at a time
  mutable std::shared_mutex mutex_;  // guards the maps and generation_
  std::int64_t generation_ = 0;
  bool loaded_ = false;
  ChunkOwners owners_;                             // chunk row → slot of its document
  std::unordered_map<std::int64_t, Facts> facts_;  // by document row
  std::vector<Facts*> slots_;                      // null: free
  std::vector<ChunkOwners::Slot> free_slots_;
  std::int64_t restricted_ = 0;  // documents that not everybody may read
  // Rows among which those are that were left for later when the base was loaded; first > last:
  // none.
  std::uint64_t unnamed_first_ = 1;
  std::uint64_t unnamed_last_ = 0;
  std::size_t named_ = 0;  // while the base is loaded
  NamesKeeper names_;
  VectorKeeper vectors_;
  std::unique_ptr<LexicalIndex> words_;
  bool words_stale_ = false;  // all are to be made anew
  // Set and cleared with follow_mutex_ held. While it is set, only BuildWords changes words_ and
  // what is below.
  std::atomic<bool> building_words_ = false;
  std::int64_t build_generation_ = 0;  // of the state that it began with
  std::uint64_t build_next_ = 0;       // row
  std::size_t built_ = 0;
  BackgroundSteps steps_;  // the last: they use all of the others
};

}  // namespace strata::knowledge
