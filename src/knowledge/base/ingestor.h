#pragma once
// Ingestion jobs: running a sync of a source, indexing pending documents, and what the worker's
// queue carries about them.

#include <functional>
#include <memory>
#include <string>

#include "knowledge/base/catalog.h"
#include "knowledge/base/indexer.h"
#include "knowledge/base/job_ends.h"
#include "knowledge/base/open_bases.h"
#include "knowledge/base/pace_keeper.h"
#include "knowledge/base/worker.h"
#include "knowledge/knowledge_base.h"
#include "store/jobs.h"

namespace strata::knowledge {

inline constexpr std::string_view kIngestKind = "kb.ingest";    // {"kb", "source", "job"}
inline constexpr std::string_view kPendingKind = "kb.pending";  // {"kb"}

// Why a job ended that somebody asked to stop.
inline constexpr std::string_view kStoppedReason =
    "the sync was stopped by a stop command (strata kb stop, Ctrl-C of the strata kb sync that "
    "started it, or StopIngestionJob)";

// Thread-safe. Everything given outlives it.
class Ingestor {
 public:
  Ingestor(const KnowledgeBasesParts& parts, Catalog& catalog, OpenBases& bases)
      : parts_(parts), catalog_(catalog), bases_(bases), pace_(*parts.clock) {}

  // The indexer for a knowledge base's embedding model.
  Result<Indexer> IndexerFor(const KnowledgeBase& base) const;

  // Runs one sync whose job row exists, and ends that row. Returns the outcome for a queue.
  // `progress` may be empty.
  Task<JobOutcome> Sync(const KnowledgeBase& base, const DataSource& source, std::string job_id,
                        int attempt, std::function<void(const IngestionStatistics&)> progress,
                        std::function<bool()> asked, RequestContext& ctx) const;

  // Indexes all pending documents of a knowledge base, each for the key that brought it. A fault of
  // the moment leaves a document for the next attempt and goes on; from the fifth attempt on it is
  // the document's own, and marks it FAILED, if the embedding model answers otherwise. `ctx`: only
  // how long.
  Task<JobOutcome> IndexPending(const KnowledgeBase& base, int attempt, RequestContext& ctx) const;

  // The worker's handler.
  Task<JobOutcome> Handle(store::Job job, std::stop_token cancel,
                          std::function<bool()> asked) const;

  Task<Result<store::Job>> EnqueueSync(const KnowledgeBase& base, std::string source_id,
                                       std::string job_id) const;
  Task<Result<store::Job>> EnqueuePending(const KnowledgeBase& base) const;
  // Of a knowledge base that is being deleted: what waits never runs, what runs ends soon once the
  // worker is woken.
  Task<Result<>> CancelJobsOf(const KnowledgeBase& base) const;
  // Of a sync that runs.
  std::optional<IngestionPace> Pace(const std::string& job_id) const { return pace_.Of(job_id); }
  // Where nothing syncs, removals of replaced chunks would be remembered for ever: after documents
  // were indexed otherwise. A failure is logged.
  Task<void> BoundRemovals(OpenBase& open) const;
  // Of jobs that could not be written down to have ended.
  JobEnds& ends() const { return ends_; }
  // Queues again what an earlier process recorded and did not get into the queue. A base whose file
  // cannot be used is left out, and known as one that has failed; an error is the queue's.
  Task<Result<>> Recover(KnowledgeBase base) const;

 private:
  struct LeftWork {
    std::vector<IngestionRow> jobs;
    bool pending = false;
  };
  Task<Result<LeftWork>> LeftWorkOf(OpenBase& open) const;
  // Of work in the background, without the key that asked for it.
  RequestContext ContextOf(const KnowledgeBase& base, std::stop_token cancel) const;
  Result<> Grant(const KeyId& key, RequestContext& ctx) const;
  Task<JobOutcome> LeavePending(store::SqlFile& file, Error error) const;
  Task<Result<>> IndexOnePending(const KnowledgeBase& base, store::SqlFile& file,
                                 const Indexer& indexer, PendingDocument pending, int attempt,
                                 RequestContext& ctx) const;
  // Brings the indexes up to the file, and lets the file forget what they have followed.
  Task<Result<>> CatchUp(OpenBase& open) const;
  Task<JobOutcome> EndSync(OpenBase& open, std::string job_id, Result<> result, int attempt,
                           bool asked, RequestContext& ctx) const;

  const KnowledgeBasesParts& parts_;
  Catalog& catalog_;
  OpenBases& bases_;
  mutable PaceKeeper pace_;
  mutable JobEnds ends_;
};

}  // namespace strata::knowledge
