// The schema of kb-ID.db and what opens it.

#include <filesystem>

#include "base/encoding.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/base/kb_upgrade.h"
#include "store/file.h"
#include "store/migrations.h"

namespace strata::knowledge {
namespace {

constexpr store::Migration kMigrations[] = {
    {"documents, chunks, pending content, ingestion jobs", R"(
CREATE TABLE state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  generation INTEGER NOT NULL,
  followable INTEGER NOT NULL);
INSERT INTO state VALUES (1, 0, 0);

CREATE TABLE documents (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id TEXT NOT NULL UNIQUE,
  source_id TEXT NOT NULL,
  uri TEXT NOT NULL,
  location INTEGER NOT NULL,
  title TEXT NOT NULL,
  media_type TEXT NOT NULL,
  version TEXT NOT NULL,
  recipe TEXT NOT NULL,
  status INTEGER NOT NULL,
  reason TEXT NOT NULL,
  metadata TEXT NOT NULL,
  access TEXT NOT NULL,
  labels TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  page_count INTEGER NOT NULL,
  chunks INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  UNIQUE (source_id, uri));
CREATE INDEX documents_generation ON documents (generation);

CREATE TABLE chunks (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  document_row INTEGER NOT NULL REFERENCES documents (row),
  chunk_id TEXT NOT NULL UNIQUE,
  start INTEGER NOT NULL,
  end INTEGER NOT NULL,
  context TEXT NOT NULL,
  headings TEXT NOT NULL,
  pages TEXT NOT NULL,
  lines TEXT NOT NULL,
  text TEXT NOT NULL,
  generation INTEGER NOT NULL,
  vector BLOB NOT NULL);
CREATE INDEX chunks_document ON chunks (document_row);
CREATE INDEX chunks_generation ON chunks (generation);

CREATE TABLE removed (
  generation INTEGER NOT NULL,
  chunk_row INTEGER NOT NULL,
  PRIMARY KEY (generation, chunk_row)) WITHOUT ROWID;

CREATE TABLE originals (
  document_row INTEGER PRIMARY KEY REFERENCES documents (row),
  bytes BLOB NOT NULL);

CREATE TABLE pending (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id TEXT NOT NULL,
  uri TEXT NOT NULL,
  title TEXT NOT NULL,
  media_type TEXT NOT NULL,
  metadata TEXT NOT NULL,
  access TEXT NOT NULL,
  labels TEXT NOT NULL,
  content BLOB NOT NULL,
  UNIQUE (source_id, uri));

CREATE TABLE ingestions (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL UNIQUE,
  source_id TEXT NOT NULL,
  queue_id TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL,
  status INTEGER NOT NULL,
  scanned INTEGER NOT NULL DEFAULT 0,
  metadata_scanned INTEGER NOT NULL DEFAULT 0,
  added INTEGER NOT NULL DEFAULT 0,
  modified INTEGER NOT NULL DEFAULT 0,
  metadata_modified INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  reasons TEXT NOT NULL DEFAULT '',
  started INTEGER NOT NULL,
  updated INTEGER NOT NULL);
CREATE INDEX ingestions_source ON ingestions (source_id, row);
)"},
    {"what a job says of documents that it indexed",
     "ALTER TABLE ingestions ADD COLUMN warnings TEXT NOT NULL DEFAULT ''"},
    // `created`: 0 for documents of data sources, which count from their last change.
    {"files of vector stores and their batches", R"(
ALTER TABLE documents ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN batch TEXT NOT NULL DEFAULT '';
CREATE INDEX documents_status ON documents (status, bytes);
CREATE INDEX documents_batch ON documents (batch, row) WHERE batch <> '';

CREATE TABLE file_batches (
  id TEXT PRIMARY KEY,
  created INTEGER NOT NULL,
  cancelled INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
)"},
    {"the key whose work a job or pending content is", R"(
ALTER TABLE ingestions ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE pending ADD COLUMN key TEXT NOT NULL DEFAULT '';
)"},
    {"readers and labels that came as plain metadata", "", HeedOldReaders},
    {"the few ingestion jobs that have not ended", R"(
CREATE INDEX IF NOT EXISTS ingestions_unfinished ON ingestions (source_id)
  WHERE status NOT IN (2, 3, 5);
)"}};

}  // namespace

std::string KbFileName(std::string_view kb_id) { return "kb-" + std::string(kb_id) + ".db"; }

Result<> CreateKbFile(const std::string& path) {
  {
    STRATA_TRY(auto db, store::Database::Open(path));
    STRATA_CHECK_OK(store::Migrate(*db, "a knowledge base", kMigrations));
  }
  return store::SyncFolder(std::filesystem::path(path).parent_path());
}

Result<std::unique_ptr<store::SqlFile>> OpenKbFile(const std::string& path) {
  // SQLite would make one in its place, and nobody would miss what it held.
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error == std::errc::no_such_file_or_directory || (!error && bytes == 0)) {
    return Fail(Code::kCorruption,
                path + (error ? " is missing" : " is empty") +
                    ": put it back from a backup and start again, or delete its knowledge base");
  }
  store::SqlFileOptions options;
  options.migrations = kMigrations;
  options.database.cache_bytes = 16 << 20;
  return store::SqlFile::Open(path, options);
}

std::string DocumentIdOf(std::string_view source_id, std::string_view uri) {
  std::string key(source_id);
  key += '\n';
  key += uri;
  return Sha256Hex(key).substr(0, 32);
}

}  // namespace strata::knowledge
