#include "knowledge/base/kb_store_files.h"

#include <fmt/format.h>

#include "base/crash_point.h"
#include "knowledge/base/kb_json.h"

namespace strata::knowledge {
namespace {

// What is pending has its metadata, readers and labels with its content.
constexpr std::string_view kColumns =
    "SELECT d.row, d.document_id, d.source_id, d.uri, d.location, d.title, d.media_type, d.status, "
    "d.reason, COALESCE(p.metadata, d.metadata), COALESCE(p.access, d.access), d.bytes, "
    "CASE d.created WHEN 0 THEN d.updated ELSE d.created END, COALESCE(p.labels, d.labels) "
    "FROM documents d LEFT JOIN pending p ON p.source_id = d.source_id AND p.uri = d.uri ";

constexpr DocumentStatus kStatuses[] = {DocumentStatus::kPending, DocumentStatus::kInProgress,
                                        DocumentStatus::kIndexed, DocumentStatus::kFailed,
                                        DocumentStatus::kIgnored, DocumentStatus::kDeleting};

// A document that its source skips has failed, as a vector store sees it.
StoreFileStatus StatusOf(DocumentStatus status, std::string_view reason) {
  switch (status) {
    case DocumentStatus::kIndexed:
      return StoreFileStatus::kCompleted;
    case DocumentStatus::kIgnored:
      return reason == kCancelledReason ? StoreFileStatus::kCancelled : StoreFileStatus::kFailed;
    case DocumentStatus::kFailed:
    case DocumentStatus::kNotFound:
      return StoreFileStatus::kFailed;
    case DocumentStatus::kPending:
    case DocumentStatus::kInProgress:
    case DocumentStatus::kDeleting:
      break;
  }
  return StoreFileStatus::kInProgress;
}

// The condition that rows of that status fulfil.
std::string StatusCondition(StoreFileStatus wanted) {
  std::string out;
  for (const auto status : kStatuses) {
    for (const auto reason : {std::string_view(), kCancelledReason}) {
      if (StatusOf(status, reason) != wanted) continue;
      out += fmt::format("{}(d.status = {} AND d.reason {} '{}')", out.empty() ? "" : " OR ",
                         static_cast<int>(status), reason.empty() ? "<>" : "=", kCancelledReason);
    }
  }
  return "(" + out + ")";
}

Result<StoreFileRow> ReadRow(const store::Statement& row) {
  StoreFileRow out;
  out.row = row.Integer(0);
  out.source_id = row.Text(2);
  out.uri = row.Text(3);
  const auto location = static_cast<LocationKind>(row.Integer(4));
  STRATA_TRY(out.access, ReadAccess(row.Text(10)));
  STRATA_TRY(const auto labels, ReadStrings(row.Text(13)));
  out.labels = LabelsOf(labels);
  auto& file = out.file;
  file.id = StoreFileId(location, out.uri, row.Text(1));
  file.filename = row.Text(5);
  if (file.filename.empty()) file.filename = out.uri.substr(out.uri.rfind('/') + 1);
  file.media_type = row.Text(6);
  file.own = location == LocationKind::kCustom;
  file.status = StatusOf(static_cast<DocumentStatus>(row.Integer(7)), row.Text(8));
  if (file.status == StoreFileStatus::kFailed) file.error = row.Text(8);
  file.attributes.text = row.Text(9);
  if (file.status == StoreFileStatus::kCompleted) file.bytes = row.Integer(11);
  file.created = FromUnixMicros(row.Integer(12));
  return out;
}

void Count(StoreFileStatus status, std::int64_t count, FileCounts& counts) {
  switch (status) {
    case StoreFileStatus::kInProgress:
      counts.in_progress += count;
      break;
    case StoreFileStatus::kCompleted:
      counts.completed += count;
      break;
    case StoreFileStatus::kCancelled:
      counts.cancelled += count;
      break;
    case StoreFileStatus::kFailed:
      counts.failed += count;
      break;
  }
}

}  // namespace

Result<std::optional<StoreFileRow>> FindStoreFile(store::Database& db,
                                                  std::string_view document_id) {
  STRATA_TRY(auto row, db.Prepare(std::string(kColumns) + "WHERE d.document_id = ?"));
  STRATA_TRY(bool found, row.BindAll(document_id).Step());
  if (!found) return std::nullopt;
  STRATA_TRY(auto file, ReadRow(row));
  return std::optional(std::move(file));
}

Result<std::vector<StoreFileRow>> ListStoreFiles(store::Database& db, const StoreFileQuery& query) {
  const auto sql = fmt::format(
      "{}WHERE d.row {} ? {} {} ORDER BY d.row {} LIMIT ?", kColumns, query.ascending ? '>' : '<',
      query.batch.empty() ? "AND ? = ''" : "AND d.batch = ? AND d.batch <> ''",
      query.status ? "AND " + StatusCondition(*query.status) : "",
      query.ascending ? "ASC" : "DESC");
  STRATA_TRY(auto row, db.Prepare(sql));
  const auto after = query.after == 0 && !query.ascending ? INT64_MAX : query.after;
  row.BindAll(after, query.batch, query.limit);
  std::vector<StoreFileRow> out;
  for (;;) {
    STRATA_TRY(bool found, row.Step());
    if (!found) return out;
    STRATA_TRY(auto file, ReadRow(row));
    out.push_back(std::move(file));
  }
}

Result<StoreFileCounts> CountStoreFiles(store::Database& db, std::string_view batch) {
  const std::string_view of =
      batch.empty() ? "? = ''" : "batch = ? AND batch <> ''";  // which the partial index needs
  // Without the reasons the index answers alone; they matter of what was ignored only.
  STRATA_TRY(auto row, db.Prepare(fmt::format("SELECT status, count(*), sum(bytes) FROM documents "
                                              "WHERE {} GROUP BY status",
                                              of)));
  row.BindAll(batch);
  StoreFileCounts out;
  for (;;) {
    STRATA_TRY(bool found, row.Step());
    if (!found) break;
    const auto status = StatusOf(static_cast<DocumentStatus>(row.Integer(0)), {});
    Count(status, row.Integer(1), out.files);
    if (status == StoreFileStatus::kCompleted) out.bytes += row.Integer(2);
  }
  STRATA_TRY(auto cancelled,
             db.Integer(fmt::format("SELECT count(*) FROM documents WHERE {} AND status = ? AND "
                                    "reason = ?",
                                    of),
                        batch, static_cast<int>(DocumentStatus::kIgnored), kCancelledReason));
  out.files.cancelled = cancelled.value_or(0);
  out.files.failed -= out.files.cancelled;
  return out;
}

Result<> PutStoreFile(store::Database& db, const NewStoreFile& file, WallTime now) {
  for (const auto& other : file.others) {
    STRATA_CHECK_OK(RemoveDocument(db, other, file.input.id, {}));
  }
  DocumentRow row;
  row.document_id = DocumentIdOf(file.source_id, file.input.id);
  row.source_id = file.source_id;
  row.uri = file.input.id;
  row.updated = now;
  STRATA_CHECK_OK(PutPending(db, file.source_id, file.input, row, file.key));
  STRATA_CHECK_OK(db.Run("UPDATE documents SET created = ?, batch = ? WHERE document_id = ?",
                         ToUnixMicros(now), file.batch, row.document_id));
  CrashPoint("kb.store_file.written");
  return {};
}

namespace {

void Apply(const StoreFileFacts& facts, AccessList& access, LabelSet& labels) {
  if (!facts.principals.empty()) access = {.allow = facts.principals, .deny = {}};
  for (const auto& label : facts.labels) labels.Add(label);
}

// Of content that is not indexed yet.
Result<> SetPendingFacts(store::Database& db, const StoreFileRow& file,
                         const StoreFileFacts& facts) {
  AccessList access;
  LabelSet labels;
  {
    STRATA_TRY(auto row,
               db.Prepare("SELECT access, labels FROM pending WHERE source_id = ? AND uri = ?"));
    row.BindAll(file.source_id, file.uri);
    STRATA_TRY(bool waits, row.Step());
    if (!waits) return {};
    STRATA_TRY(access, ReadAccess(row.Text(0)));
    STRATA_TRY(const auto names, ReadStrings(row.Text(1)));
    labels = LabelsOf(names);
  }
  Apply(facts, access, labels);
  // A row of its own number, so that whoever indexes the content now sees that it has changed.
  return db.Run(
      "INSERT OR REPLACE INTO pending (source_id, uri, title, media_type, metadata, access, "
      "labels, content, key) SELECT source_id, uri, title, media_type, ?, ?, ?, content, key "
      "FROM pending WHERE source_id = ? AND uri = ?",
      facts.metadata.text, WriteAccess(access), WriteStrings(labels.names()), file.source_id,
      file.uri);
}

}  // namespace

Result<> SetStoreFileFacts(store::Database& db, const StoreFileRow& file,
                           const StoreFileFacts& facts, WallTime now) {
  STRATA_CHECK_OK(SetPendingFacts(db, file, facts));
  STRATA_TRY(auto document, FindDocument(db, file.source_id, file.uri));
  if (!document) return Fail(NotFound("file", file.file.id).AtField("file_id"));
  Apply(facts, document->access, document->labels);
  document->metadata = facts.metadata;
  document->updated = now;
  return UpdateDocumentFacts(db, *document, {});
}

Result<std::vector<std::string>> StoreFileTexts(store::Database& db, std::int64_t document_row) {
  STRATA_TRY(auto row, db.Prepare("SELECT text FROM chunks WHERE document_row = ? ORDER BY row"));
  row.BindAll(document_row);
  std::vector<std::string> out;
  for (;;) {
    STRATA_TRY(bool found, row.Step());
    if (!found) return out;
    out.emplace_back(row.Text(0));
  }
}

Result<> InsertFileBatch(store::Database& db, std::string_view id, WallTime now) {
  return db.Run("INSERT INTO file_batches VALUES (?, ?, 0)", id, ToUnixMicros(now));
}

Result<std::optional<FileBatchRow>> FindFileBatch(store::Database& db, std::string_view id) {
  STRATA_TRY(auto row, db.Prepare("SELECT created, cancelled FROM file_batches WHERE id = ?"));
  STRATA_TRY(bool found, row.BindAll(id).Step());
  if (!found) return std::nullopt;
  return FileBatchRow{.id = std::string(id),
                      .created = FromUnixMicros(row.Integer(0)),
                      .cancelled = row.Integer(1) != 0};
}

Result<> CancelFileBatch(store::Database& db, std::string_view id, WallTime now) {
  StoreFileQuery query{.after = 0,
                       .ascending = true,
                       .status = StoreFileStatus::kInProgress,
                       .batch = std::string(id),
                       .limit = INT32_MAX};
  STRATA_TRY(auto rows, ListStoreFiles(db, query));
  if (rows.empty()) return {};  // it has ended as it has
  for (const auto& row : rows) {
    STRATA_TRY(auto document, FindDocument(db, row.source_id, row.uri));
    if (!document) continue;
    document->status = DocumentStatus::kIgnored;
    document->reason = kCancelledReason;
    document->metadata = row.file.attributes;
    document->access = row.access;
    document->labels = row.labels;
    document->updated = now;
    STRATA_CHECK_OK(PutDocumentState(db, *document, {}));
  }
  return db.Run("UPDATE file_batches SET cancelled = 1 WHERE id = ?", id);
}

}  // namespace strata::knowledge
