#pragma once
// The records of the knowledge base control plane: knowledge bases, data sources, ingestion jobs,
// documents. Plain values; names of states are Bedrock's.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/labels.h"
#include "base/span.h"
#include "knowledge/chunker.h"
#include "knowledge/filter.h"
#include "knowledge/retrieval.h"

namespace strata::knowledge {

enum class KnowledgeBaseStatus : std::uint8_t { kActive, kDeleting, kFailed };
std::string_view StatusName(KnowledgeBaseStatus status);  // "ACTIVE", …

struct KnowledgeBase {
  std::string id;  // 10 characters of A-Z0-9
  WorkspaceId workspace;
  std::string name;  // unique in the workspace; `kb/NAME` is its model id
  std::string description;
  std::string embedding_model;  // id of an Embedder
  int dimensions = 0;
  SearchMode mode = SearchMode::kHybrid;  // what kDefault means
  std::optional<double> dense_weight;     // of hybrid searches; absent: kb.search.dense_weight
  std::string storage_type;               // as the caller said it ("S3_VECTORS", "" = embedded)
  JsonText extra;  // what the API wants back as it was given (storage, role, tags), a JSON object
  KnowledgeBaseStatus status = KnowledgeBaseStatus::kActive;
  std::vector<std::string> failure_reasons;
  WallTime created;
  WallTime updated;
};

struct CreateKnowledgeBaseInput {
  std::string name;  // 1..100 of letters, digits, '_', '-', '.', not at the ends
  std::string description;
  std::string embedding_model;  // "" = kb.embedding_model
  std::optional<SearchMode> mode;
  std::string storage_type;  // mapped by kb.storage_map; kUnsupported with the line to add
  JsonText extra;
};

enum class DataSourceKind : std::uint8_t {
  kFolder,  // a folder of this machine
  kS3,      // s3://bucket/prefix, mapped to a folder by kb.s3_map
  kCustom,  // only what is ingested through the documents API
};

struct DataSource {
  std::string id;  // 10 characters
  std::string knowledge_base_id;
  std::string name;  // unique in the knowledge base
  std::string description;
  DataSourceKind kind = DataSourceKind::kCustom;
  std::string uri;                   // folder path or s3://…; "" for kCustom
  std::vector<std::string> include;  // globs, see source.h
  std::vector<std::string> exclude;
  ChunkRecipe recipe;
  bool delete_documents_with_source = true;  // dataDeletionPolicy DELETE, else RETAIN
  JsonText extra;
  WallTime created;
  WallTime updated;
};

struct CreateDataSourceInput {
  std::string name;
  std::string description;
  DataSourceKind kind = DataSourceKind::kCustom;
  std::string uri;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  std::optional<ChunkRecipe> recipe;  // absent: kb.chunk.*
  bool delete_documents_with_source = true;
  JsonText extra;
};

enum class JobStatus : std::uint8_t {
  kStarting,
  kInProgress,
  kComplete,
  kFailed,
  kStopping,
  kStopped
};
std::string_view StatusName(JobStatus status);  // "STARTING", "IN_PROGRESS", …
bool IsFinal(JobStatus status);

struct IngestionStatistics {
  std::int64_t scanned = 0;            // numberOfDocumentsScanned
  std::int64_t metadata_scanned = 0;   // numberOfMetadataDocumentsScanned
  std::int64_t added = 0;              // numberOfNewDocumentsIndexed
  std::int64_t modified = 0;           // numberOfModifiedDocumentsIndexed
  std::int64_t metadata_modified = 0;  // numberOfMetadataDocumentsModified
  std::int64_t deleted = 0;            // numberOfDocumentsDeleted
  std::int64_t failed = 0;             // numberOfDocumentsFailed
  std::int64_t skipped = 0;            // numberOfDocumentsSkipped
  friend bool operator==(const IngestionStatistics&, const IngestionStatistics&) = default;
};

struct IngestionJob {
  std::string id;  // 10 characters
  std::string knowledge_base_id;
  std::string data_source_id;
  std::string description;
  JobStatus status = JobStatus::kStarting;
  IngestionStatistics statistics;
  std::vector<std::string> failure_reasons;  // at most 100
  std::vector<std::string> warnings;         // of documents that are indexed; at most 100
  WallTime started;
  WallTime updated;
};

enum class DocumentStatus : std::uint8_t {
  kPending,  // accepted; its content is stored and will be indexed, also after a crash
  kInProgress,
  kIndexed,
  kFailed,    // `reason` says why; an older indexed version is gone
  kIgnored,   // skipped by its source; `reason` says why
  kNotFound,  // asked for by id and not there
  kDeleting,
};
std::string_view StatusName(DocumentStatus status);  // "PENDING", "INDEXED", …

// Who may read a document. No entry at all: everybody in the workspace. Any entry: fails closed:
// the caller needs a principal at all, none of his may be denied, and one must be allowed unless
// only denials are listed.
struct AccessList {
  std::vector<std::string> allow;
  std::vector<std::string> deny;
  friend bool operator==(const AccessList&, const AccessList&) = default;
};
bool MayRead(const AccessList& list, const std::vector<std::string>& principals);
// The list of what nobody may read, as nobody knows who may.
AccessList Nobody();

// A document given by value (IngestKnowledgeBaseDocuments, `kb import`).
struct DocumentInput {
  std::string id;          // custom identifier, 1..2048 bytes; or an s3:// uri of the data source
  std::string title;       // "" = from the parser
  std::string media_type;  // "text/plain" when empty
  std::string content;     // bytes; empty with an s3 source: fetched from there
  JsonText metadata;       // JSON object, "" for none
  AccessList access;
  LabelSet labels;
};

struct DocumentDetail {
  std::string knowledge_base_id;
  std::string data_source_id;
  std::string id;  // custom identifier or uri
  LocationKind location = LocationKind::kCustom;
  std::string title;
  DocumentStatus status = DocumentStatus::kPending;
  std::string reason;  // see DocumentStatus; of an indexed one: a doubt about its encoding
  std::int64_t chunks = 0;
  std::int64_t bytes = 0;
  int page_count = 0;
  WallTime updated;
};

// One page of a list; `next_token` is "" on the last.
template <class T>
struct Page {
  std::vector<T> items;
  std::string next_token;
};

struct PageRequest {
  int max_results = 100;  // 1..1000
  std::string next_token;
};

}  // namespace strata::knowledge
