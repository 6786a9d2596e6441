// Documents of kb-ID.db: reading, and the transactions that change them.

#include "base/check.h"
#include "base/crash_point.h"
#include "base/encoding.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/base/kb_json.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kColumns =
    "SELECT row, document_id, source_id, uri, location, title, media_type, version, recipe, "
    "status, "
    "reason, metadata, access, labels, bytes, page_count, chunks, updated FROM documents ";

Result<DocumentRow> ReadRow(const store::Statement& row) {
  DocumentRow document;
  document.row = row.Integer(0);
  document.document_id = row.Text(1);
  document.source_id = row.Text(2);
  document.uri = row.Text(3);
  document.location = static_cast<LocationKind>(row.Integer(4));
  document.title = row.Text(5);
  document.media_type = row.Text(6);
  document.version = row.Text(7);
  document.recipe = row.Text(8);
  document.status = static_cast<DocumentStatus>(row.Integer(9));
  document.reason = row.Text(10);
  document.metadata.text = row.Text(11);
  STRATA_TRY(document.access, ReadAccess(row.Text(12)));
  STRATA_TRY(auto labels, ReadStrings(row.Text(13)));
  document.labels = LabelsOf(labels);
  document.bytes = row.Integer(14);
  document.page_count = static_cast<int>(row.Integer(15));
  document.chunks = row.Integer(16);
  document.updated = FromUnixMicros(row.Integer(17));
  return document;
}

Result<std::optional<DocumentRow>> ReadOne(store::Statement statement) {
  STRATA_TRY(bool found, statement.Step());
  if (!found) return std::nullopt;
  STRATA_TRY(auto document, ReadRow(statement));
  return std::optional(std::move(document));
}

Result<std::int64_t> NextGeneration(store::Database& db) {
  STRATA_TRY(auto generation,
             db.Integer("UPDATE state SET generation = generation + 1 RETURNING generation"));
  if (!generation) return Fail(Code::kCorruption, "the knowledge base file has no state");
  return *generation;
}

Result<> RemoveChunks(store::Database& db, std::int64_t document_row, std::int64_t generation) {
  STRATA_CHECK_OK(db.Run("INSERT INTO removed SELECT ?, row FROM chunks WHERE document_row = ?",
                         generation, document_row));
  STRATA_CHECK_OK(db.Run("DELETE FROM chunks WHERE document_row = ?", document_row));
  return db.Run("DELETE FROM originals WHERE document_row = ?", document_row);
}

Result<> RemovePending(store::Database& db, std::string_view source_id, std::string_view uri) {
  return db.Run("DELETE FROM pending WHERE source_id = ? AND uri = ?", source_id, uri);
}

// Takes away the pending content that a change settles. false: the change is void, see JobTally.
Result<bool> SettlePending(store::Database& db, const DocumentRow& document,
                           const JobTally& tally) {
  if (tally.pending_row == 0) {
    STRATA_CHECK_OK(RemovePending(db, document.source_id, document.uri));
    return true;
  }
  STRATA_CHECK_OK(db.Run("DELETE FROM pending WHERE row = ?", tally.pending_row));
  return db.changes() > 0;
}

std::string_view TallyColumn(Tally tally) {
  switch (tally) {
    case Tally::kNone:
      return "";
    case Tally::kAdded:
      return "added";
    case Tally::kModified:
      return "modified";
    case Tally::kMetadataModified:
      return "metadata_modified";
    case Tally::kDeleted:
      return "deleted";
    case Tally::kFailed:
      return "failed";
    case Tally::kSkipped:
      return "skipped";
  }
  return "";
}

Result<> AddTally(store::Database& db, const JobTally& tally) {
  const auto column = TallyColumn(tally.tally);
  if (column.empty() || tally.job_id.empty()) return {};
  const std::string sql = "UPDATE ingestions SET " + std::string(column) + " = " +
                          std::string(column) + " + 1 WHERE job_id = ?";
  return db.Run(sql, tally.job_id);
}

Tally TallyAgain(DocumentStatus status) {
  if (status == DocumentStatus::kFailed) return Tally::kFailed;
  return status == DocumentStatus::kIgnored ? Tally::kSkipped : Tally::kNone;
}

// A job that ran long says what was wrong with its first documents; the documents say the rest.
Result<> AddReason(store::Database& db, const DocumentRow& document, const JobTally& tally) {
  if (tally.job_id.empty() || document.reason.empty()) return {};
  const bool named = document.reason.find(document.uri) != std::string::npos;
  auto reason = named ? document.reason : document.uri + ": " + document.reason;
  switch (document.status) {
    case DocumentStatus::kIndexed:
      return AddIngestionWarning(db, tally.job_id, std::move(reason));
    case DocumentStatus::kIgnored:
      return AddIngestionWarning(db, tally.job_id, "skipped: " + reason);
    default:
      return AddIngestionReason(db, tally.job_id, std::move(reason));
  }
}

// Inserts or replaces the row of a document; returns its number.
Result<std::int64_t> UpsertDocument(store::Database& db, const DocumentRow& document,
                                    std::int64_t chunks, std::int64_t generation) {
  STRATA_TRY(
      auto row,
      db.Integer(
          "INSERT INTO documents (document_id, source_id, uri, location, title, media_type, "
          "version, recipe, status, reason, metadata, access, labels, bytes, page_count, chunks, "
          "updated, generation) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
          "ON CONFLICT (source_id, uri) DO UPDATE SET location = excluded.location, "
          "title = excluded.title, media_type = excluded.media_type, version = excluded.version, "
          "recipe = excluded.recipe, status = excluded.status, reason = excluded.reason, "
          "metadata = excluded.metadata, access = excluded.access, labels = excluded.labels, "
          "bytes = excluded.bytes, page_count = excluded.page_count, chunks = excluded.chunks, "
          "updated = excluded.updated, generation = excluded.generation RETURNING row",
          document.document_id, document.source_id, document.uri,
          static_cast<int>(document.location), document.title, document.media_type,
          document.version, document.recipe, static_cast<int>(document.status), document.reason,
          document.metadata.text, WriteAccess(document.access),
          WriteStrings(document.labels.names()), document.bytes, document.page_count, chunks,
          ToUnixMicros(document.updated), generation));
  if (!row) return Fail(Code::kInternal, "a document row was not written");
  return *row;
}

Result<> InsertChunk(store::Database& db, const IndexedDocument& indexed, std::size_t i,
                     std::int64_t document_row, std::int64_t generation) {
  const auto& entry = indexed.chunks[i];
  const auto bytes = static_cast<std::size_t>(indexed.dimensions) * sizeof(float);
  const store::BlobView vector{
      std::string_view(reinterpret_cast<const char*>(indexed.vectors.data()) + i * bytes, bytes)};
  return db.Run(
      "INSERT INTO chunks (document_row, chunk_id, start, end, context, headings, pages, lines, "
      "text, generation, vector) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
      document_row, entry.chunk.id, entry.start, entry.end, entry.chunk.context,
      WriteStrings(entry.chunk.headings), WritePages(entry.chunk.pages), WriteLines(entry.lines),
      entry.chunk.text, generation, vector);
}

}  // namespace

Result<std::optional<DocumentRow>> FindDocument(store::Database& db, std::string_view source_id,
                                                std::string_view uri) {
  STRATA_TRY(auto statement, db.Prepare(std::string(kColumns) + "WHERE source_id = ? AND uri = ?"));
  statement.BindAll(source_id, uri);
  return ReadOne(std::move(statement));
}

Result<std::optional<DocumentRow>> FindDocumentById(store::Database& db,
                                                    std::string_view document_id) {
  STRATA_TRY(auto statement, db.Prepare(std::string(kColumns) + "WHERE document_id = ?"));
  statement.BindAll(document_id);
  return ReadOne(std::move(statement));
}

Result<std::vector<DocumentRow>> ListDocumentRows(store::Database& db, std::string_view source_id,
                                                  std::int64_t after, int limit) {
  STRATA_TRY(auto statement, db.Prepare(std::string(kColumns) +
                                        "WHERE source_id = ? AND row > ? ORDER BY row LIMIT ?"));
  statement.BindAll(source_id, after, limit);
  std::vector<DocumentRow> rows;
  for (;;) {
    STRATA_TRY(bool found, statement.Step());
    if (!found) return rows;
    STRATA_TRY(auto row, ReadRow(statement));
    rows.push_back(std::move(row));
  }
}

Result<std::map<std::string, KnownDocument, std::less<>>> KnownDocuments(
    store::Database& db, std::string_view source_id) {
  STRATA_TRY(auto statement, db.Prepare(std::string(kColumns) + "WHERE source_id = ?"));
  statement.BindAll(source_id);
  std::map<std::string, KnownDocument, std::less<>> known;
  for (;;) {
    STRATA_TRY(bool found, statement.Step());
    if (!found) return known;
    STRATA_TRY(auto row, ReadRow(statement));
    known.emplace(std::move(row.uri), KnownDocument{.version = std::move(row.version),
                                                    .recipe = std::move(row.recipe),
                                                    .status = row.status,
                                                    .reason = std::move(row.reason),
                                                    .metadata = std::move(row.metadata),
                                                    .access = std::move(row.access),
                                                    .labels = std::move(row.labels)});
  }
}

Result<> PutDocument(store::Database& db, const IndexedDocument& indexed, const JobTally& tally) {
  const auto& document = indexed.document;
  STRATA_FATAL(indexed.vectors.size() ==
                   indexed.chunks.size() * static_cast<std::size_t>(indexed.dimensions),
               "every chunk has one vector");
  STRATA_TRY(bool current, SettlePending(db, document, tally));
  if (!current) return {};
  STRATA_TRY(auto generation, NextGeneration(db));
  STRATA_TRY(
      auto row,
      UpsertDocument(db, document, static_cast<std::int64_t>(indexed.chunks.size()), generation));
  STRATA_CHECK_OK(RemoveChunks(db, row, generation));
  CrashPoint("kb.document.replaced");
  for (std::size_t i = 0; i < indexed.chunks.size(); ++i) {
    STRATA_CHECK_OK(InsertChunk(db, indexed, i, row, generation));
  }
  if (indexed.original) {
    STRATA_CHECK_OK(
        db.Run("INSERT INTO originals VALUES (?, ?)", row, store::BlobView{*indexed.original}));
  }
  STRATA_CHECK_OK(AddTally(db, tally));
  STRATA_CHECK_OK(AddReason(db, document, tally));
  CrashPoint("kb.document.written");
  return {};
}

Result<> PutDocumentState(store::Database& db, const DocumentRow& document, const JobTally& tally) {
  STRATA_TRY(bool current, SettlePending(db, document, tally));
  if (!current) return {};
  STRATA_TRY(auto generation, NextGeneration(db));
  STRATA_TRY(auto row, UpsertDocument(db, document, 0, generation));
  STRATA_CHECK_OK(RemoveChunks(db, row, generation));
  STRATA_CHECK_OK(AddTally(db, tally));
  STRATA_CHECK_OK(AddReason(db, document, tally));
  CrashPoint("kb.document.state");
  return {};
}

Result<> CountSettledAgain(store::Database& db, std::string_view job_id,
                           const std::vector<DocumentRow>& documents) {
  JobTally tally{.job_id = std::string(job_id)};
  for (const auto& document : documents) {
    tally.tally = TallyAgain(document.status);
    STRATA_CHECK_OK(AddTally(db, tally));
    STRATA_CHECK_OK(AddReason(db, document, tally));
  }
  return {};
}

Result<> UpdateDocumentFacts(store::Database& db, const DocumentRow& document,
                             const JobTally& tally) {
  STRATA_TRY(auto generation, NextGeneration(db));
  STRATA_CHECK_OK(
      db.Run("UPDATE documents SET version = ?, metadata = ?, access = ?, labels = ?, updated = ?, "
             "generation = ? WHERE source_id = ? AND uri = ?",
             document.version, document.metadata.text, WriteAccess(document.access),
             WriteStrings(document.labels.names()), ToUnixMicros(document.updated), generation,
             document.source_id, document.uri));
  STRATA_CHECK_OK(AddTally(db, tally));
  CrashPoint("kb.document.facts");
  return {};
}

Result<> UpdateDocumentVersion(store::Database& db, std::string_view source_id,
                               std::string_view uri, std::string_view version) {
  return db.Run("UPDATE documents SET version = ? WHERE source_id = ? AND uri = ?", version,
                source_id, uri);
}

Result<bool> RemoveDocument(store::Database& db, std::string_view source_id, std::string_view uri,
                            const JobTally& tally) {
  STRATA_CHECK_OK(RemovePending(db, source_id, uri));
  STRATA_TRY(auto row, db.Integer("SELECT row FROM documents WHERE source_id = ? AND uri = ?",
                                  source_id, uri));
  if (!row) return false;
  STRATA_TRY(auto generation, NextGeneration(db));
  STRATA_CHECK_OK(RemoveChunks(db, *row, generation));
  STRATA_CHECK_OK(db.Run("DELETE FROM documents WHERE row = ?", *row));
  STRATA_CHECK_OK(AddTally(db, tally));
  CrashPoint("kb.document.removed");
  return true;
}

Result<std::optional<std::string>> ReadOriginal(store::Database& db, std::int64_t document_row) {
  STRATA_TRY(auto statement, db.Prepare("SELECT bytes FROM originals WHERE document_row = ?"));
  STRATA_TRY(bool found, statement.BindAll(document_row).Step());
  if (!found) return std::nullopt;
  return std::optional(std::string(statement.Blob(0)));
}

}  // namespace strata::knowledge
