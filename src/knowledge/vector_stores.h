#pragma once
// VectorStores: knowledge bases under the name, and in the shape, that OpenAI's API has for them.
//
// A vector store is a knowledge base: the same file, indexes, permissions, model `kb/NAME`. One
// that is made here has a custom data source for each way its files are cut; every base of the
// workspace is a vector store too, and its documents are files. What only this API knows (shown
// name, metadata, expiry) lies beside it in meta.db.
//
// Who may not use `kb/NAME` finds no such vector store; who may not read a document finds no such
// file.
//
// Threads: thread-safe.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/kb_types.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/reserved_attributes.h"
#include "knowledge/retrieval.h"
#include "store/file_store.h"

namespace strata::knowledge {

// In front of a base's id where this API names it.
inline constexpr std::string_view kVectorStorePrefix = "vs_";
inline constexpr std::size_t kBatchFilesMax = 2000;
inline constexpr std::size_t kCreateFilesMax = 500;
// Different ways to cut files that one vector store may have.
inline constexpr std::size_t kChunkingsMax = 32;
inline constexpr std::size_t kSearchQueriesMax = 16;

// Runs of about so many tokens, in whole sentences; the embedding model's window is the limit.
struct StaticChunking {
  std::int64_t tokens_max = 800;
  std::int64_t overlap = 400;
  friend bool operator==(const StaticChunking&, const StaticChunking&) = default;
};

struct FileCounts {
  std::int64_t in_progress = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t total() const { return in_progress + completed + failed + cancelled; }
};

struct VectorStore {
  KnowledgeBase base;
  std::string name;      // as the caller said it
  JsonText metadata;     // an object of strings
  int expires_days = 0;  // after the last use; 0: never
  WallTime last_active;
  bool expired = false;
  FileCounts files;
  std::int64_t bytes = 0;
};

enum class StoreFileStatus : std::uint8_t { kInProgress, kCompleted, kCancelled, kFailed };

struct StoreFile {
  std::string id;  // of the uploaded file, or the document's own
  std::string filename;
  std::string media_type;
  bool own = false;  // came by an API, so that it can be changed by one
  StoreFileStatus status = StoreFileStatus::kInProgress;
  std::string error;  // why it failed
  std::int64_t bytes = 0;
  WallTime created;
  JsonText attributes;                     // a JSON object, "" for none
  std::optional<StaticChunking> chunking;  // absent: the base's own way
};

// The id that a document has as a file: that of the uploaded file, else its own.
std::string StoreFileId(LocationKind location, std::string_view uri, std::string_view document_id);

struct FileBatch {
  std::string id;
  WallTime created;
  bool cancelled = false;
  FileCounts files;
};

struct StoreInput {
  std::string name;  // any text, also ""
  std::string description;
  JsonText metadata{"{}"};
  int expires_days = 0;
};

// What is absent stays as it is.
struct StoreChange {
  std::optional<std::string> name;
  std::optional<JsonText> metadata;
  std::optional<int> expires_days;
};

struct FileToAdd {
  std::string id;     // of an uploaded file that the caller's key may read
  std::string field;  // where the request names it
  JsonText attributes;
  std::optional<StaticChunking> chunking;
};

// One page of a list. `after` and `before` are ids of it; at most one of them.
struct ListRange {
  std::string after;
  std::string before;
  int limit = 20;
  bool ascending = false;  // by age: the oldest first
};

struct FileListQuery {
  ListRange range;
  std::optional<StoreFileStatus> status;
  std::string batch;  // "": all files
};

template <class T>
struct ListPage {
  std::vector<T> items;
  bool more = false;
};

struct StoreSearch {
  std::vector<std::string> stores;
  std::vector<std::string> queries;
  bool rewrite = false;  // the caller asks for better queries: see query_writer.h
  int results = 10;
  SearchMode mode = SearchMode::kDefault;
  std::optional<Filter> filter;
  double score_min = 0;
  StagesOff without;
};

class VectorStores {
 public:
  // Makes its tables. All of it outlives the object.
  static Result<std::unique_ptr<VectorStores>> Open(KnowledgeBases& bases, store::SqlFile& meta,
                                                    store::FileStore& files);

  // `id` of every operation: "vs_ID", an id or a name of a knowledge base, or "kb/NAME". kNotFound,
  // at field vector_store_id.

  // The base is named after the store, so that it is the model kb/NAME; a taken name gets an
  // addition. Errors name the field; nothing is made then.
  Task<Result<VectorStore>> Create(StoreInput input, std::vector<FileToAdd> files,
                                   RequestContext& ctx);
  Task<Result<VectorStore>> Get(std::string id, RequestContext& ctx);
  Task<Result<ListPage<VectorStore>>> List(ListRange range, RequestContext& ctx);
  // Counts as a use: a store that had expired is there again.
  Task<Result<VectorStore>> Modify(std::string id, StoreChange change, RequestContext& ctx);
  // Gives the id that was deleted, in this API's form.
  Task<Result<std::string>> Delete(std::string id, RequestContext& ctx);

  // Durable when it returns, indexed soon after. A file that is there already is replaced.
  Task<Result<StoreFile>> AddFile(std::string id, FileToAdd file, RequestContext& ctx);
  Task<Result<StoreFile>> GetFile(std::string id, std::string file_id, RequestContext& ctx);
  Task<Result<ListPage<StoreFile>>> ListFiles(std::string id, FileListQuery query,
                                              RequestContext& ctx);
  // Readers and labels that they do not name stay. kUnsupported for documents of folders: their
  // facts are in files beside them.
  Task<Result<StoreFile>> SetAttributes(std::string id, std::string file_id, JsonText attributes,
                                        RequestContext& ctx);
  // Out of every search when it returns; the uploaded file stays.
  Task<Result<>> RemoveFile(std::string id, std::string file_id, RequestContext& ctx);
  // What was read of it, in pieces.
  Task<Result<std::vector<std::string>>> FileText(std::string id, std::string file_id,
                                                  RequestContext& ctx);

  Task<Result<FileBatch>> AddBatch(std::string id, std::vector<FileToAdd> files,
                                   RequestContext& ctx);
  Task<Result<FileBatch>> GetBatch(std::string id, std::string batch_id, RequestContext& ctx);
  Task<Result<FileBatch>> CancelBatch(std::string id, std::string batch_id, RequestContext& ctx);

  // Of all stores and queries together, best first, each passage once. Scores of several stores
  // are weighed (retrieve/merge.h). Adds nothing to ctx.labels.
  Task<Result<FoundPassages>> Search(StoreSearch search, RequestContext& ctx);

  // Takes an uploaded file, which the caller's key may read, out of every vector store.
  Task<Result<>> ForgetFile(std::string file_id, RequestContext& ctx);

 private:
  // A base's part in meta.db.
  struct Row {
    std::string name;
    JsonText metadata{"{}"};
    int expires_days = 0;
    WallTime last_active;
    WallTime saved;  // of last_active
  };

  VectorStores(KnowledgeBases& bases, store::SqlFile& meta, store::FileStore& files)
      : bases_(bases), meta_(meta), files_(files) {}

  Result<> Load(store::Database& db);
  Result<KnowledgeBase> Resolve(std::string_view id, const RequestContext& ctx) const;
  // The same for those who add or search: kConflict when it has expired. Notes the use.
  Result<KnowledgeBase> Use(std::string_view id, const RequestContext& ctx);
  VectorStore Describe(KnowledgeBase base, const RequestContext& ctx) const;
  Task<Result<VectorStore>> Count(VectorStore store) const;
  Task<Result<KnowledgeBase>> MakeBase(const StoreInput& input, RequestContext& ctx);
  static Result<> SaveRow(store::Database& db, const std::string& kb_id, const Row& row);

  // Before anything is written. kNotFound at the file's field.
  struct CheckedFile {
    FileToAdd asked;
    std::string filename;
    ReservedAttributes reserved;
  };
  using CheckedFiles = std::vector<CheckedFile>;
  Task<Result<CheckedFiles>> CheckFiles(std::vector<FileToAdd> files, RequestContext& ctx);
  Task<Result<>> AddAll(const KnowledgeBase& base, CheckedFiles files, std::string batch,
                        RequestContext& ctx);
  Task<Result<>> AddOne(const KnowledgeBase& base, CheckedFile checked, std::string batch,
                        RequestContext& ctx);
  // The data source for a way of cutting, made when it is missing.
  Task<Result<DataSource>> SourceFor(const KnowledgeBase& base,
                                     std::optional<StaticChunking> chunking, RequestContext& ctx);
  Task<Result<FileBatch>> CountBatch(const KnowledgeBase& base, std::string batch_id) const;

  KnowledgeBases& bases_;
  store::SqlFile& meta_;
  store::FileStore& files_;
  mutable std::mutex mutex_;
  std::map<std::string, Row, std::less<>> rows_;  // by base id
};

}  // namespace strata::knowledge
