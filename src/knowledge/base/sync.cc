#include "knowledge/base/sync.h"

#include <algorithm>
#include <set>

#include "base/budget_error.h"
#include "base/crash_point.h"
#include "base/log.h"

namespace strata::knowledge {
namespace {

// Documents that are removed in one transaction.
constexpr std::size_t kRemoveBatch = 100;

bool SameFacts(const domain::SourceItem& item, const KnownDocument& known) {
  return item.metadata == known.metadata && item.principals == known.access.allow &&
         item.labels == known.labels;
}

bool IsRefused(const KnownDocument& known, const SyncMarks& marks) {
  return known.status == DocumentStatus::kFailed && known.recipe == marks.refused;
}

bool UpToDate(const KnownDocument& known, const SyncMarks& marks) {
  return IsRefused(known, marks) ||
         (known.status == DocumentStatus::kIndexed && known.recipe == marks.indexed);
}

DocumentRow RowOf(const DataSource& source, const domain::SourceItem& item, const Clock& clock) {
  DocumentRow row;
  row.document_id = DocumentIdOf(source.id, item.uri);
  row.source_id = source.id;
  row.uri = item.uri;
  row.location = source.kind == DataSourceKind::kS3 ? LocationKind::kS3 : LocationKind::kFile;
  row.media_type = item.media_type;
  row.version = item.version;
  row.metadata = item.metadata;
  row.access.allow = item.principals;
  row.labels = item.labels;
  row.bytes = static_cast<std::int64_t>(item.bytes);
  row.updated = clock.Wall();
  return row;
}

// The steps of one sync, in order.
class Sync {
 public:
  Sync(SyncTask task, RequestContext& ctx) : task_(std::move(task)), ctx_(ctx) {}

  Task<Result<>> Run() {
    STRATA_CO_TRY(auto plan, co_await Plan());
    STRATA_CO_CHECK_OK(co_await Remove(std::move(plan.removed)));
    STRATA_CO_CHECK_OK(co_await Ignore(std::move(plan.ignored)));
    STRATA_CO_CHECK_OK(co_await UpdateFacts(std::move(plan.facts)));
    STRATA_CO_CHECK_OK(co_await Touch(std::move(plan.touched)));
    STRATA_CO_CHECK_OK(co_await CountAgain());
    std::int64_t bytes = 0;
    for (const auto& entry : plan.index) bytes += static_cast<std::int64_t>(entry.item.bytes);
    task_.pace.Begin(task_.job_id, static_cast<std::int64_t>(plan.index.size()), bytes);
    for (auto& entry : plan.index) {
      STRATA_CO_CHECK_OK(ctx_.CheckAlive());
      const auto size = static_cast<std::int64_t>(entry.item.bytes);
      STRATA_CO_CHECK_OK(co_await Index(std::move(entry)));
      task_.pace.Done(task_.job_id, size);
    }
    co_return Result<>();
  }

 private:
  Task<Result<SyncPlan>> Plan() {
    const std::string source_id = task_.source.id;
    auto read = [&source_id](store::Database& db) { return KnownDocuments(db, source_id); };
    STRATA_CO_TRY(auto known, co_await task_.file.Read(std::move(read)));
    const SyncMarks marks{.indexed = task_.indexer.Mark(task_.source.recipe),
                          .refused = task_.indexer.RefusalMark(task_.source.recipe)};
    auto list = [&] { return task_.items.List(VersionsOf(known, marks), ctx_.cancel); };
    STRATA_CO_TRY(auto listing, co_await RunBlocking(task_.pool, std::move(list), ctx_.urgency));
    const auto sidecars = std::ranges::count_if(
        listing.items, [](const auto& item) { return !item.metadata.text.empty(); });
    const auto scanned = listing.items.size() + listing.skipped.size();
    auto record = [&](store::Database& db) {
      return SetIngestionScanned(db, task_.job_id, static_cast<std::int64_t>(scanned), sidecars,
                                 ctx_.clock->Wall());
    };
    STRATA_CO_CHECK_OK(co_await task_.file.Write(std::move(record)));
    auto plan = PlanSync(listing, known, marks);
    for (const auto& uri : plan.again) {
      auto& before = known.at(uri);
      auto& row = again_.emplace_back();
      row.uri = uri;
      row.status = before.status;
      row.reason = std::move(before.reason);
    }
    co_return plan;
  }

  Task<Result<>> Remove(std::vector<std::string> uris) {
    for (std::size_t at = 0; at < uris.size(); at += kRemoveBatch) {
      STRATA_CO_CHECK_OK(ctx_.CheckAlive());
      auto remove = [&](store::Database& db) -> Result<> {
        const JobTally tally{.job_id = task_.job_id, .tally = Tally::kDeleted};
        for (auto i = at; i < std::min(uris.size(), at + kRemoveBatch); ++i) {
          STRATA_CHECK_OK(RemoveDocument(db, task_.source.id, uris[i], tally));
        }
        return {};
      };
      STRATA_CO_CHECK_OK(co_await task_.file.Write(std::move(remove)));
      CrashPoint("kb.sync.removed");
      task_.changed();
    }
    co_return Result<>();
  }

  Task<Result<>> Ignore(std::vector<SyncPlan::Ignored> items) {
    for (auto& item : items) {
      domain::SourceItem named;
      named.uri = item.uri;
      auto row = RowOf(task_.source, named, *ctx_.clock);
      row.status = DocumentStatus::kIgnored;
      row.reason = std::move(item.reason);
      row.access = std::move(item.access);
      const JobTally tally{.job_id = task_.job_id, .tally = Tally::kSkipped};
      auto write = [&](store::Database& db) { return PutDocumentState(db, row, tally); };
      STRATA_CO_CHECK_OK(co_await task_.file.Write(std::move(write)));
      task_.changed();
    }
    co_return Result<>();
  }

  Task<Result<>> UpdateFacts(std::vector<domain::SourceItem> items) {
    for (auto& item : items) {
      auto row = RowOf(task_.source, item, *ctx_.clock);
      if (auto parsed = ParseMetadata(row.metadata); !parsed.has_value()) {
        JobTally failed{.job_id = task_.job_id};
        STRATA_CO_CHECK_OK(co_await MarkFailed(task_.file, std::move(row), parsed.error(),
                                               std::move(failed), *ctx_.clock));
        continue;
      }
      const JobTally tally{.job_id = task_.job_id, .tally = Tally::kMetadataModified};
      auto write = [&](store::Database& db) { return UpdateDocumentFacts(db, row, tally); };
      STRATA_CO_CHECK_OK(co_await task_.file.Write(std::move(write)));
      task_.changed();
    }
    co_return Result<>();
  }

  Task<Result<>> Touch(std::vector<domain::SourceItem> items) {
    auto write = [&](store::Database& db) -> Result<> {
      for (const auto& item : items) {
        STRATA_CHECK_OK(UpdateDocumentVersion(db, task_.source.id, item.uri, item.version));
      }
      return {};
    };
    if (items.empty()) co_return Result<>();
    co_return co_await task_.file.Write(std::move(write));
  }

  Task<Result<>> CountAgain() {
    if (again_.empty()) co_return Result<>();
    auto count = [&](store::Database& db) { return CountSettledAgain(db, task_.job_id, again_); };
    co_return co_await task_.file.Write(std::move(count));
  }

  Task<Result<>> Index(SyncPlan::Index entry) {
    auto row = RowOf(task_.source, entry.item, *ctx_.clock);
    auto fetch = [&] { return task_.items.Fetch(entry.item); };
    auto content = co_await RunBlocking(task_.pool, std::move(fetch), ctx_.urgency);
    if (!content.has_value()) {
      // Gone or changed since it was listed: the next sync sees it as it is then.
      const auto code = content.error().code();
      if (code == Code::kNotFound || code == Code::kConflict) co_return Result<>();
      if (!IsDocumentsFault(content.error())) co_return std::unexpected(content.error());
      JobTally failed{.job_id = task_.job_id};
      STRATA_CO_CHECK_OK(co_await MarkFailed(task_.file, std::move(row), content.error(),
                                             std::move(failed), *ctx_.clock));
      task_.changed();
      co_return Result<>();
    }
    JobTally tally{.job_id = task_.job_id, .tally = entry.tally};
    STRATA_CO_CHECK_OK(co_await IndexOne(task_.file, task_.indexer, std::move(row),
                                         std::move(*content), task_.source.recipe, std::move(tally),
                                         ctx_));
    CrashPoint("kb.sync.indexed");
    task_.changed();
    co_return Result<>();
  }

  SyncTask task_;
  RequestContext& ctx_;
  std::vector<DocumentRow> again_;  // of the plan: uri, status and reason
};

}  // namespace

KnownVersions VersionsOf(const KnownMap& known, const SyncMarks& marks) {
  KnownVersions versions;
  for (const auto& [uri, document] : known) {
    versions.emplace(uri, UpToDate(document, marks) ? document.version : std::string());
  }
  return versions;
}

namespace {

bool HasSomethingToSay(const KnownDocument& before, const SyncMarks& marks) {
  return IsRefused(before, marks) || !before.reason.empty();
}

// The same bytes under another time stamp or with another sidecar.
void PlanTouched(domain::SourceItem item, const KnownDocument& before, const SyncMarks& marks,
                 SyncPlan& plan) {
  if (SameFacts(item, before)) {
    if (HasSomethingToSay(before, marks)) plan.again.push_back(item.uri);
    plan.touched.push_back(std::move(item));
  } else if (IsRefused(before, marks)) {  // perhaps for what the sidecar said
    plan.index.push_back({.item = std::move(item), .tally = Tally::kAdded});
  } else {
    plan.facts.push_back(std::move(item));
  }
}

// The same version.
void PlanKept(const domain::SourceItem& item, const KnownDocument& before, const SyncMarks& marks,
              SyncPlan& plan) {
  if (HasSomethingToSay(before, marks)) plan.again.push_back(item.uri);
  if (!IsRefused(before, marks) && !SameFacts(item, before)) plan.facts.push_back(item);
}

// Who may know of a document that is skipped. Where nobody can say it, those who could before, if
// they were not everybody.
AccessList ReadersOf(const SkippedItem& item, const AccessList& before) {
  if (item.principals) return {.allow = *item.principals, .deny = {}};
  return before == AccessList{} ? Nobody() : before;
}

void PlanSkipped(const SkippedItem& item, const KnownMap& known, SyncPlan& plan) {
  const auto at = known.find(item.uri);
  const auto before = at == known.end() ? KnownDocument{} : at->second;
  SyncPlan::Ignored ignored{
      .uri = item.uri, .reason = item.reason, .access = ReadersOf(item, before.access)};
  const bool told = before.status == DocumentStatus::kIgnored && before.reason == ignored.reason &&
                    before.access == ignored.access;
  if (told) plan.again.push_back(item.uri);
  if (!told) plan.ignored.push_back(std::move(ignored));
}

}  // namespace

SyncPlan PlanSync(const SourceListing& listing, const KnownMap& known, const SyncMarks& marks) {
  SyncPlan plan;
  auto changes = DiffSource(listing, VersionsOf(known, marks));
  std::set<std::string, std::less<>> moved;  // whatever the version says of them
  for (auto* list : {&changes.added, &changes.changed}) {
    for (auto& item : *list) {
      moved.insert(item.uri);
      const auto before = known.find(item.uri);
      const bool was_indexed =
          before != known.end() && before->second.status == DocumentStatus::kIndexed;
      plan.index.push_back(
          {.item = std::move(item), .tally = was_indexed ? Tally::kModified : Tally::kAdded});
    }
  }
  for (auto& item : changes.touched) {
    moved.insert(item.uri);
    const auto& before = known.at(item.uri);
    PlanTouched(std::move(item), before, marks, plan);
  }
  for (const auto& item : listing.items) {
    const auto before = known.find(item.uri);
    if (before == known.end() || !moved.insert(item.uri).second) continue;
    PlanKept(item, before->second, marks, plan);
  }
  for (const auto& item : listing.skipped) {
    moved.insert(item.uri);
    PlanSkipped(item, known, plan);
  }
  for (auto& uri : changes.removed) {
    if (!moved.contains(uri)) plan.removed.push_back(std::move(uri));
  }
  return plan;
}

Task<Result<>> MarkFailed(store::SqlFile& file, DocumentRow document, const Error& error,
                          JobTally tally, const Clock& clock) {
  document.status = DocumentStatus::kFailed;
  document.reason = error.message();
  document.updated = clock.Wall();
  tally.tally = Tally::kFailed;
  Log(Level::kWarning, "kb.document.failed",
      {{"document", document.uri}, {"reason", document.reason}});
  auto write = [&](store::Database& db) { return PutDocumentState(db, document, tally); };
  co_return co_await file.Write(std::move(write));
}

Task<Result<DocumentStatus>> IndexOne(store::SqlFile& file, const Indexer& indexer,
                                      DocumentRow document, std::string content, ChunkRecipe recipe,
                                      JobTally tally, RequestContext& ctx) {
  bool refused = false;
  auto built = co_await indexer.Build(document, std::move(content), recipe, ctx, &refused);
  if (!built.has_value()) {
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    // Pending content of others is not to wait for a budget of this one's key.
    const bool unpaid = tally.pending_row != 0 && IsBudgetUsedUp(built.error());
    if (!unpaid && !IsDocumentsFault(built.error())) {
      co_return std::unexpected(std::move(built.error()));
    }
    document.recipe = refused ? indexer.RefusalMark(recipe) : std::string();
    STRATA_CO_CHECK_OK(co_await MarkFailed(file, std::move(document), built.error(),
                                           std::move(tally), *ctx.clock));
    co_return DocumentStatus::kFailed;
  }
  auto write = [&](store::Database& db) { return PutDocument(db, *built, tally); };
  STRATA_CO_CHECK_OK(co_await file.Write(std::move(write)));
  CrashPoint("kb.document.committed");
  co_return DocumentStatus::kIndexed;
}

Task<Result<>> RunSync(SyncTask task, RequestContext& ctx) {
  Sync sync(std::move(task), ctx);
  co_return co_await sync.Run();
}

}  // namespace strata::knowledge
