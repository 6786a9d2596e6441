// Files of vector stores and batches of them.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/crash_point.h"
#include "base/format_message.h"
#include "knowledge/base/kb_store_files.h"
#include "knowledge/base/service.h"
#include "knowledge/parser.h"
#include "knowledge/vector_stores.h"

namespace strata::knowledge {
namespace {

// The custom data sources that uploaded files are in: one for the base's own way of cutting, and
// one with the numbers behind its name for each other.
constexpr std::string_view kSourceName = "openai-files";
constexpr std::string_view kBatchPrefix = "vsfb_";

std::string SourceName(const std::optional<StaticChunking>& chunking) {
  if (!chunking) return std::string(kSourceName);
  return fmt::format("{}-{}-{}", kSourceName, chunking->tokens_max, chunking->overlap);
}

bool IsOurs(const DataSource& source) {
  return source.kind == DataSourceKind::kCustom && source.name.starts_with(kSourceName);
}

// SourceName read back; nullopt for the plain name and for other sources.
std::optional<StaticChunking> ChunkingOf(const DataSource& source) {
  if (!IsOurs(source) || source.name.size() <= kSourceName.size() + 1) return std::nullopt;
  const auto* at = source.name.data() + kSourceName.size() + 1;
  const auto* end = source.name.data() + source.name.size();
  StaticChunking out;
  const auto first = std::from_chars(at, end, out.tokens_max);
  if (first.ec != std::errc() || first.ptr == end) return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, out.overlap);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return out;
}

ChunkRecipe RecipeOf(const StaticChunking& chunking) {
  ChunkRecipe recipe;
  recipe.strategy = ChunkStrategy::kFixedSize;
  recipe.tokens_target = chunking.tokens_max;
  recipe.tokens_max = chunking.tokens_max;
  recipe.overlap_percent = static_cast<int>(chunking.overlap * 100 / chunking.tokens_max);
  return recipe;
}

store::FileOwner OwnerOf(const RequestContext& ctx) {
  return {.workspace = ctx.workspace, .key = ctx.key};
}

Error UnknownFile(std::string_view id) { return NotFound("file", id).AtField("file_id"); }

// The ids that a document of that name may have in a base.
std::vector<std::string> DocumentIdsOf(const std::vector<DataSource>& sources,
                                       const std::string& file_id) {
  if (!file_id.starts_with(store::kFileIdPrefix)) return {file_id};
  std::vector<std::string> out;
  for (const auto& source : sources) {
    if (source.kind == DataSourceKind::kCustom) out.push_back(DocumentIdOf(source.id, file_id));
  }
  return out;
}

// A file that the caller may read. kNotFound.
Result<StoreFileRow> Find(store::Database& db, const std::vector<DataSource>& sources,
                          const std::string& file_id, const RequestContext& ctx) {
  for (const auto& id : DocumentIdsOf(sources, file_id)) {
    STRATA_TRY(auto row, FindStoreFile(db, id));
    if (row && MayRead(row->access, ctx.principals)) return std::move(*row);
  }
  return Fail(UnknownFile(file_id));
}

Result<> CheckOwn(const StoreFileRow& row) {
  if (row.file.own) return {};
  return Fail(Error(Code::kUnsupported,
                    FormatMessage("file {} comes from a folder or bucket; change it there and sync",
                                  row.file.id))
                  .AtField("file_id"));
}

StoreFile Finish(StoreFileRow row, const std::vector<DataSource>& sources) {
  const auto source = std::ranges::find(sources, row.source_id, &DataSource::id);
  if (source != sources.end()) row.file.chunking = ChunkingOf(*source);
  return std::move(row.file);
}

// Rows of one page, in the asked order, and whether more follow. Those that the caller may not read
// are passed over.
Result<ListPage<StoreFileRow>> ReadPage(store::Database& db, StoreFileQuery query,
                                        const RequestContext& ctx, int limit) {
  ListPage<StoreFileRow> page;
  query.limit = limit + 1;
  for (;;) {
    STRATA_TRY(auto rows, ListStoreFiles(db, query));
    const bool last = rows.size() < static_cast<std::size_t>(query.limit);
    for (auto& row : rows) {
      query.after = row.row;
      if (!MayRead(row.access, ctx.principals)) continue;
      page.more = page.items.size() == static_cast<std::size_t>(limit);
      if (page.more) return page;
      page.items.push_back(std::move(row));
    }
    if (last) return page;
  }
}

// Who may read a file is said by its attributes. A key that names only others would lose sight of
// the file at once and could not even take it out again.
Result<ReservedAttributes> TakeReaders(JsonText& attributes, const RequestContext& ctx) {
  STRATA_TRY(auto reserved, TakeReserved(attributes));
  if (reserved.principals.empty() ||
      MayRead({.allow = reserved.principals, .deny = {}}, ctx.principals)) {
    return reserved;
  }
  return Fail(InvalidArgument("strata_principals",
                              "this key holds none of them and could not see the file afterwards "
                              "(strata key create --principal)"));
}

Error Below(const std::string& field, Error error) {
  auto at =
      field.empty() || error.field().empty() ? field + error.field() : field + "." + error.field();
  return std::move(error).AtField(std::move(at));
}

}  // namespace

Task<Result<VectorStores::CheckedFiles>> VectorStores::CheckFiles(std::vector<FileToAdd> files,
                                                                  RequestContext& ctx) {
  CheckedFiles out;
  for (auto& file : files) {
    auto owner = OwnerOf(ctx);
    auto found = co_await files_.Get(std::move(owner), file.id);
    if (!found.has_value()) {
      co_return Fail(std::move(found.error()).AtField(std::move(file.field)));
    }
    auto reserved = TakeReaders(file.attributes, ctx);
    if (!reserved.has_value()) {
      co_return Fail(Below("attributes", std::move(reserved.error())));
    }
    out.push_back({.asked = std::move(file),
                   .filename = std::move(found->filename),
                   .reserved = std::move(*reserved)});
  }
  co_return out;
}

Task<Result<DataSource>> VectorStores::SourceFor(const KnowledgeBase& base,
                                                 std::optional<StaticChunking> chunking,
                                                 RequestContext& ctx) {
  const auto name = SourceName(chunking);
  auto find = [&]() -> std::optional<DataSource> {
    auto sources = bases_.impl_->catalog_->Sources(base.id);
    const auto at = std::ranges::find_if(
        sources, [&](const auto& source) { return IsOurs(source) && source.name == name; });
    return at == sources.end() ? std::nullopt : std::optional(std::move(*at));
  };
  if (auto source = find()) co_return std::move(*source);
  const auto ours = std::ranges::count_if(bases_.impl_->catalog_->Sources(base.id), IsOurs);
  if (static_cast<std::size_t>(ours) >= kChunkingsMax) {
    co_return Fail(InvalidArgument(
        "chunking_strategy",
        FormatMessage("a vector store takes {} different chunking strategies", kChunkingsMax)));
  }
  CreateDataSourceInput input;
  input.name = name;
  input.description = "uploaded files";
  if (chunking) input.recipe = RecipeOf(*chunking);
  auto made = co_await bases_.CreateSource(base.id, std::move(input), ctx);
  if (made.has_value() || made.error().code() != Code::kConflict) co_return made;
  // Another caller was quicker.
  if (auto source = find()) co_return std::move(*source);
  co_return made;
}

Task<Result<>> VectorStores::AddOne(const KnowledgeBase& base, CheckedFile checked,
                                    std::string batch, RequestContext& ctx) {
  auto& file = checked.asked;
  STRATA_CO_TRY(auto source, co_await SourceFor(base, file.chunking, ctx));
  NewStoreFile fresh;
  fresh.source_id = source.id;
  fresh.batch = std::move(batch);
  fresh.key = ctx.key;
  for (const auto& other : bases_.impl_->catalog_->Sources(base.id)) {
    if (IsOurs(other) && other.id != source.id) fresh.others.push_back(other.id);
  }
  auto& input = fresh.input;
  input.id = file.id;
  input.title = checked.filename;
  input.metadata = std::move(file.attributes);
  input.access.allow = std::move(checked.reserved.principals);
  input.labels = ctx.labels;
  for (const auto& label : checked.reserved.labels) input.labels.Add(label);
  auto owner = OwnerOf(ctx);
  STRATA_CO_TRY(input.content, co_await files_.Content(std::move(owner), file.id));
  input.media_type = DetectMediaType(checked.filename, input.content);
  // Where the file is comes first: who deletes the file must find it there.
  auto note = [&](store::Database& db) {
    return db.Run("INSERT OR IGNORE INTO vector_store_files VALUES (?, ?)", file.id, base.id);
  };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(note)));
  CrashPoint("kb.store_file.noted");
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  auto put = [&](store::Database& db) { return PutStoreFile(db, fresh, ctx.clock->Wall()); };
  co_return co_await open->file->Write(std::move(put));
}

Task<Result<>> VectorStores::AddAll(const KnowledgeBase& base, CheckedFiles files,
                                    std::string batch, RequestContext& ctx) {
  if (files.empty()) co_return Result<>{};
  for (auto& file : files) {
    STRATA_CO_CHECK_OK(co_await AddOne(base, std::move(file), batch, ctx));
  }
  STRATA_CO_CHECK_OK(co_await bases_.impl_->ingestor_.EnqueuePending(base));
  CrashPoint("kb.store_file.enqueued");
  bases_.impl_->worker_.Wake();
  co_return Result<>{};
}

Task<Result<StoreFile>> VectorStores::AddFile(std::string id, FileToAdd file, RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Use(id, ctx));
  auto file_id = file.id;
  std::vector<FileToAdd> files;
  files.push_back(std::move(file));
  STRATA_CO_TRY(auto checked, co_await CheckFiles(std::move(files), ctx));
  STRATA_CO_CHECK_OK(co_await AddAll(base, std::move(checked), {}, ctx));
  co_return co_await GetFile(std::move(id), std::move(file_id), ctx);
}

Task<Result<StoreFile>> VectorStores::GetFile(std::string id, std::string file_id,
                                              RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  const auto sources = bases_.impl_->catalog_->Sources(base.id);
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  auto find = [&](store::Database& db) { return Find(db, sources, file_id, ctx); };
  STRATA_CO_TRY(auto row, co_await open->file->Read(std::move(find)));
  co_return Finish(std::move(row), sources);
}

Task<Result<ListPage<StoreFile>>> VectorStores::ListFiles(std::string id, FileListQuery query,
                                                          RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  const auto sources = bases_.impl_->catalog_->Sources(base.id);
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  const auto& range = query.range;
  const bool backwards = !range.before.empty();
  auto read = [&](store::Database& db) -> Result<ListPage<StoreFileRow>> {
    if (!query.batch.empty()) {
      STRATA_TRY(auto batch, FindFileBatch(db, query.batch));
      if (!batch) return Fail(NotFound("file batch", query.batch).AtField("batch_id"));
    }
    StoreFileQuery rows{.after = 0,
                        .ascending = range.ascending != backwards,
                        .status = query.status,
                        .batch = query.batch};
    const auto& cursor = backwards ? range.before : range.after;
    if (!cursor.empty()) {
      auto at = Find(db, sources, cursor, ctx);
      if (!at.has_value()) {
        return Fail(InvalidArgument(backwards ? "before" : "after", "names none of the files"));
      }
      rows.after = at->row;
    }
    return ReadPage(db, std::move(rows), ctx, range.limit);
  };
  STRATA_CO_TRY(auto rows, co_await open->file->Read(std::move(read)));
  if (backwards) std::ranges::reverse(rows.items);
  ListPage<StoreFile> page;
  page.more = rows.more;
  for (auto& row : rows.items) page.items.push_back(Finish(std::move(row), sources));
  co_return page;
}

Task<Result<StoreFile>> VectorStores::SetAttributes(std::string id, std::string file_id,
                                                    JsonText attributes, RequestContext& ctx) {
  auto reserved = TakeReaders(attributes, ctx);
  if (!reserved.has_value()) co_return Fail(Below("attributes", std::move(reserved.error())));
  const StoreFileFacts facts{.metadata = std::move(attributes),
                             .principals = std::move(reserved->principals),
                             .labels = std::move(reserved->labels)};
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  const auto sources = bases_.impl_->catalog_->Sources(base.id);
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  auto set = [&](store::Database& db) -> Result<bool> {
    STRATA_TRY(auto row, Find(db, sources, file_id, ctx));
    STRATA_CHECK_OK(CheckOwn(row));
    STRATA_CHECK_OK(SetStoreFileFacts(db, row, facts, ctx.clock->Wall()));
    return row.file.status == StoreFileStatus::kInProgress;
  };
  STRATA_CO_TRY(bool pending, co_await open->file->Write(std::move(set)));
  if (pending) {
    // Its place in the queue was that of the content as it was before.
    STRATA_CO_CHECK_OK(co_await bases_.impl_->ingestor_.EnqueuePending(base));
    bases_.impl_->worker_.Wake();
  }
  co_return co_await GetFile(std::move(id), std::move(file_id), ctx);
}

Task<Result<>> VectorStores::RemoveFile(std::string id, std::string file_id, RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  const auto sources = bases_.impl_->catalog_->Sources(base.id);
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  auto remove = [&](store::Database& db) -> Result<bool> {
    STRATA_TRY(auto row, Find(db, sources, file_id, ctx));
    STRATA_CHECK_OK(CheckOwn(row));
    return RemoveDocument(db, row.source_id, row.uri, {});
  };
  STRATA_CO_CHECK_OK(co_await open->file->Write(std::move(remove)));
  auto forget = [&](store::Database& db) {
    return db.Run("DELETE FROM vector_store_files WHERE file_id = ? AND kb_id = ?", file_id,
                  base.id);
  };
  co_return co_await meta_.Write(std::move(forget));
}

Task<Result<std::vector<std::string>>> VectorStores::FileText(std::string id, std::string file_id,
                                                              RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  const auto sources = bases_.impl_->catalog_->Sources(base.id);
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  auto read = [&](store::Database& db) -> Result<std::vector<std::string>> {
    STRATA_TRY(auto row, Find(db, sources, file_id, ctx));
    return StoreFileTexts(db, row.row);
  };
  co_return co_await open->file->Read(std::move(read));
}

Task<Result<FileBatch>> VectorStores::CountBatch(const KnowledgeBase& base,
                                                 std::string batch_id) const {
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  auto read = [&](store::Database& db) -> Result<FileBatch> {
    STRATA_TRY(auto row, FindFileBatch(db, batch_id));
    if (!row) return Fail(NotFound("file batch", batch_id).AtField("batch_id"));
    STRATA_TRY(auto counts, CountStoreFiles(db, batch_id));
    return FileBatch{.id = batch_id,
                     .created = row->created,
                     .cancelled = row->cancelled,
                     .files = counts.files};
  };
  co_return co_await open->file->Read(std::move(read));
}

Task<Result<FileBatch>> VectorStores::AddBatch(std::string id, std::vector<FileToAdd> files,
                                               RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Use(id, ctx));
  STRATA_CO_TRY(auto checked, co_await CheckFiles(std::move(files), ctx));
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  const auto batch = std::string(kBatchPrefix) + NewResourceId(24);
  auto insert = [&](store::Database& db) { return InsertFileBatch(db, batch, ctx.clock->Wall()); };
  STRATA_CO_CHECK_OK(co_await open->file->Write(std::move(insert)));
  STRATA_CO_CHECK_OK(co_await AddAll(base, std::move(checked), batch, ctx));
  co_return co_await CountBatch(base, batch);
}

Task<Result<FileBatch>> VectorStores::GetBatch(std::string id, std::string batch_id,
                                               RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  co_return co_await CountBatch(base, std::move(batch_id));
}

Task<Result<FileBatch>> VectorStores::CancelBatch(std::string id, std::string batch_id,
                                                  RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(base));
  auto cancel = [&](store::Database& db) -> Result<> {
    STRATA_TRY(auto row, FindFileBatch(db, batch_id));
    if (!row) return Fail(NotFound("file batch", batch_id).AtField("batch_id"));
    return CancelFileBatch(db, batch_id, ctx.clock->Wall());
  };
  STRATA_CO_CHECK_OK(co_await open->file->Write(std::move(cancel)));
  co_return co_await CountBatch(base, std::move(batch_id));
}

Task<Result<>> VectorStores::ForgetFile(std::string file_id, RequestContext& ctx) {
  auto owner = OwnerOf(ctx);
  STRATA_CO_CHECK_OK(co_await files_.Get(std::move(owner), file_id));
  auto list = [&](store::Database& db) -> Result<std::vector<std::string>> {
    STRATA_TRY(auto row, db.Prepare("SELECT kb_id FROM vector_store_files WHERE file_id = ?"));
    row.BindAll(file_id);
    std::vector<std::string> ids;
    for (;;) {
      STRATA_TRY(bool found, row.Step());
      if (!found) return ids;
      ids.emplace_back(row.Text(0));
    }
  };
  STRATA_CO_TRY(auto ids, co_await meta_.Read(std::move(list)));
  for (const auto& id : ids) {
    auto base = bases_.impl_->Base(id, ctx);
    if (!base.has_value()) continue;  // deleted
    STRATA_CO_TRY(auto open, co_await bases_.impl_->open_.Get(*base));
    const auto sources = bases_.impl_->catalog_->Sources(id);
    auto remove = [&](store::Database& db) -> Result<> {
      for (const auto& source : sources) {
        if (IsOurs(source)) STRATA_CHECK_OK(RemoveDocument(db, source.id, file_id, {}));
      }
      return {};
    };
    STRATA_CO_CHECK_OK(co_await open->file->Write(std::move(remove)));
  }
  auto forget = [&](store::Database& db) {
    return db.Run("DELETE FROM vector_store_files WHERE file_id = ?", file_id);
  };
  co_return co_await meta_.Write(std::move(forget));
}

}  // namespace strata::knowledge
