#pragma once
// KnowledgeBases: the service behind Bedrock's knowledge base operations, `strata kb` and every
// `kb/NAME` model. Owns the kb-ID.db files, ingestion and retrieval.
//
// Promises. One document's change (chunks, vectors, state) is one transaction of kb-ID.db; a crash
// anywhere leaves the old version or the new one. The lexical segments, the names graph and the
// vectors in memory are caches of that file and are brought up to it when they are behind. Nothing
// is returned that the caller's principals may not read, on any path.
//
// Threads: thread-safe. Database work runs on the pool that is given; ingestion runs on one thread
// of its own between Start and Stop.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/options.h"
#include "base/pool.h"
#include "base/task.h"
#include "knowledge/ingestion_pace.h"
#include "knowledge/kb_types.h"
#include "knowledge/parser.h"
#include "knowledge/retrieval.h"
#include "knowledge/source.h"
#include "provider/embedder.h"

namespace strata::store {
class SqlFile;
class JobQueue;
}  // namespace strata::store

namespace strata::knowledge {

// By model id; kNotFound when there is none. Thread-safe.
using EmbedderLookup =
    std::function<Result<std::shared_ptr<provider::Embedder>>(std::string_view model)>;

// Puts into the context of work in the background what the key that asked for it is granted now; an
// error when it is no longer valid. Thread-safe.
using KeyGrant = std::function<Result<>(const KeyId& key, RequestContext& ctx)>;

// All pointers outlive the service.
struct KnowledgeBasesParts {
  std::string folder;               // of the data: kb-ID.db and kb-ID.lex/ are made here
  store::SqlFile* meta = nullptr;   // meta.db: knowledge bases and data sources
  store::JobQueue* jobs = nullptr;  // leases of ingestion jobs
  Parser* parser = nullptr;
  Pool* pool = nullptr;  // for SQLite and index work
  EmbedderLookup embedder;
  RerankerLookup reranker;  // empty: there are none
  KeyGrant grant;           // empty: keys grant nothing beside their names
  SourceOptions sources;    // defaults of every folder and s3 source (s3_map, limits)
  const Clock* clock = &SystemClock();
};

class KnowledgeBases {
 public:
  // Migrates its tables and reads the list of knowledge bases. Errors: kUnavailable (disk),
  // kCorruption.
  static Result<std::unique_ptr<KnowledgeBases>> Open(KnowledgeBasesParts parts,
                                                      const Options& options);
  ~KnowledgeBases();  // stops

  // Begins to work on ingestion jobs, those left by an earlier process first. Call it once, before
  // other threads use the service, and from the only process that works on these files.
  Result<> Start();
  // Gives running jobs back to the queue and joins. Safe to call twice.
  void Stop();

  // Where work on files belongs that concerns these knowledge bases.
  Pool& pool() const;

  // --- Knowledge bases of ctx.workspace. Unknown ids and those of other workspaces: kNotFound.
  Task<Result<KnowledgeBase>> Create(CreateKnowledgeBaseInput input, RequestContext& ctx);
  // Both or neither, also after a crash.
  struct BaseAndSource {
    KnowledgeBase base;
    DataSource source;
  };
  Task<Result<BaseAndSource>> CreateWithSource(CreateKnowledgeBaseInput input,
                                               CreateDataSourceInput source, RequestContext& ctx);
  // Name, description and `extra` become those of `input`. kConflict: the name is taken;
  // kInvalidArgument: another embedding model or storage, which cannot be changed.
  Task<Result<KnowledgeBase>> Update(std::string id, CreateKnowledgeBaseInput input,
                                     RequestContext& ctx);
  // What its searches go by that name neither; `dense_weight` absent: that of the configuration.
  Task<Result<>> SetSearch(std::string id, SearchMode mode, std::optional<double> dense_weight,
                           RequestContext& ctx);
  Result<KnowledgeBase> Get(std::string_view id, const WorkspaceId& workspace) const;
  Result<KnowledgeBase> FindByName(std::string_view name, const WorkspaceId& workspace) const;
  Result<Page<KnowledgeBase>> List(const PageRequest& page, const WorkspaceId& workspace) const;
  std::vector<KnowledgeBase> ListAll() const;  // of every workspace, by name
  // Its ingestion jobs end with it.
  Task<Result<>> Delete(std::string id, RequestContext& ctx);

  // --- Data sources
  Task<Result<DataSource>> CreateSource(std::string kb_id, CreateDataSourceInput input,
                                        RequestContext& ctx);
  // All but type and recipe become those of `input`; the next sync follows. kConflict,
  // kInvalidArgument as above.
  Task<Result<DataSource>> UpdateSource(std::string kb_id, std::string source_id,
                                        CreateDataSourceInput input, RequestContext& ctx);
  Task<Result<DataSource>> GetSource(std::string kb_id, std::string source_id, RequestContext& ctx);
  Task<Result<Page<DataSource>>> ListSources(std::string kb_id, PageRequest page,
                                             RequestContext& ctx);
  // Removes its documents too unless the source says RETAIN. kConflict while a job runs on it.
  Task<Result<>> DeleteSource(std::string kb_id, std::string source_id, RequestContext& ctx);

  // --- Ingestion jobs
  // kConflict when a job of that source is not finished; kUnsupported for custom sources.
  Task<Result<IngestionJob>> StartIngestion(std::string kb_id, std::string source_id,
                                            std::string description, RequestContext& ctx);
  Task<Result<IngestionJob>> GetIngestion(std::string kb_id, std::string source_id,
                                          std::string job_id, RequestContext& ctx);
  Task<Result<Page<IngestionJob>>> ListIngestions(std::string kb_id, std::string source_id,
                                                  PageRequest page, RequestContext& ctx);
  // How far a job is that runs in this process, absent for others.
  std::optional<IngestionPace> Pace(const std::string& job_id) const;
  // A job that runs ends soon after (STOPPING until then), what it has indexed stays. kConflict
  // when it has ended.
  Task<Result<IngestionJob>> StopIngestion(std::string kb_id, std::string source_id,
                                           std::string job_id, RequestContext& ctx);
  // Runs a sync here and now, without a queue: for the command line on a folder that no server
  // holds. `progress` may be empty.
  Task<Result<IngestionJob>> Sync(std::string kb_id, std::string source_id,
                                  std::function<void(const IngestionStatistics&)> progress,
                                  RequestContext& ctx);

  // --- Documents
  // At most 10. Durable when it returns (status PENDING); indexed soon after.
  Task<Result<std::vector<DocumentDetail>>> IngestDocuments(std::string kb_id,
                                                            std::string source_id,
                                                            std::vector<DocumentInput> documents,
                                                            RequestContext& ctx);
  // Indexes before it returns; any number. Documents whose content and metadata are as before are
  // left alone (`unchanged`).
  struct IndexResult {
    std::int64_t indexed = 0;
    std::int64_t unchanged = 0;
    std::int64_t failed = 0;
    std::vector<DocumentDetail> failures;
  };
  Task<Result<IndexResult>> IndexDocuments(std::string kb_id, std::string source_id,
                                           std::vector<DocumentInput> documents,
                                           RequestContext& ctx);
  Task<Result<std::vector<DocumentDetail>>> GetDocuments(std::string kb_id, std::string source_id,
                                                         std::vector<std::string> ids,
                                                         RequestContext& ctx);
  Task<Result<Page<DocumentDetail>>> ListDocuments(std::string kb_id, std::string source_id,
                                                   PageRequest page, RequestContext& ctx);
  // Whether ctx.principals may read a document, by its identifier or the document id of search
  // results: what is asked is the access list that every search goes by. kNotFound: the source has
  // no such document, or nothing of it was ingested yet.
  Task<Result<bool>> CheckAccess(std::string kb_id, std::string source_id, std::string document_id,
                                 RequestContext& ctx);
  // Gone from every search when it returns; status DELETING, NOT_FOUND for unknown ids.
  Task<Result<std::vector<DocumentDetail>>> DeleteDocuments(std::string kb_id,
                                                            std::string source_id,
                                                            std::vector<std::string> ids,
                                                            RequestContext& ctx);

  // Whether a reranker is configured (kb.rerank.model).
  bool reranks() const;

  // --- Retrieval. Adds nothing to ctx.labels: who uses the text does.
  Task<Result<RetrieveResponse>> Retrieve(RetrieveRequest request, RequestContext& ctx);
  // One chunk by id, for citations and trace pages. kNotFound also when it may not be read.
  Task<Result<RetrievedChunk>> FetchChunk(std::string kb_id, std::string chunk_id,
                                          RequestContext& ctx);
  // Counts the changes of what can be found in a base; as in RetrieveResponse::index_version.
  Task<Result<std::int64_t>> Generation(std::string kb_id, RequestContext& ctx);
  // The bytes of a cited document that has pages, for rendering. kNotFound also when it may not be
  // read, kConflict when it changed since it was indexed, kUnsupported when it has no pages.
  struct OriginalDocument {
    std::string name;
    std::string media_type;
    std::string bytes;
  };
  Task<Result<OriginalDocument>> FetchOriginal(std::string kb_id, std::string document_id,
                                               RequestContext& ctx);
  // One document of a bucket that is mapped to a folder, by its address "s3://bucket/key", whether
  // or not some base has it; the limits, links and readers of a source's documents hold. Errors, at
  // field uri: kNotFound also when it may not be read, kInvalidArgument for an address that leaves
  // the bucket, kUnsupported for a bucket that is not mapped, kTooLarge.
  struct BucketDocument {
    std::string media_type;
    std::string bytes;
    JsonText metadata;
    LabelSet labels;
  };
  Task<Result<BucketDocument>> FetchFromBucket(std::string uri, RequestContext& ctx);

 private:
  friend class VectorStores;  // the same bases as OpenAI's API shows them
  class Impl;
  explicit KnowledgeBases(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Options kb.* of this service: embedding model, default search mode, blend, storage map, batches.
OptionTable KnowledgeBaseOptionTable();

}  // namespace strata::knowledge
