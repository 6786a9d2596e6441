// Documents of KnowledgeBases.

#include "base/crash_point.h"
#include "base/utf8.h"
#include "knowledge/base/service.h"
#include "knowledge/base/sync.h"
#include "knowledge/reserved_attributes.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kDocumentsPerCall = 10;
constexpr std::size_t kIdBytesMax = 2048;

// Moves what the reserved attributes say to where it is heeded. Readers from two places are an
// error: either would be read as the whole of it.
Result<> HeedReserved(DocumentInput& input, const std::string& field) {
  auto reserved = TakeReserved(input.metadata);
  if (!reserved.has_value()) {
    auto at = field + (reserved.error().field().empty() ? "" : "." + reserved.error().field());
    return Fail(std::move(reserved.error()).AtField(std::move(at)));
  }
  for (const auto& label : reserved->labels) input.labels.Add(label);
  if (reserved->principals.empty()) return {};
  if (!input.access.allow.empty()) {
    return Fail(InvalidArgument(field + ".strata_principals",
                                "an access control list says already who may read it"));
  }
  input.access.allow = std::move(reserved->principals);
  return {};
}

Result<> CheckDocument(DocumentInput& input, std::size_t index) {
  const std::string field = "documents[" + std::to_string(index) + "]";
  if (input.id.empty() || input.id.size() > kIdBytesMax || !IsValidUtf8(input.id)) {
    return Fail(InvalidArgument(field + ".id", "expected 1 to 2048 bytes of UTF-8"));
  }
  if (!IsValidUtf8(input.title)) return Fail(InvalidArgument(field + ".title", "not valid UTF-8"));
  if (auto metadata = ParseMetadata(input.metadata); !metadata.has_value()) {
    return Fail(InvalidArgument(field + ".metadata", metadata.error().message()));
  }
  return HeedReserved(input, field + ".metadata");
}

DocumentDetail DetailOf(const std::string& kb_id, const DocumentRow& row) {
  return {.knowledge_base_id = kb_id,
          .data_source_id = row.source_id,
          .id = row.uri,
          .location = row.location,
          .title = row.title,
          .status = row.status,
          .reason = row.reason,
          .chunks = row.chunks,
          .bytes = row.bytes,
          .page_count = row.page_count,
          .updated = row.updated};
}

DocumentRow RowOf(const DataSource& source, const DocumentInput& input, const Clock& clock) {
  DocumentRow row;
  row.document_id = DocumentIdOf(source.id, input.id);
  row.source_id = source.id;
  row.uri = input.id;
  row.location = source.kind == DataSourceKind::kCustom ? LocationKind::kCustom : LocationKind::kS3;
  row.title = input.title;
  row.media_type = input.media_type;
  row.version = VersionOf(input);
  row.metadata = input.metadata;
  row.access = input.access;
  row.labels = input.labels;
  row.bytes = static_cast<std::int64_t>(input.content.size());
  row.updated = clock.Wall();
  return row;
}

}  // namespace

// --- Documents

Task<Result<>> KnowledgeBases::Impl::FetchContents(const DataSource& source,
                                                   std::vector<DocumentInput>& documents) {
  if (source.kind == DataSourceKind::kCustom) co_return Result<>();
  auto fetch = [&]() -> Result<> {
    SourceOptions options = parts_.sources;
    options.include = source.include;
    options.exclude = source.exclude;
    STRATA_TRY(auto items, OpenSource(source.uri, std::move(options)));
    for (auto& input : documents) {
      STRATA_TRY(auto item, items->Stat(input.id));
      STRATA_TRY(input.content, items->Fetch(item));
      input.media_type = item.media_type;
      if (input.metadata.text.empty()) input.metadata = item.metadata;
      if (input.access.allow.empty()) input.access.allow = item.principals;
      input.labels.AddAll(item.labels);
    }
    return {};
  };
  co_return co_await RunBlocking(*parts_.pool, std::move(fetch));
}

Task<Result<std::vector<DocumentDetail>>> KnowledgeBases::IngestDocuments(
    std::string kb_id, std::string source_id, std::vector<DocumentInput> documents,
    RequestContext& ctx) {
  if (documents.empty() || documents.size() > kDocumentsPerCall) {
    co_return Fail(InvalidArgument("documents", "expected 1 to 10 documents"));
  }
  for (std::size_t i = 0; i < documents.size(); ++i) {
    STRATA_CO_CHECK_OK(CheckDocument(documents[i], i));
  }
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  STRATA_CO_CHECK_OK(co_await impl_->FetchContents(place.source, documents));
  auto store = [&](store::Database& db) -> Result<std::vector<DocumentDetail>> {
    std::vector<DocumentDetail> details;
    for (const auto& input : documents) {
      auto row = RowOf(place.source, input, *ctx.clock);
      row.status = DocumentStatus::kPending;
      STRATA_CHECK_OK(PutPending(db, source_id, input, row, ctx.key));
      details.push_back(DetailOf(kb_id, row));
    }
    return details;
  };
  STRATA_CO_TRY(auto details, co_await place.open->file->Write(std::move(store)));
  CrashPoint("kb.pending.committed");
  STRATA_CO_CHECK_OK(co_await impl_->ingestor_.EnqueuePending(place.base));
  CrashPoint("kb.pending.enqueued");
  impl_->worker_.Wake();
  co_return details;
}

Task<Result<KnowledgeBases::IndexResult>> KnowledgeBases::IndexDocuments(
    std::string kb_id, std::string source_id, std::vector<DocumentInput> documents,
    RequestContext& ctx) {
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  STRATA_CO_TRY(auto indexer, impl_->ingestor_.IndexerFor(place.base));
  const auto mark = indexer.Mark(place.source.recipe);
  ctx.kb = place.base.name;  // whom the calls of this request are charged to
  IndexResult result;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    auto& input = documents[i];
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    // What stood there before stays as it was: the new text says nothing that can be trusted.
    if (auto good = CheckDocument(input, i); !good.has_value()) {
      ++result.failed;
      DocumentRow refused = RowOf(place.source, input, *ctx.clock);
      refused.status = DocumentStatus::kFailed;
      refused.reason = good.error().message();
      result.failures.push_back(DetailOf(kb_id, refused));
      continue;
    }
    auto row = RowOf(place.source, input, *ctx.clock);
    auto find = [&](store::Database& db) { return FindDocument(db, source_id, input.id); };
    STRATA_CO_TRY(auto before, co_await place.open->file->Read(std::move(find)));
    if (before && before->status == DocumentStatus::kIndexed && before->version == row.version &&
        before->recipe == mark) {
      ++result.unchanged;
      continue;
    }
    auto& file = *place.open->file;
    STRATA_CO_TRY(auto status, co_await IndexOne(file, indexer, row, std::move(input.content),
                                                 place.source.recipe, {}, ctx));
    if (status == DocumentStatus::kIndexed) {
      ++result.indexed;
      continue;
    }
    ++result.failed;
    auto again = [&](store::Database& db) { return FindDocument(db, source_id, row.uri); };
    STRATA_CO_TRY(auto failed, co_await file.Read(std::move(again)));
    if (failed) result.failures.push_back(DetailOf(kb_id, *failed));
  }
  co_await impl_->ingestor_.BoundRemovals(*place.open);
  co_return result;
}

Task<Result<std::vector<DocumentDetail>>> KnowledgeBases::GetDocuments(std::string kb_id,
                                                                       std::string source_id,
                                                                       std::vector<std::string> ids,
                                                                       RequestContext& ctx) {
  if (ids.empty() || ids.size() > kDocumentsPerCall) {
    co_return Fail(InvalidArgument("documentIdentifiers", "expected 1 to 10 identifiers"));
  }
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto read = [&](store::Database& db) -> Result<std::vector<DocumentDetail>> {
    std::vector<DocumentDetail> details;
    for (const auto& id : ids) {
      STRATA_TRY(auto row, FindDocument(db, source_id, id));
      DocumentRow missing;
      missing.source_id = source_id;
      missing.uri = id;
      missing.status = DocumentStatus::kNotFound;
      missing.updated = ctx.clock->Wall();
      details.push_back(DetailOf(kb_id, row ? *row : missing));
    }
    return details;
  };
  co_return co_await place.open->file->Read(std::move(read));
}

Task<Result<Page<DocumentDetail>>> KnowledgeBases::ListDocuments(std::string kb_id,
                                                                 std::string source_id,
                                                                 PageRequest page,
                                                                 RequestContext& ctx) {
  STRATA_CO_TRY(auto after, ReadToken(page));
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto read = [&](store::Database& db) {
    return ListDocumentRows(db, source_id, after, page.max_results + 1);
  };
  STRATA_CO_TRY(auto rows, co_await place.open->file->Read(std::move(read)));
  Page<DocumentDetail> out;
  const bool more = rows.size() > static_cast<std::size_t>(page.max_results);
  if (more) rows.pop_back();
  for (const auto& row : rows) out.items.push_back(DetailOf(kb_id, row));
  if (more) out.next_token = std::to_string(rows.back().row);
  co_return out;
}

Task<Result<bool>> KnowledgeBases::CheckAccess(std::string kb_id, std::string source_id,
                                               std::string document_id, RequestContext& ctx) {
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto read = [&](store::Database& db) -> Result<std::optional<DocumentRow>> {
    STRATA_TRY(auto row, FindDocument(db, source_id, document_id));
    if (row) return row;
    STRATA_TRY(row, FindDocumentById(db, document_id));
    return row && row->source_id == source_id ? row : std::nullopt;
  };
  STRATA_CO_TRY(auto row, co_await place.open->file->Read(std::move(read)));
  // The access list of a document that only waits is not there yet: the empty one says nothing.
  if (!row || row->version.empty()) {
    co_return Fail(NotFound("ingested document", document_id));
  }
  co_return MayRead(row->access, ctx.principals);
}

Task<Result<std::vector<DocumentDetail>>> KnowledgeBases::DeleteDocuments(
    std::string kb_id, std::string source_id, std::vector<std::string> ids, RequestContext& ctx) {
  if (ids.empty() || ids.size() > kDocumentsPerCall) {
    co_return Fail(InvalidArgument("documentIdentifiers", "expected 1 to 10 identifiers"));
  }
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto remove = [&](store::Database& db) -> Result<std::vector<DocumentDetail>> {
    std::vector<DocumentDetail> details;
    for (const auto& id : ids) {
      STRATA_TRY(bool found, RemoveDocument(db, source_id, id, {}));
      DocumentRow row;
      row.source_id = source_id;
      row.uri = id;
      row.status = found ? DocumentStatus::kDeleting : DocumentStatus::kNotFound;
      row.updated = ctx.clock->Wall();
      details.push_back(DetailOf(kb_id, row));
    }
    return details;
  };
  co_return co_await place.open->file->Write(std::move(remove));
}

}  // namespace strata::knowledge
