#pragma once
// The inside of KnowledgeBases, shared by the files that implement its groups of operations:
// knowledge_base.cc (bases, sources), retrieve_bases.cc, service_jobs.cc, service_documents.cc.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/base/catalog.h"
#include "knowledge/base/ingestor.h"
#include "knowledge/base/kb_options.h"
#include "knowledge/base/open_bases.h"
#include "knowledge/base/worker.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/retrieve/merge.h"
#include "knowledge/retrieve/retriever.h"

namespace strata::knowledge {

// The number that a list goes on after; 0 at its start. A token that no list made is refused.
Result<std::int64_t> ReadToken(const PageRequest& page);

template <class T>
Result<Page<T>> Slice(std::vector<T> all, const PageRequest& page) {
  STRATA_TRY(auto offset, ReadToken(page));
  Page<T> out;
  const auto begin = std::min<std::size_t>(static_cast<std::size_t>(offset), all.size());
  const auto end =
      std::min<std::size_t>(begin + static_cast<std::size_t>(page.max_results), all.size());
  for (auto i = begin; i < end; ++i) out.items.push_back(std::move(all[i]));
  if (end < all.size()) out.next_token = std::to_string(end);
  return out;
}

class KnowledgeBases::Impl {
 public:
  Impl(KnowledgeBasesParts parts, const Options& options, std::unique_ptr<Catalog> catalog)
      : parts_(std::move(parts)),
        settings_(KbSettings::From(options)),
        catalog_(std::move(catalog)),
        open_(parts_.folder, *parts_.pool, settings_.vectors, settings_.open_max),
        ingestor_(parts_, *catalog_, open_),
        retriever_(*parts_.pool, settings_.retriever, parts_.reranker),
        worker_(*parts_.jobs, {std::string(kIngestKind), std::string(kPendingKind)},
                [this](store::Job job, std::stop_token cancel, std::function<bool()> asked) {
                  return ingestor_.Handle(std::move(job), std::move(cancel), std::move(asked));
                }) {}

  // Ends deletions that a crash cut short.
  Result<> FinishDeletions() {
    for (const auto& base : catalog_->Bases()) {
      if (base.status != KnowledgeBaseStatus::kDeleting) continue;
      STRATA_CHECK_OK(open_.RemoveBlocking(base.id));
      STRATA_CHECK_OK(catalog_->RemoveBaseBlocking(base.id));
    }
    return {};
  }

  Result<KnowledgeBase> Base(std::string_view id, const RequestContext& ctx) const {
    STRATA_TRY(auto base, catalog_->Base(id, ctx.workspace));
    if (base.status == KnowledgeBaseStatus::kDeleting) {
      return Fail(NotFound("knowledge base", id));
    }
    return base;
  }

  // A knowledge base of the caller's, one of its sources, and its open file.
  struct Place {
    KnowledgeBase base;
    DataSource source;
    std::shared_ptr<OpenBase> open;
  };
  Task<Result<Place>> Find(std::string kb_id, std::string source_id, const RequestContext& ctx) {
    Place place;
    STRATA_CO_TRY(place.base, Base(kb_id, ctx));
    STRATA_CO_TRY(place.source, catalog_->Source(kb_id, source_id));
    STRATA_CO_TRY(place.open, co_await open_.Get(place.base));
    co_return place;
  }

  // Records that pass the checks of their fields and are not stored yet.
  Result<KnowledgeBase> NewBase(CreateKnowledgeBaseInput input, const RequestContext& ctx) const;
  // With the size of its vectors, which may take a call of its embedding model.
  Task<Result<KnowledgeBase>> NewSizedBase(CreateKnowledgeBaseInput input,
                                           RequestContext& ctx) const;
  Task<Result<DataSource>> NewSource(std::string kb_id, CreateDataSourceInput input,
                                     RequestContext& ctx);

  Task<Result<>> Add(const KnowledgeBase& base, std::optional<DataSource> source);

  void ShowFailure(KnowledgeBase& base) const {
    auto failure = open_.FailureOf(base.id);
    if (!failure || base.status == KnowledgeBaseStatus::kDeleting) return;
    base.status = KnowledgeBaseStatus::kFailed;
    base.failure_reasons = {std::move(*failure)};
  }

  // Searches one base, in a span of its own.
  Task<Result<RetrieveResponse>> RetrieveFrom(const KnowledgeBase& base, RetrieveRequest request,
                                              RequestContext& ctx);
  Task<Result<RetrieveResponse>> EmbedAndSearch(const KnowledgeBase& base, RetrieveRequest request,
                                                RequestContext& ctx);
  // `ctx` has the span of this search.
  Task<Result<RetrieveResponse>> SearchIn(const KnowledgeBase& base, const EmbeddedQuery& query,
                                          RetrieveRequest request, RequestContext& ctx);
  // Searches all bases that a request names and puts what they find into one order.
  Task<Result<RetrieveResponse>> RetrieveFromAll(RetrieveRequest request, RequestContext& ctx);
  Result<std::vector<KnowledgeBase>> BasesFor(const RetrieveRequest& request,
                                              const RequestContext& ctx) const;
  // Side by side; `candidates`: of each base at least. Adds to `index_version`.
  Task<Result<std::vector<BaseRanking>>> RankEach(const std::vector<KnowledgeBase>& bases,
                                                  const RetrieveRequest& request, int candidates,
                                                  std::string& index_version, RequestContext& ctx);
  struct Searches;
  Task<void> SearchInTurn(Searches& searches, const RequestContext& ctx);

  // Takes over what an earlier process left: its leases, its unfinished jobs, pending documents.
  Task<Result<>> Recover();

  // Records a job, STARTING. kConflict while another of the source is not finished.
  Task<Result<IngestionJob>> NewIngestion(std::string kb_id, std::string source_id,
                                          std::string description, RequestContext& ctx);

  // Documents of an s3 source come as addresses; their bytes are read now, so that what is answered
  // as accepted is what will be indexed.
  Task<Result<>> FetchContents(const DataSource& source, std::vector<DocumentInput>& documents);

  const KnowledgeBasesParts parts_;
  const KbSettings settings_;
  std::unique_ptr<Catalog> catalog_;
  OpenBases open_;
  Ingestor ingestor_;
  Retriever retriever_;
  Worker worker_;
};

}  // namespace strata::knowledge
