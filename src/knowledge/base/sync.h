#pragma once
// Bringing a data source's documents up to date: what to do (PlanSync, pure), and doing it.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "knowledge/base/indexer.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/base/pace_keeper.h"
#include "knowledge/source.h"

namespace strata::knowledge {

using KnownMap = std::map<std::string, KnownDocument, std::less<>>;

struct SyncPlan {
  struct Index {
    domain::SourceItem item;
    Tally tally = Tally::kAdded;  // or kModified
  };
  std::vector<Index> index;  // new, changed, failed for the moment, or cut by another recipe
  std::vector<domain::SourceItem> facts;    // same content; metadata, readers or labels differ
  std::vector<domain::SourceItem> touched;  // same content under a new version
  struct Ignored {
    std::string uri;
    std::string reason;
    AccessList access;
  };
  std::vector<Ignored> ignored;  // the source skips them and we do not know it yet
  std::vector<std::string> removed;
  // Uris of documents that stay as they are and of which there is something to say in each sync:
  // they would only be refused or skipped again, or are indexed with a doubt.
  std::vector<std::string> again;
};

// Indexer::Mark and RefusalMark of the source's recipe.
struct SyncMarks {
  std::string indexed;
  std::string refused;
};

SyncPlan PlanSync(const SourceListing& listing, const KnownMap& known, const SyncMarks& marks);

// Versions for Source::List and DiffSource; "" for documents that must be indexed again.
KnownVersions VersionsOf(const KnownMap& known, const SyncMarks& marks);

struct SyncTask {
  const DataSource& source;
  Source& items;
  const Indexer& indexer;
  store::SqlFile& file;
  Pool& pool;
  std::string job_id;             // its counters, in the file
  std::function<void()> changed;  // called after each committed change
  PaceKeeper& pace;
};

// Runs the sync; every document is a transaction of its own. Errors: those of the source's listing,
// and those of the moment (kUnavailable, kCancelled …): what was committed stands, and running it
// again goes on from there. A document's own fault only marks the document.
Task<Result<>> RunSync(SyncTask task, RequestContext& ctx);

// Indexes one document, or marks it FAILED when the fault is its own. `tally` is for success.
Task<Result<DocumentStatus>> IndexOne(store::SqlFile& file, const Indexer& indexer,
                                      DocumentRow document, std::string content, ChunkRecipe recipe,
                                      JobTally tally, RequestContext& ctx);

// Marks a document FAILED because of `error`; of `tally` the kind does not matter.
Task<Result<>> MarkFailed(store::SqlFile& file, DocumentRow document, const Error& error,
                          JobTally tally, const Clock& clock);

}  // namespace strata::knowledge
