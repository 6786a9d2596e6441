// Chunks of kb-ID.db, what caches follow, and pending content.

#include "base/crash_point.h"
#include "base/encoding.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/base/kb_json.h"
#include "knowledge/chunker.h"

namespace strata::knowledge {
namespace {

// What a document without a title is called.
std::string NameOf(LocationKind location, std::string_view uri) {
  if (location == LocationKind::kCustom) return std::string(uri);
  const auto name = uri.substr(uri.rfind('/') + 1);
  return PercentDecode(name).value_or(std::string(name));
}

constexpr std::string_view kChunkColumns =
    "SELECT c.chunk_id, c.start, c.end, c.headings, c.pages, c.lines, c.text, d.row, "
    "d.document_id, d.source_id, d.uri, d.location, d.title, d.metadata, d.access, d.labels, "
    "c.context FROM chunks c JOIN documents d ON d.row = c.document_row ";

// What the statement stands on.
Result<StoredChunk> ReadStored(const store::Statement& row) {
  StoredChunk stored;
  auto& chunk = stored.chunk;
  chunk.chunk_id = row.Text(0);
  chunk.start = row.Integer(1);
  chunk.end = row.Integer(2);
  STRATA_TRY(chunk.headings, ReadStrings(row.Text(3)));
  STRATA_TRY(chunk.pages, ReadPages(row.Text(4)));
  STRATA_TRY(chunk.lines, ReadLines(row.Text(5)));
  chunk.text = row.Text(6);
  stored.document_row = row.Integer(7);
  chunk.document_id = row.Text(8);
  chunk.data_source_id = row.Text(9);
  chunk.uri = row.Text(10);
  chunk.location = static_cast<LocationKind>(row.Integer(11));
  chunk.title = row.Text(12);
  if (chunk.title.empty()) chunk.title = NameOf(chunk.location, chunk.uri);
  chunk.metadata.text = row.Text(13);
  STRATA_TRY(stored.access, ReadAccess(row.Text(14)));
  STRATA_TRY(auto labels, ReadStrings(row.Text(15)));
  chunk.labels = LabelsOf(labels);
  chunk.table_header = TableHeaderOf(row.Text(16));
  return stored;
}

Result<std::optional<StoredChunk>> ReadOne(store::Statement row) {
  STRATA_TRY(bool found, row.Step());
  if (!found) return std::nullopt;
  STRATA_TRY(auto stored, ReadStored(row));
  return std::optional(std::move(stored));
}

}  // namespace

Result<std::optional<StoredChunk>> ReadChunk(store::Database& db, std::uint64_t chunk_row) {
  STRATA_TRY(auto statement, db.Prepare(std::string(kChunkColumns) + "WHERE c.row = ?"));
  statement.BindAll(static_cast<std::int64_t>(chunk_row));
  return ReadOne(std::move(statement));
}

Result<std::vector<StoredChunk>> ReadChunksAround(store::Database& db, std::uint64_t chunk_row,
                                                  int around) {
  STRATA_TRY(auto statement,
             db.Prepare(std::string(kChunkColumns) +
                        "WHERE c.row BETWEEN ?1 - ?2 AND ?1 + ?2 AND c.document_row = "
                        "(SELECT document_row FROM chunks WHERE row = ?1) ORDER BY c.row"));
  statement.BindAll(static_cast<std::int64_t>(chunk_row), around);
  std::vector<StoredChunk> out;
  for (;;) {
    STRATA_TRY(bool found, statement.Step());
    if (!found) return out;
    STRATA_TRY(auto stored, ReadStored(statement));
    out.push_back(std::move(stored));
  }
}

Result<std::optional<StoredChunk>> ReadChunkById(store::Database& db, std::string_view chunk_id) {
  STRATA_TRY(auto statement, db.Prepare(std::string(kChunkColumns) + "WHERE c.chunk_id = ?"));
  statement.BindAll(chunk_id);
  return ReadOne(std::move(statement));
}

Result<std::optional<ChunkName>> ReadChunkName(store::Database& db, std::uint64_t chunk_row) {
  STRATA_TRY(auto row, db.Prepare("SELECT c.chunk_id, d.title, d.uri FROM chunks c "
                                  "JOIN documents d ON d.row = c.document_row WHERE c.row = ?"));
  row.BindAll(static_cast<std::int64_t>(chunk_row));
  STRATA_TRY(bool found, row.Step());
  if (!found) return std::nullopt;
  return ChunkName{.chunk_id = std::string(row.Text(0)),
                   .title = std::string(row.Text(1)),
                   .uri = std::string(row.Text(2))};
}

Result<std::optional<ChunkWords>> ReadChunkWords(store::Database& db, std::uint64_t chunk_row) {
  STRATA_TRY(auto row, db.Prepare("SELECT context, text FROM chunks WHERE row = ?"));
  row.BindAll(static_cast<std::int64_t>(chunk_row));
  STRATA_TRY(bool found, row.Step());
  if (!found) return std::nullopt;
  return ChunkWords{.context = std::string(row.Text(0)), .text = std::string(row.Text(1))};
}

Result<std::int64_t> ReadGeneration(store::Database& db) {
  STRATA_TRY(auto value, db.Integer("SELECT generation FROM state"));
  if (!value) return Fail(Code::kCorruption, "the knowledge base file has no state");
  return *value;
}

Result<std::int64_t> OldestFollowable(store::Database& db) {
  STRATA_TRY(auto value, db.Integer("SELECT followable FROM state"));
  return value.value_or(0);
}

namespace {

constexpr std::string_view kChangeColumns =
    "SELECT row, document_row, context, text, vector FROM chunks";

Result<> ForEachChange(store::Statement statement,
                       const std::function<Result<>(const ChunkChange&)>& take) {
  for (;;) {
    STRATA_TRY(bool found, statement.Step());
    if (!found) return {};
    ChunkChange change{.row = static_cast<std::uint64_t>(statement.Integer(0)),
                       .document_row = statement.Integer(1),
                       .context = statement.Text(2),
                       .text = statement.Text(3),
                       .vector = statement.Blob(4)};
    STRATA_CHECK_OK(take(change));
  }
}

}  // namespace

Result<> ForEachChunkAfter(store::Database& db, std::int64_t generation,
                           const std::function<Result<>(const ChunkChange&)>& take) {
  // Everything is one scan of the table; a part goes by the index.
  std::string query(kChangeColumns);
  if (generation > 0) query += " WHERE generation > ?";
  STRATA_TRY(auto statement, db.Prepare(query));
  if (generation > 0) statement.BindAll(generation);
  return ForEachChange(std::move(statement), take);
}

Result<> ForEachChunkBetween(store::Database& db, std::uint64_t first, std::uint64_t last,
                             std::size_t limit,
                             const std::function<Result<>(const ChunkChange&)>& take) {
  STRATA_TRY(auto statement, db.Prepare(std::string(kChangeColumns) +
                                        " WHERE row BETWEEN ? AND ? ORDER BY row LIMIT ?"));
  statement.BindAll(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last),
                    static_cast<std::int64_t>(limit));
  return ForEachChange(std::move(statement), take);
}

Result<> ReadOneState(store::SqlFile& file, const std::function<Result<>(store::Database&)>& read) {
  return file.ReadBlocking([&](store::Database& db) -> Result<> {
    STRATA_CHECK_OK(db.Run("BEGIN"));
    auto done = read(db);
    auto ended = db.Run("COMMIT");
    if (!done.has_value()) return done;
    return ended;
  });
}

Result<std::vector<std::uint64_t>> ChunksRemovedAfter(store::Database& db,
                                                      std::int64_t generation) {
  STRATA_TRY(auto statement, db.Prepare("SELECT chunk_row FROM removed WHERE generation > ?"));
  statement.BindAll(generation);
  std::vector<std::uint64_t> rows;
  for (;;) {
    STRATA_TRY(bool found, statement.Step());
    if (!found) return rows;
    rows.push_back(static_cast<std::uint64_t>(statement.Integer(0)));
  }
}

Result<std::vector<DocumentFacts>> FactsAfter(store::Database& db, std::int64_t generation) {
  STRATA_TRY(auto statement,
             db.Prepare("SELECT row, metadata, access, source_id, uri, title FROM documents "
                        "WHERE generation > ? AND chunks > 0"));
  statement.BindAll(generation);
  std::vector<DocumentFacts> facts;
  for (;;) {
    STRATA_TRY(bool found, statement.Step());
    if (!found) return facts;
    STRATA_TRY(auto access, ReadAccess(statement.Text(2)));
    facts.push_back({.row = statement.Integer(0),
                     .source_id = std::string(statement.Text(3)),
                     .uri = std::string(statement.Text(4)),
                     .title = std::string(statement.Text(5)),
                     .metadata = {std::string(statement.Text(1))},
                     .access = std::move(access)});
  }
}

Result<bool> HasMoreChunks(store::Database& db, std::int64_t count) {
  STRATA_TRY(auto one_more, db.Integer("SELECT 1 FROM chunks LIMIT 1 OFFSET ?", count));
  return one_more.has_value();
}

Result<bool> HasMoreRemovals(store::Database& db, std::int64_t count) {
  STRATA_TRY(auto one_more, db.Integer("SELECT 1 FROM removed LIMIT 1 OFFSET ?", count));
  return one_more.has_value();
}

Result<> PruneRemovals(store::Database& db, std::int64_t generation) {
  STRATA_CHECK_OK(db.Run("DELETE FROM removed WHERE generation <= ?", generation));
  return db.Run("UPDATE state SET followable = max(followable, ?)", generation);
}

Result<> PutPending(store::Database& db, std::string_view source_id, const DocumentInput& input,
                    const DocumentRow& document, const KeyId& key) {
  // A row of its own number each time, so that whoever indexes what was there before sees that it
  // is no longer wanted.
  STRATA_CHECK_OK(
      db.Run("INSERT OR REPLACE INTO pending (source_id, uri, title, media_type, metadata, access, "
             "labels, content, key) VALUES (?,?,?,?,?,?,?,?,?)",
             source_id, input.id, input.title, input.media_type, input.metadata.text,
             WriteAccess(input.access), WriteStrings(input.labels.names()),
             store::BlobView{input.content}, key.value));
  // The indexed version, if there is one, goes on being served until the new one replaces it.
  STRATA_CHECK_OK(db.Run(
      "INSERT INTO documents (document_id, source_id, uri, location, title, media_type, version, "
      "recipe, status, reason, metadata, access, labels, bytes, page_count, chunks, updated, "
      "generation) VALUES (?,?,?,?,?,?,'','',?,'','','','',?,0,0,?,0) "
      "ON CONFLICT (source_id, uri) DO UPDATE SET status = excluded.status, reason = '', "
      "updated = excluded.updated",
      document.document_id, document.source_id, document.uri, static_cast<int>(document.location),
      input.title, input.media_type, static_cast<int>(DocumentStatus::kPending),
      static_cast<std::int64_t>(input.content.size()), ToUnixMicros(document.updated)));
  CrashPoint("kb.pending.written");
  return {};
}

Result<std::optional<PendingDocument>> NextPending(store::Database& db, std::int64_t after_row) {
  STRATA_TRY(auto row,
             db.Prepare("SELECT row, source_id, uri, title, media_type, metadata, access, "
                        "labels, content, key FROM pending WHERE row > ? ORDER BY row LIMIT 1"));
  row.BindAll(after_row);
  STRATA_TRY(bool found, row.Step());
  if (!found) return std::nullopt;
  PendingDocument pending;
  pending.row = row.Integer(0);
  pending.source_id = row.Text(1);
  auto& input = pending.input;
  input.id = row.Text(2);
  input.title = row.Text(3);
  input.media_type = row.Text(4);
  input.metadata.text = row.Text(5);
  STRATA_TRY(input.access, ReadAccess(row.Text(6)));
  STRATA_TRY(auto labels, ReadStrings(row.Text(7)));
  input.labels = LabelsOf(labels);
  input.content = row.Blob(8);
  pending.key.value = row.Text(9);
  return std::optional(std::move(pending));
}

Result<> SetPendingReason(store::Database& db, std::string_view reason) {
  return db.Run("UPDATE documents SET reason = ?1 WHERE status = ?2 AND reason <> ?1", reason,
                static_cast<int>(DocumentStatus::kPending));
}

}  // namespace strata::knowledge
