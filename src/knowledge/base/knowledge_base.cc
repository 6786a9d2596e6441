// Knowledge bases and data sources of KnowledgeBases; what they hold, by its id.

#include "knowledge/knowledge_base.h"

#include <algorithm>
#include <charconv>
#include <ranges>

#include "base/crash_point.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/run_task.h"
#include "knowledge/base/base_embedder.h"
#include "knowledge/base/service.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kNameMax = 100;

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

Result<> CheckName(const std::string& name) {
  const bool ends_right = !name.empty() && name.front() != '.' && name.front() != '-' &&
                          name.back() != '.' && name.back() != '-';
  if (name.size() > kNameMax || !ends_right || !std::ranges::all_of(name, IsNameByte)) {
    return Fail(InvalidArgument(
        "name", "expected 1 to 100 letters, digits, '_', '-' or '.', not '-' or '.' at the ends"));
  }
  return {};
}

// No key of a bucket has such parts; "s3://docs/../other" names nothing.
Result<> CheckKey(std::string_view uri) {
  const auto key = PercentDecode(uri);
  if (!key) return Fail(InvalidArgument("uri", "has a '%' that no two hex digits follow"));
  for (const auto part : std::views::split(*key, '/')) {
    const std::string_view name(part.begin(), part.end());
    if (name != "." && name != "..") continue;
    return Fail(
        InvalidArgument("uri", "holds '" + std::string(name) + "', which no key of a bucket does"));
  }
  return {};
}

}  // namespace

Result<std::int64_t> ReadToken(const PageRequest& page) {
  if (page.max_results < 1 || page.max_results > 1000) {
    return Fail(InvalidArgument("maxResults", "expected 1 to 1000"));
  }
  if (page.next_token.empty()) return 0;
  std::int64_t number = 0;
  const auto* end = page.next_token.data() + page.next_token.size();
  const auto [at, error] = std::from_chars(page.next_token.data(), end, number);
  if (error != std::errc() || at != end || number < 0) {
    return Fail(InvalidArgument("nextToken", "not a token of this list"));
  }
  return number;
}

KnowledgeBases::KnowledgeBases(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KnowledgeBases::~KnowledgeBases() { Stop(); }

Result<std::unique_ptr<KnowledgeBases>> KnowledgeBases::Open(KnowledgeBasesParts parts,
                                                             const Options& options) {
  STRATA_TRY(auto catalog, Catalog::Open(*parts.meta));
  auto impl = std::make_unique<Impl>(std::move(parts), options, std::move(catalog));
  STRATA_CHECK_OK(impl->FinishDeletions());
  return std::unique_ptr<KnowledgeBases>(new KnowledgeBases(std::move(impl)));
}

Result<> KnowledgeBases::Start() {
  STRATA_CHECK_OK(RunTask(impl_->Recover()));
  impl_->worker_.Start();
  return {};
}

bool KnowledgeBases::reranks() const { return !impl_->settings_.retriever.rerank.model.empty(); }

Pool& KnowledgeBases::pool() const { return *impl_->parts_.pool; }

void KnowledgeBases::Stop() { impl_->worker_.Stop(); }

// --- Knowledge bases

Result<KnowledgeBase> KnowledgeBases::Impl::NewBase(CreateKnowledgeBaseInput input,
                                                    const RequestContext& ctx) const {
  STRATA_CHECK_OK(CheckName(input.name));
  STRATA_CHECK_OK(settings_.CheckStorage(input.storage_type));
  KnowledgeBase base;
  base.id = NewResourceId();
  base.workspace = ctx.workspace;
  base.name = std::move(input.name);
  base.description = std::move(input.description);
  base.embedding_model =
      input.embedding_model.empty() ? settings_.embedding_model : input.embedding_model;
  STRATA_TRY(auto embedder, parts_.embedder(base.embedding_model));
  base.embedding_model = embedder->Info().id;
  base.mode = input.mode.value_or(SearchMode::kDefault);
  if (base.mode == SearchMode::kDefault) base.mode = settings_.mode;
  base.storage_type = std::move(input.storage_type);
  base.extra = std::move(input.extra);
  base.created = ctx.clock->Wall();
  base.updated = base.created;
  return base;
}

Task<Result<KnowledgeBase>> KnowledgeBases::Impl::NewSizedBase(CreateKnowledgeBaseInput input,
                                                               RequestContext& ctx) const {
  STRATA_CO_TRY(auto base, NewBase(std::move(input), ctx));
  STRATA_CO_TRY(auto embedder, parts_.embedder(base.embedding_model));
  ctx.kb = base.name;  // whom a call is charged to
  STRATA_CO_CHECK_OK(co_await SetDimensions(base, *embedder, ctx));
  co_return base;
}

Task<Result<DataSource>> KnowledgeBases::Impl::NewSource(std::string kb_id,
                                                         CreateDataSourceInput input,
                                                         RequestContext& ctx) {
  STRATA_CO_CHECK_OK(CheckName(input.name));
  DataSource source;
  source.id = NewResourceId();
  source.knowledge_base_id = std::move(kb_id);
  source.name = std::move(input.name);
  source.description = std::move(input.description);
  source.kind = input.kind;
  source.uri = std::move(input.uri);
  source.include = std::move(input.include);
  source.exclude = std::move(input.exclude);
  source.recipe = input.recipe.value_or(settings_.recipe);
  source.delete_documents_with_source = input.delete_documents_with_source;
  source.extra = std::move(input.extra);
  source.created = ctx.clock->Wall();
  source.updated = source.created;
  if (source.kind != DataSourceKind::kCustom) {
    SourceOptions options = parts_.sources;
    options.include = source.include;
    options.exclude = source.exclude;
    auto open = [&] { return OpenSource(source.uri, std::move(options)); };
    STRATA_CO_CHECK_OK(co_await RunBlocking(*parts_.pool, std::move(open)));
  }
  co_return source;
}

// The file first: a base without one is one that has lost it. Cut short in between, a file stays
// that nobody knows of.
Task<Result<>> KnowledgeBases::Impl::Add(const KnowledgeBase& base,
                                         std::optional<DataSource> source) {
  STRATA_CO_CHECK_OK(co_await open_.Create(base.id));
  CrashPoint("kb.base.file_made");
  auto added = co_await catalog_->AddBase(base, std::move(source));
  if (added.has_value()) co_return added;
  if (auto removed = co_await open_.Remove(base.id); !removed.has_value()) {
    Log(Level::kWarning, "kb.base.file_left",
        {{"base", base.id}, {"error", removed.error().message()}});
  }
  co_return added;
}

Task<Result<KnowledgeBase>> KnowledgeBases::Create(CreateKnowledgeBaseInput input,
                                                   RequestContext& ctx) {
  STRATA_CO_TRY(auto base, co_await impl_->NewSizedBase(std::move(input), ctx));
  STRATA_CO_CHECK_OK(co_await impl_->Add(base, std::nullopt));
  co_return base;
}

Task<Result<KnowledgeBases::BaseAndSource>> KnowledgeBases::CreateWithSource(
    CreateKnowledgeBaseInput input, CreateDataSourceInput source, RequestContext& ctx) {
  BaseAndSource made;
  STRATA_CO_TRY(made.base, co_await impl_->NewSizedBase(std::move(input), ctx));
  STRATA_CO_TRY(made.source, co_await impl_->NewSource(made.base.id, std::move(source), ctx));
  STRATA_CO_CHECK_OK(co_await impl_->Add(made.base, made.source));
  co_return made;
}

Result<KnowledgeBase> KnowledgeBases::Get(std::string_view id, const WorkspaceId& workspace) const {
  STRATA_TRY(auto base, impl_->catalog_->Base(id, workspace));
  impl_->ShowFailure(base);
  return base;
}

Result<KnowledgeBase> KnowledgeBases::FindByName(std::string_view name,
                                                 const WorkspaceId& workspace) const {
  STRATA_TRY(auto base, impl_->catalog_->BaseByName(name, workspace));
  impl_->ShowFailure(base);
  return base;
}

Result<Page<KnowledgeBase>> KnowledgeBases::List(const PageRequest& page,
                                                 const WorkspaceId& workspace) const {
  auto all = ListAll();
  std::erase_if(all, [&](const auto& base) { return base.workspace != workspace; });
  return Slice(std::move(all), page);
}

std::vector<KnowledgeBase> KnowledgeBases::ListAll() const {
  auto all = impl_->catalog_->Bases();
  for (auto& base : all) impl_->ShowFailure(base);
  return all;
}

Task<Result<>> KnowledgeBases::Delete(std::string id, RequestContext& ctx) {
  STRATA_CO_TRY(const auto base, impl_->Base(id, ctx));
  STRATA_CO_CHECK_OK(co_await impl_->catalog_->SetBaseStatus(id, KnowledgeBaseStatus::kDeleting));
  CrashPoint("kb.base.deleting");
  // Nobody could find what a job that runs would still read and pay for.
  STRATA_CO_CHECK_OK(co_await impl_->ingestor_.CancelJobsOf(base));
  impl_->worker_.Wake();
  STRATA_CO_CHECK_OK(co_await impl_->open_.Remove(id));
  co_return co_await impl_->catalog_->RemoveBase(std::move(id));
}

// --- Data sources

Task<Result<DataSource>> KnowledgeBases::CreateSource(std::string kb_id,
                                                      CreateDataSourceInput input,
                                                      RequestContext& ctx) {
  STRATA_CO_TRY(auto base, impl_->Base(kb_id, ctx));
  STRATA_CO_TRY(auto source, co_await impl_->NewSource(base.id, std::move(input), ctx));
  STRATA_CO_CHECK_OK(co_await impl_->catalog_->AddSource(source));
  co_return source;
}

Task<Result<DataSource>> KnowledgeBases::GetSource(std::string kb_id, std::string source_id,
                                                   RequestContext& ctx) {
  STRATA_CO_CHECK_OK(impl_->Base(kb_id, ctx));
  co_return impl_->catalog_->Source(kb_id, source_id);
}

Task<Result<Page<DataSource>>> KnowledgeBases::ListSources(std::string kb_id, PageRequest page,
                                                           RequestContext& ctx) {
  STRATA_CO_CHECK_OK(impl_->Base(kb_id, ctx));
  co_return Slice(impl_->catalog_->Sources(kb_id), page);
}

Task<Result<>> KnowledgeBases::DeleteSource(std::string kb_id, std::string source_id,
                                            RequestContext& ctx) {
  STRATA_CO_TRY(auto place, co_await impl_->Find(kb_id, source_id, ctx));
  auto unfinished = [](store::Database& db) { return UnfinishedIngestions(db); };
  STRATA_CO_TRY(auto jobs, co_await place.open->file->Read(std::move(unfinished)));
  for (const auto& row : jobs) {
    if (row.job.data_source_id == source_id) {
      co_return Fail(Code::kConflict, "ingestion job " + row.job.id + " of this data source runs");
    }
  }
  while (place.source.delete_documents_with_source) {
    auto batch = [&](store::Database& db) -> Result<bool> {
      STRATA_TRY(auto rows, ListDocumentRows(db, source_id, 0, 100));
      for (const auto& row : rows) STRATA_CHECK_OK(RemoveDocument(db, source_id, row.uri, {}));
      return !rows.empty();
    };
    STRATA_CO_TRY(bool more, co_await place.open->file->Write(std::move(batch)));
    CrashPoint("kb.source.batch_removed");
    if (!more) break;
  }
  auto forget = [&](store::Database& db) { return RemoveIngestions(db, source_id); };
  STRATA_CO_CHECK_OK(co_await place.open->file->Write(std::move(forget)));
  co_return co_await impl_->catalog_->RemoveSource(std::move(source_id));
}

// --- Chunks and documents

Task<Result<RetrievedChunk>> KnowledgeBases::FetchChunk(std::string kb_id, std::string chunk_id,
                                                        RequestContext& ctx) {
  STRATA_CO_TRY(auto base, impl_->Base(kb_id, ctx));
  STRATA_CO_TRY(auto open, co_await impl_->open_.Get(base));
  auto read = [&](store::Database& db) { return ReadChunkById(db, chunk_id); };
  STRATA_CO_TRY(auto stored, co_await open->file->Read(std::move(read)));
  if (!stored || !MayRead(stored->access, ctx.principals)) {
    co_return Fail(NotFound("chunk", chunk_id));
  }
  stored->chunk.knowledge_base_id = std::move(kb_id);
  co_return std::move(stored->chunk);
}

Task<Result<std::int64_t>> KnowledgeBases::Generation(std::string kb_id, RequestContext& ctx) {
  STRATA_CO_TRY(auto base, impl_->Base(kb_id, ctx));
  STRATA_CO_TRY(auto open, co_await impl_->open_.Get(base));
  auto read = [](store::Database& db) { return ReadGeneration(db); };
  co_return co_await open->file->Read(std::move(read));
}

Task<Result<KnowledgeBases::OriginalDocument>> KnowledgeBases::FetchOriginal(
    std::string kb_id, std::string document_id, RequestContext& ctx) {
  STRATA_CO_TRY(auto base, impl_->Base(kb_id, ctx));
  STRATA_CO_TRY(auto open, co_await impl_->open_.Get(base));
  auto read = [&](store::Database& db) { return FindDocumentById(db, document_id); };
  STRATA_CO_TRY(auto row, co_await open->file->Read(std::move(read)));
  if (!row || !MayRead(row->access, ctx.principals)) {
    co_return Fail(NotFound("document", document_id));
  }
  if (row->page_count == 0) {
    co_return Fail(Code::kUnsupported, "this document has no pages to show");
  }
  OriginalDocument out{.name = row->uri, .media_type = row->media_type, .bytes = {}};
  if (row->location == LocationKind::kCustom) {
    auto original = [&](store::Database& db) { return ReadOriginal(db, row->row); };
    STRATA_CO_TRY(auto bytes, co_await open->file->Read(std::move(original)));
    if (!bytes) co_return Fail(NotFound("original of document", document_id));
    out.bytes = std::move(*bytes);
    co_return out;
  }
  STRATA_CO_TRY(auto source, impl_->catalog_->Source(base.id, row->source_id));
  auto fetch = [&]() -> Result<std::string> {
    STRATA_TRY(auto items, OpenSource(source.uri, impl_->parts_.sources));
    STRATA_TRY(auto item, items->Stat(row->uri));
    item.version = row->version;  // what was indexed, not what is there now
    return items->Fetch(item);
  };
  STRATA_CO_TRY(out.bytes, co_await RunBlocking(*impl_->parts_.pool, std::move(fetch)));
  co_return out;
}

Task<Result<KnowledgeBases::BucketDocument>> KnowledgeBases::FetchFromBucket(std::string uri,
                                                                             RequestContext& ctx) {
  constexpr std::string_view kScheme = "s3://";
  auto fetch = [&]() -> Result<BucketDocument> {
    if (!uri.starts_with(kScheme)) return Fail(InvalidArgument("uri", "expected s3://BUCKET/KEY"));
    STRATA_CHECK_OK(CheckKey(uri));
    const auto bucket = std::string_view(uri).substr(0, uri.find('/', kScheme.size()));
    STRATA_TRY(auto source, OpenSource(bucket, impl_->parts_.sources));
    STRATA_TRY(auto item, source->Stat(uri));
    AccessList access;
    access.allow = std::move(item.principals);
    if (!MayRead(access, ctx.principals)) return Fail(NotFound("document", uri));
    BucketDocument out{
        .media_type = item.media_type, .bytes = {}, .metadata = item.metadata, .labels = {}};
    out.labels.AddAll(item.labels);
    STRATA_TRY(out.bytes, source->Fetch(item));
    return out;
  };
  auto fetched = co_await RunBlocking(*impl_->parts_.pool, std::move(fetch));
  if (fetched.has_value()) co_return fetched;
  co_return Fail(std::move(fetched.error()).AtField("uri"));
}

}  // namespace strata::knowledge
