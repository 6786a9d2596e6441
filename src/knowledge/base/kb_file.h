#pragma once
// kb-ID.db: the documents, chunks, vectors, pending content and ingestion jobs of one knowledge
// base. Functions over a connection; all of them block. Those that change something run inside one
// SqlFile::Write, which is one transaction.
//
// Vectors are stored as float32, little endian, exactly as embedded: what the index in memory makes
// of them can be rebuilt bit for bit. `generation` counts committed changes of what can be found; a
// chunk carries the generation it came with, and the log of removed chunks the one they went with,
// so that a cache of generation g catches up by reading what is newer than g.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/document.h"
#include "knowledge/kb_types.h"
#include "knowledge/retrieval.h"
#include "knowledge/source.h"
#include "store/sql_file.h"

namespace strata::knowledge {

struct DocumentRow {
  std::int64_t row = 0;
  std::string document_id;  // hash of source and identity
  std::string source_id;
  std::string uri;  // or custom identifier; unique in the source
  LocationKind location = LocationKind::kCustom;
  std::string title;
  std::string media_type;
  std::string version;  // of the content, as the source says it; a hash for inline documents
  // Chunk recipe and embedding model it was indexed with; when it failed, Indexer::RefusalMark of
  // what will fail again for the same bytes, else "".
  std::string recipe;
  DocumentStatus status = DocumentStatus::kPending;
  std::string reason;
  JsonText metadata;
  AccessList access;
  LabelSet labels;
  std::int64_t bytes = 0;
  int page_count = 0;
  std::int64_t chunks = 0;
  WallTime updated;
};

// The part of a document that decides who finds it.
struct DocumentFacts {
  std::int64_t row = 0;
  std::string source_id;
  std::string uri;
  std::string title;
  JsonText metadata;
  AccessList access;
};

struct NewChunk {
  domain::Chunk chunk;
  std::int64_t start = 0;  // code points
  std::int64_t end = 0;
  std::vector<domain::DocumentPart::Line> lines;  // bytes of the chunk's text
};

struct IndexedDocument {
  DocumentRow document;
  std::vector<NewChunk> chunks;
  int dimensions = 0;
  std::vector<float> vectors;           // chunks.size() rows
  std::optional<std::string> original;  // bytes kept for rendering pages
};

// Which counter of an ingestion job a document's change adds to; committed together with it.
enum class Tally : std::uint8_t {
  kNone,
  kAdded,
  kModified,
  kMetadataModified,
  kDeleted,
  kFailed,
  kSkipped
};
struct JobTally {
  std::string job_id;  // "" = no job
  Tally tally = Tally::kNone;
  // PendingDocument::row of the content that the change is about, 0 when it was not pending. A
  // document that was deleted or given anew since then stays as it is: the change is void.
  std::int64_t pending_row = 0;
};

std::string KbFileName(std::string_view kb_id);
// Makes the file of a new base; on disk when it returns.
Result<> CreateKbFile(const std::string& path);
// kCorruption: it is missing, or no file of a base.
Result<std::unique_ptr<store::SqlFile>> OpenKbFile(const std::string& path);

std::string DocumentIdOf(std::string_view source_id, std::string_view uri);

// --- Documents. Find: nullopt when it is not there.
Result<std::optional<DocumentRow>> FindDocument(store::Database& db, std::string_view source_id,
                                                std::string_view uri);
Result<std::optional<DocumentRow>> FindDocumentById(store::Database& db,
                                                    std::string_view document_id);
// In the order of their rows, after row `after`.
Result<std::vector<DocumentRow>> ListDocumentRows(store::Database& db, std::string_view source_id,
                                                  std::int64_t after, int limit);
// Of all documents of a source that are indexed or ignored, for the diff of a sync.
struct KnownDocument {
  std::string version;
  std::string recipe;
  DocumentStatus status = DocumentStatus::kPending;
  std::string reason;
  JsonText metadata;
  AccessList access;
  LabelSet labels;
};
Result<std::map<std::string, KnownDocument, std::less<>>> KnownDocuments(
    store::Database& db, std::string_view source_id);

// Replaces the document, its chunks and vectors; takes its pending content away.
Result<> PutDocument(store::Database& db, const IndexedDocument& indexed, const JobTally& tally);
// The document has no content (FAILED, IGNORED, PENDING): its chunks go.
Result<> PutDocumentState(store::Database& db, const DocumentRow& document, const JobTally& tally);
// Documents that are as they were when they failed (or were skipped, or indexed with a doubt): the
// job counts and names them again.
Result<> CountSettledAgain(store::Database& db, std::string_view job_id,
                           const std::vector<DocumentRow>& documents);
// New metadata, access and labels of an indexed document; the chunks stay.
Result<> UpdateDocumentFacts(store::Database& db, const DocumentRow& document,
                             const JobTally& tally);
Result<> UpdateDocumentVersion(store::Database& db, std::string_view source_id,
                               std::string_view uri, std::string_view version);
// false: it was not there. Its pending content goes too.
Result<bool> RemoveDocument(store::Database& db, std::string_view source_id, std::string_view uri,
                            const JobTally& tally);

Result<std::optional<std::string>> ReadOriginal(store::Database& db, std::int64_t document_row);

// --- Chunks, as retrieval returns them. Scores are left for the caller.
struct StoredChunk {
  RetrievedChunk chunk;
  AccessList access;
  std::int64_t document_row = 0;
};
Result<std::optional<StoredChunk>> ReadChunk(store::Database& db, std::uint64_t chunk_row);
// The chunk and up to `around` on either side of it that are of the same document, in its order;
// empty when the chunk is gone. A document's chunks lie next to each other.
Result<std::vector<StoredChunk>> ReadChunksAround(store::Database& db, std::uint64_t chunk_row,
                                                  int around);
Result<std::optional<StoredChunk>> ReadChunkById(store::Database& db, std::string_view chunk_id);

// By what people and citations know a chunk.
struct ChunkName {
  std::string chunk_id;
  std::string title;  // of the document
  std::string uri;
};
Result<std::optional<ChunkName>> ReadChunkName(store::Database& db, std::uint64_t chunk_row);

// What the words of a chunk are made of.
struct ChunkWords {
  std::string context;  // title and headings
  std::string text;
};
Result<std::optional<ChunkWords>> ReadChunkWords(store::Database& db, std::uint64_t chunk_row);

// --- What caches follow. Views in ChunkChange are valid during the call only.
struct ChunkChange {
  std::uint64_t row = 0;
  std::int64_t document_row = 0;
  std::string_view context;
  std::string_view text;
  std::string_view vector;  // bytes of float32
};
Result<std::int64_t> ReadGeneration(store::Database& db);
// The removal log is complete from this generation on; an older cache must be rebuilt.
Result<std::int64_t> OldestFollowable(store::Database& db);
Result<> ForEachChunkAfter(store::Database& db, std::int64_t generation,
                           const std::function<Result<>(const ChunkChange&)>& take);
// The same of rows from `first` to `last`, in their order, at most `limit` of them.
Result<> ForEachChunkBetween(store::Database& db, std::uint64_t first, std::uint64_t last,
                             std::size_t limit,
                             const std::function<Result<>(const ChunkChange&)>& take);
// Runs `read` in one read transaction, so that all it reads is of the same state. Blocks.
Result<> ReadOneState(store::SqlFile& file, const std::function<Result<>(store::Database&)>& read);
Result<std::vector<std::uint64_t>> ChunksRemovedAfter(store::Database& db, std::int64_t generation);
// Of documents that have chunks: the others are not found, and word statistics must not count them.
Result<std::vector<DocumentFacts>> FactsAfter(store::Database& db, std::int64_t generation);
// Whether there are more chunks than `count`.
Result<bool> HasMoreChunks(store::Database& db, std::int64_t count);
// Whether the log of removals is longer than `count`.
Result<bool> HasMoreRemovals(store::Database& db, std::int64_t count);
// Forgets removals up to `generation`, which every cache has followed.
Result<> PruneRemovals(store::Database& db, std::int64_t generation);

// --- Pending content
// `key`: whose request brought it, whom its indexing is charged to.
Result<> PutPending(store::Database& db, std::string_view source_id, const DocumentInput& input,
                    const DocumentRow& document, const KeyId& key);
struct PendingDocument {
  std::int64_t row = 0;
  std::string source_id;
  KeyId key;
  DocumentInput input;
};
Result<std::optional<PendingDocument>> NextPending(store::Database& db, std::int64_t after_row);
// Why the documents that wait still do; gone with the next change of each.
Result<> SetPendingReason(store::Database& db, std::string_view reason);

// --- Ingestion jobs
struct IngestionRow {
  IngestionJob job;
  std::string queue_id;  // in jobs.db, "" until it is there
  KeyId key;             // that started it; "" for jobs of before
};
// Of the source's jobs that ended the last 1,000 are kept.
Result<> InsertIngestion(store::Database& db, const IngestionJob& job, const KeyId& key);
Result<> SetIngestionQueueId(store::Database& db, std::string_view job_id,
                             std::string_view queue_id);
Result<std::optional<IngestionRow>> FindIngestion(store::Database& db, std::string_view job_id);
// Newest first, before row `before` (0: from the newest). `next`: the row to go on before, 0 at the
// end.
struct IngestionList {
  std::vector<IngestionRow> rows;
  std::int64_t next = 0;
};
Result<IngestionList> ListIngestionRows(store::Database& db, std::string_view source_id,
                                        std::int64_t before, int limit);
// All of a source that is deleted.
Result<> RemoveIngestions(store::Database& db, std::string_view source_id);
Result<std::vector<IngestionRow>> UnfinishedIngestions(store::Database& db);
// A final status is never changed again. `reasons` come before those that are there.
Result<> SetIngestionStatus(store::Database& db, std::string_view job_id, JobStatus status,
                            const std::vector<std::string>& reasons, WallTime now);
// One more reason of a job that is running, unless it said so before; after the 100th they are
// dropped.
Result<> AddIngestionReason(store::Database& db, std::string_view job_id, std::string reason);
// The same of its warnings.
Result<> AddIngestionWarning(store::Database& db, std::string_view job_id, std::string warning);
// What the listing of a run found. Documents that failed in an earlier run of the job are tried
// again, so they are counted anew.
Result<> SetIngestionScanned(store::Database& db, std::string_view job_id, std::int64_t scanned,
                             std::int64_t metadata_scanned, WallTime now);

}  // namespace strata::knowledge
