// Ingestion jobs of kb-ID.db.

#include <algorithm>

#include "base/crash_point.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/base/kb_json.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kReasonsMax = 100;
constexpr int kEndedKept = 1000;  // jobs of a data source
constexpr int kPruneBatch = 1000;

// Those that have not ended, in the words of the partial index.
constexpr std::string_view kUnfinished = "status NOT IN (2, 3, 5) ";
static_assert(static_cast<int>(JobStatus::kComplete) == 2 &&
              static_cast<int>(JobStatus::kFailed) == 3 &&
              static_cast<int>(JobStatus::kStopped) == 5);

constexpr std::string_view kColumns =
    "SELECT row, job_id, source_id, queue_id, description, status, scanned, metadata_scanned, "
    "added, modified, metadata_modified, deleted, failed, skipped, reasons, started, updated, "
    "warnings, key FROM ingestions ";

Result<IngestionRow> ReadRow(const store::Statement& row) {
  IngestionRow out;
  auto& job = out.job;
  job.id = row.Text(1);
  job.data_source_id = row.Text(2);
  out.queue_id = row.Text(3);
  job.description = row.Text(4);
  job.status = static_cast<JobStatus>(row.Integer(5));
  job.statistics = {.scanned = row.Integer(6),
                    .metadata_scanned = row.Integer(7),
                    .added = row.Integer(8),
                    .modified = row.Integer(9),
                    .metadata_modified = row.Integer(10),
                    .deleted = row.Integer(11),
                    .failed = row.Integer(12),
                    .skipped = row.Integer(13)};
  STRATA_TRY(job.failure_reasons, ReadStrings(row.Text(14)));
  job.started = FromUnixMicros(row.Integer(15));
  job.updated = FromUnixMicros(row.Integer(16));
  STRATA_TRY(job.warnings, ReadStrings(row.Text(17)));
  out.key.value = row.Text(18);
  return out;
}

// `column`: reasons or warnings.
Result<std::vector<std::string>> ReadTexts(store::Database& db, const std::string& column,
                                           std::string_view job_id) {
  STRATA_TRY(auto statement, db.Prepare("SELECT " + column + " FROM ingestions WHERE job_id = ?"));
  STRATA_TRY(bool found, statement.BindAll(job_id).Step());
  if (!found) return std::vector<std::string>();
  return ReadStrings(statement.Text(0));
}

Result<> AddText(store::Database& db, const std::string& column, std::string_view job_id,
                 std::string text) {
  STRATA_TRY(auto texts, ReadTexts(db, column, job_id));
  if (texts.size() >= kReasonsMax) return {};
  if (std::ranges::find(texts, text) != texts.end()) return {};
  texts.push_back(std::move(text));
  return db.Run("UPDATE ingestions SET " + column + " = ? WHERE job_id = ?", WriteStrings(texts),
                job_id);
}

// Of a data source that has more ended jobs than are kept the oldest go; of many, some each time.
Result<> PruneIngestions(store::Database& db, std::string_view source_id) {
  return db.Run(
      "DELETE FROM ingestions WHERE row IN (SELECT row FROM ingestions WHERE source_id = ? AND "
      "status IN (2, 3, 5) ORDER BY row DESC LIMIT ? OFFSET ?)",
      source_id, kPruneBatch, kEndedKept);
}

}  // namespace

Result<> InsertIngestion(store::Database& db, const IngestionJob& job, const KeyId& key) {
  STRATA_CHECK_OK(PruneIngestions(db, job.data_source_id));
  return db.Run(
      "INSERT INTO ingestions (job_id, source_id, description, status, started, updated, key) "
      "VALUES (?,?,?,?,?,?,?)",
      job.id, job.data_source_id, job.description, static_cast<int>(job.status),
      ToUnixMicros(job.started), ToUnixMicros(job.updated), key.value);
}

Result<> SetIngestionQueueId(store::Database& db, std::string_view job_id,
                             std::string_view queue_id) {
  return db.Run("UPDATE ingestions SET queue_id = ? WHERE job_id = ?", queue_id, job_id);
}

Result<std::optional<IngestionRow>> FindIngestion(store::Database& db, std::string_view job_id) {
  STRATA_TRY(auto statement, db.Prepare(std::string(kColumns) + "WHERE job_id = ?"));
  STRATA_TRY(bool found, statement.BindAll(job_id).Step());
  if (!found) return std::nullopt;
  STRATA_TRY(auto row, ReadRow(statement));
  return std::optional(std::move(row));
}

Result<IngestionList> ListIngestionRows(store::Database& db, std::string_view source_id,
                                        std::int64_t before, int limit) {
  STRATA_TRY(auto statement,
             db.Prepare(std::string(kColumns) +
                        "WHERE source_id = ? AND (?2 = 0 OR row < ?2) ORDER BY row DESC LIMIT ?3"));
  statement.BindAll(source_id, before, limit + 1);
  IngestionList list;
  std::int64_t last = 0;
  for (;;) {
    STRATA_TRY(bool found, statement.Step());
    if (!found) return list;
    if (list.rows.size() == static_cast<std::size_t>(limit)) {
      list.next = last;
      return list;
    }
    last = statement.Integer(0);
    STRATA_TRY(auto row, ReadRow(statement));
    list.rows.push_back(std::move(row));
  }
}

Result<> RemoveIngestions(store::Database& db, std::string_view source_id) {
  return db.Run("DELETE FROM ingestions WHERE source_id = ?", source_id);
}

Result<std::vector<IngestionRow>> UnfinishedIngestions(store::Database& db) {
  STRATA_TRY(auto statement,
             db.Prepare(std::string(kColumns) + "INDEXED BY ingestions_unfinished WHERE " +
                        std::string(kUnfinished) + "ORDER BY row"));
  std::vector<IngestionRow> rows;
  for (;;) {
    STRATA_TRY(bool found, statement.Step());
    if (!found) return rows;
    STRATA_TRY(auto row, ReadRow(statement));
    rows.push_back(std::move(row));
  }
}

Result<> SetIngestionStatus(store::Database& db, std::string_view job_id, JobStatus status,
                            const std::vector<std::string>& reasons, WallTime now) {
  STRATA_TRY(auto all, ReadTexts(db, "reasons", job_id));
  all.insert(all.begin(), reasons.begin(), reasons.end());
  all.resize(std::min(all.size(), kReasonsMax));
  STRATA_CHECK_OK(
      db.Run("UPDATE ingestions SET status = ?1, reasons = ?2, updated = ?3 WHERE job_id = ?4 "
             "AND " +
                 std::string(kUnfinished),
             static_cast<int>(status), WriteStrings(all), ToUnixMicros(now), job_id));
  CrashPoint("kb.job.status");
  return {};
}

Result<> AddIngestionReason(store::Database& db, std::string_view job_id, std::string reason) {
  return AddText(db, "reasons", job_id, std::move(reason));
}

Result<> AddIngestionWarning(store::Database& db, std::string_view job_id, std::string warning) {
  return AddText(db, "warnings", job_id, std::move(warning));
}

Result<> SetIngestionScanned(store::Database& db, std::string_view job_id, std::int64_t scanned,
                             std::int64_t metadata_scanned, WallTime now) {
  return db.Run(
      "UPDATE ingestions SET scanned = ?, metadata_scanned = ?, failed = 0, "
      "updated = ? WHERE job_id = ?",
      scanned, metadata_scanned, ToUnixMicros(now), job_id);
}

}  // namespace strata::knowledge
