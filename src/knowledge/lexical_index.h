#pragma once
// A LexicalIndex finds chunks by their words, ranked by BM25. It can be rebuilt from the chunk
// texts in kb-ID.db: it holds no truth, and its generation number says which state of that database
// it stands for. Implementation: OpenLexicalIndex (segments in a folder); the reference in the
// contract test is SQLite's FTS5.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "knowledge/spelling_fix.h"

namespace strata::knowledge {

struct LexicalDocument {
  std::uint64_t id = 0;    // the chunk's row id
  std::string_view title;  // title and headings above the chunk; its words weigh more
  std::string_view body;
};

struct LexicalHit {
  std::uint64_t id = 0;
  float score = 0;  // BM25, ≥ 0, comparable within one answer only
  friend bool operator==(const LexicalHit&, const LexicalHit&) = default;
};

struct LexicalStats {
  std::uint64_t documents = 0;  // live ones
  std::uint64_t deleted = 0;    // still on disk, gone at the next merge
  std::uint64_t terms = 0;      // summed over segments
  std::uint64_t segments = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t spelling_words = 0;  // that unknown words may be corrected to; summed as above
  std::uint64_t spelling_bytes = 0;  // of memory
};

// Says whether a chunk may be returned; empty: all may. Called from the searching thread, only for
// chunks whose score would enter the result; must not block.
using LexicalFilter = std::function<bool(std::uint64_t id)>;

// Chunks that are scored as one text: those whose ids lie in [first, last].
struct ChunkRun {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// What a run's score has to know of the documents that chunks belong to.
struct DocumentsOfChunks {
  std::uint64_t count = 0;    // of all documents
  double typical_chunks = 1;  // of an average run
  // The document of a chunk: any number that is another one for each. Must not block. Empty: each
  // chunk is a document of its own, and the others do not count.
  std::function<std::uint64_t(std::uint64_t id)> of;
};

// Searches are thread-safe and see the last commit, also while a writer works. Put, Remove, Clear
// and Commit: one thread at a time.
class LexicalIndex {
 public:
  virtual ~LexicalIndex() = default;

  // Adds documents or replaces those whose id is known. Seen by searches, and durable, after
  // Commit. Errors: kTooLarge (a text of more than 128 MiB; nothing of the batch is added),
  // kUnavailable (disk).
  virtual Result<void> Put(std::span<const LexicalDocument> documents) = 0;
  // Unknown ids are ignored.
  virtual Result<void> Remove(std::span<const std::uint64_t> ids) = 0;
  // Forgets everything, for a rebuild. Like the others it takes effect at Commit.
  virtual Result<void> Clear() = 0;
  // Makes all changes since the last commit durable and visible, at once, under this generation
  // number (chosen by the caller; any value). After an error or a crash the last commit stands.
  // Errors: kUnavailable (disk).
  virtual Result<void> Commit(std::uint64_t generation) = 0;

  // Chunks that hold at least one word of `query`, at most `limit`, best first, ties by id. No stop
  // list: frequent words weigh little anyway. At most 256 different words of the query count.
  // A date also counts as one word in whatever form it is written (text/dates.h).
  // `fixes`: words to look for instead of those of the query; they weigh half.
  // `holding`: when given, only chunks that hold every word of it, which the query has as well.
  // Errors: kCorruption (a segment is damaged: rebuild).
  virtual Result<std::vector<LexicalHit>> Search(std::string_view query, std::size_t limit,
                                                 const LexicalFilter& filter = {},
                                                 std::span<const SpellingFix> fixes = {},
                                                 std::string_view holding = {}) const = 0;

  // BM25 of runs of chunks, each as if it were one document among `documents`; one score a run, 0:
  // no word of the query. For some hundred runs of a few chunks that a search has led to;
  // comparable with the scores of that search. Errors: kCorruption, kUnsupported (an index that
  // cannot).
  virtual Result<std::vector<float>> ScoreRuns(std::string_view query,
                                               std::span<const ChunkRun> runs,
                                               const DocumentsOfChunks& documents,
                                               std::span<const SpellingFix> fixes = {}) const = 0;

  // Words of the query that no document has and that one word of the documents is clearly near to.
  // Neither the words of code and numbers nor abbreviations are corrected. `readable` as the filter
  // of Search: what it lets nothing through of counts as absent, so that no word is told that only
  // others may read. Errors: kCorruption.
  virtual Result<std::vector<SpellingFix>> FixSpelling(
      std::string_view query, const LexicalFilter& readable = {}) const = 0;

  virtual std::uint64_t generation() const = 0;  // of the last commit; 0: never committed
  // Whether the last commit has words as an older version of the program made them. Searches find
  // what has the same words still; Clear, Put and Commit make the index anew.
  virtual bool outdated() const { return false; }
  virtual LexicalStats Stats() const = 0;
};

struct LexicalIndexOptions {
  float k1 = 1.2F;       // Robertson's term saturation
  float b = 0.75F;       // how much length matters
  int title_weight = 2;  // a word in the title counts as this many in the body; 1..16
  std::size_t buffer_bytes_max =
      64 << 20;  // words waiting for a commit; beyond it a segment is written
};

// Opens or creates the index in `folder` (created when missing; nobody else writes there). Files
// that no commit names are removed. Errors: kCorruption (damaged: call RemoveLexicalIndex and
// rebuild), kUnavailable (disk).
Result<std::unique_ptr<LexicalIndex>> OpenLexicalIndex(const std::string& folder,
                                                       const LexicalIndexOptions& options = {});

// Deletes the index's own files in `folder`, damaged or not.
Result<void> RemoveLexicalIndex(const std::string& folder);

}  // namespace strata::knowledge
