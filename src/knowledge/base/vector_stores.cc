// Vector stores: the bases, their rows in meta.db, and searches. Their files: store_files.cc.

#include "knowledge/vector_stores.h"
#include "base/format_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/crash_point.h"
#include "base/log.h"
#include "base/utf8.h"
#include "guard/model_access.h"
#include "knowledge/answerer.h"
#include "knowledge/base/kb_store_files.h"
#include "knowledge/base/service.h"

namespace strata::knowledge {
namespace {

constexpr store::Migration kMigrations[] = {{"vector stores and which files are in them", R"(
CREATE TABLE vector_stores(
  kb_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  metadata TEXT NOT NULL,
  expires_days INTEGER NOT NULL,
  active_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE vector_store_files(
  file_id TEXT NOT NULL,
  kb_id TEXT NOT NULL,
  PRIMARY KEY(file_id, kb_id)) STRICT, WITHOUT ROWID;
CREATE INDEX vector_store_files_kb ON vector_store_files(kb_id))"}};

constexpr std::size_t kNameMax = 256;       // of a store
constexpr std::size_t kBaseNameMax = 80;    // room for an addition in the base's name
constexpr std::size_t kAdditionLength = 6;  // of a name that is taken
constexpr int kNameTries = 4;
// A use is kept in memory at once and on disk this often.
constexpr auto kSaveEvery = std::chrono::seconds(60);

std::string Lower(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

// A name that a base may have, as near to the store's as it goes; "" when nothing is left of it.
std::string BaseName(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '.';
    if (fits) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
    if (out.size() == kBaseNameMax) break;
  }
  const auto first = out.find_first_not_of("-.");
  if (first == out.npos) return {};
  return out.substr(first, out.find_last_not_of("-.") + 1 - first);
}

Error Unknown(std::string_view id) {
  return NotFound("vector store", Utf8Prefix(id, 200)).AtField("vector_store_id");
}

bool Allowed(const KnowledgeBase& base, const RequestContext& ctx) {
  return guard::CheckModelAllowed(fmt::format("{}/{}", kKbProvider, base.name), ctx).has_value();
}

std::string VectorStoreId(const KnowledgeBase& base) {
  return std::string(kVectorStorePrefix) + base.id;
}

Result<> CheckInput(const std::string& name, int expires_days) {
  if (CodePointCount(name) > kNameMax || !IsValidUtf8(name)) {
    return Fail(InvalidArgument("name", FormatMessage("expected at most {} characters", kNameMax)));
  }
  if (expires_days < 0 || expires_days > 365) {
    return Fail(InvalidArgument("expires_after.days", "expected 1 to 365"));
  }
  return {};
}

}  // namespace

std::string StoreFileId(LocationKind location, std::string_view uri, std::string_view document_id) {
  const bool uploaded = location == LocationKind::kCustom && uri.starts_with(store::kFileIdPrefix);
  return std::string(uploaded ? uri : document_id);
}

Result<std::unique_ptr<VectorStores>> VectorStores::Open(KnowledgeBases& bases,
                                                         store::SqlFile& meta,
                                                         store::FileStore& files) {
  std::unique_ptr<VectorStores> out(new VectorStores(bases, meta, files));
  STRATA_CHECK_OK(meta.WriteBlocking([&](store::Database& db) -> Result<> {
    STRATA_CHECK_OK(store::MigrateComponent(db, "vector_stores", kMigrations));
    return out->Load(db);
  }));
  return out;
}

// Forgets what is left of bases that other APIs have deleted.
Result<> VectorStores::Load(store::Database& db) {
  for (const auto* table : {"vector_stores", "vector_store_files"}) {
    STRATA_CHECK_OK(
        db.Run(fmt::format("DELETE FROM {} WHERE kb_id NOT IN (SELECT id FROM "
                           "knowledge_bases)",
                           table)));
  }
  STRATA_TRY(auto row, db.Prepare("SELECT kb_id, name, metadata, expires_days, active_us FROM "
                                  "vector_stores"));
  for (;;) {
    STRATA_TRY(bool found, row.Step());
    if (!found) return {};
    Row store{.name = std::string(row.Text(1)),
              .metadata = {std::string(row.Text(2))},
              .expires_days = static_cast<int>(row.Integer(3)),
              .last_active = FromUnixMicros(row.Integer(4)),
              .saved = {}};
    store.saved = store.last_active;
    rows_.emplace(row.Text(0), std::move(store));
  }
}

Result<> VectorStores::SaveRow(store::Database& db, const std::string& kb_id, const Row& row) {
  return db.Run(
      "INSERT INTO vector_stores VALUES (?,?,?,?,?) ON CONFLICT (kb_id) DO UPDATE SET name = "
      "excluded.name, metadata = excluded.metadata, expires_days = excluded.expires_days, "
      "active_us = excluded.active_us",
      kb_id, row.name, row.metadata.text, row.expires_days, ToUnixMicros(row.last_active));
}

Result<KnowledgeBase> VectorStores::Resolve(std::string_view id, const RequestContext& ctx) const {
  constexpr std::string_view kModelPrefix = "kb/";
  auto find = [&]() -> Result<KnowledgeBase> {
    if (id.starts_with(kVectorStorePrefix)) {
      auto base = bases_.impl_->Base(id.substr(kVectorStorePrefix.size()), ctx);
      if (base.has_value()) return base;
    }
    if (id.starts_with(kModelPrefix)) {
      return bases_.FindByName(id.substr(kModelPrefix.size()), ctx.workspace);
    }
    auto base = bases_.FindByName(id, ctx.workspace);
    return base.has_value() ? base : bases_.impl_->Base(id, ctx);
  };
  auto base = find();
  if (!base.has_value() || base->status == KnowledgeBaseStatus::kDeleting || !Allowed(*base, ctx)) {
    return Fail(Unknown(id));
  }
  return base;
}

VectorStore VectorStores::Describe(KnowledgeBase base, const RequestContext& ctx) const {
  VectorStore out;
  out.name = base.name;
  out.last_active = base.updated;
  {
    std::lock_guard lock(mutex_);
    if (const auto row = rows_.find(base.id); row != rows_.end()) {
      out.name = row->second.name;
      out.metadata = row->second.metadata;
      out.expires_days = row->second.expires_days;
      out.last_active = row->second.last_active;
    }
  }
  if (out.metadata.text.empty()) out.metadata.text = "{}";
  out.expired = out.expires_days > 0 &&
                ctx.clock->Wall() >= out.last_active + std::chrono::days(out.expires_days);
  out.base = std::move(base);
  return out;
}

Result<KnowledgeBase> VectorStores::Use(std::string_view id, const RequestContext& ctx) {
  STRATA_TRY(auto base, Resolve(id, ctx));
  const auto store = Describe(base, ctx);
  if (store.expired) {
    return Fail(
        Error(Code::kConflict,
              FormatMessage("vector store {} has expired, {} days after its last use; modify "
                            "it to use it again",
                            VectorStoreId(base), store.expires_days))
            .AtField("vector_store_id"));
  }
  if (store.expires_days == 0) return base;
  const auto now = ctx.clock->Wall();
  std::optional<Row> save;
  {
    std::lock_guard lock(mutex_);
    auto& row = rows_[base.id];
    row.last_active = now;
    if (now - row.saved >= kSaveEvery) {
      row.saved = now;
      save = row;
    }
  }
  if (save) {
    auto posted = meta_.writer().Post(
        [id = base.id, row = *save](store::Database& db) { return SaveRow(db, id, row); });
    if (!posted.has_value()) {
      Log(Level::kWarning, "kb.vector_store.use_not_saved", {{"error", posted.error().message()}});
    }
  }
  return base;
}

Task<Result<VectorStore>> VectorStores::Count(VectorStore store) const {
  auto got = co_await bases_.impl_->open_.Get(store.base);
  // One whose file is damaged is listed all the same, for those who have to delete it.
  if (!got.has_value() && got.error().code() == Code::kCorruption) co_return store;
  STRATA_CO_TRY(auto open, std::move(got));
  auto count = [](store::Database& db) { return CountStoreFiles(db, {}); };
  STRATA_CO_TRY(auto counts, co_await open->file->Read(std::move(count)));
  store.files = counts.files;
  store.bytes = counts.bytes;
  co_return store;
}

Task<Result<KnowledgeBase>> VectorStores::MakeBase(const StoreInput& input, RequestContext& ctx) {
  const auto wanted = BaseName(input.name);
  for (int i = 0;; ++i) {
    CreateKnowledgeBaseInput base;
    base.name = wanted.empty() ? "vs" : wanted;
    if (wanted.empty() || i > 0) base.name += "-" + Lower(NewResourceId(kAdditionLength));
    base.description = input.description;
    STRATA_CO_CHECK_OK(guard::CheckModelAllowed(fmt::format("{}/{}", kKbProvider, base.name), ctx));
    auto made = co_await bases_.Create(std::move(base), ctx);
    const bool taken = !made.has_value() && made.error().code() == Code::kConflict;
    if (!taken || i == kNameTries) co_return made;
  }
}

Task<Result<VectorStore>> VectorStores::Create(StoreInput input, std::vector<FileToAdd> files,
                                               RequestContext& ctx) {
  STRATA_CO_CHECK_OK(CheckInput(input.name, input.expires_days));
  STRATA_CO_TRY(auto checked, co_await CheckFiles(std::move(files), ctx));
  STRATA_CO_TRY(auto base, co_await MakeBase(input, ctx));
  Row row{.name = std::move(input.name),
          .metadata = std::move(input.metadata),
          .expires_days = input.expires_days,
          .last_active = base.created,
          .saved = base.created};
  auto save = [&](store::Database& db) { return SaveRow(db, base.id, row); };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(save)));
  CrashPoint("kb.vector_store.made");
  {
    std::lock_guard lock(mutex_);
    rows_[base.id] = row;
  }
  STRATA_CO_CHECK_OK(co_await AddAll(base, std::move(checked), {}, ctx));
  co_return co_await Count(Describe(std::move(base), ctx));
}

Task<Result<VectorStore>> VectorStores::Get(std::string id, RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  co_return co_await Count(Describe(std::move(base), ctx));
}

Task<Result<ListPage<VectorStore>>> VectorStores::List(ListRange range, RequestContext& ctx) {
  auto bases = bases_.ListAll();
  std::erase_if(bases, [&](const auto& base) {
    return base.workspace != ctx.workspace || base.status == KnowledgeBaseStatus::kDeleting ||
           !Allowed(base, ctx);
  });
  std::ranges::sort(bases, [&](const auto& a, const auto& b) {
    const bool older = a.created != b.created ? a.created < b.created : a.id < b.id;
    return a.id != b.id && older == range.ascending;
  });
  auto first = bases.begin();
  auto last = bases.end();
  const auto& cursor = range.after.empty() ? range.before : range.after;
  if (!cursor.empty()) {
    const auto at = std::ranges::find(bases, cursor, VectorStoreId);
    if (at == bases.end()) {
      co_return Fail(InvalidArgument(range.after.empty() ? "before" : "after",
                                     "names none of the vector stores"));
    }
    (range.after.empty() ? last : first) = range.after.empty() ? at : at + 1;
  }
  ListPage<VectorStore> page;
  page.more = last - first > range.limit;
  // Before a store stand those right before it.
  if (page.more) {
    if (range.before.empty()) {
      last = first + range.limit;
    } else {
      first = last - range.limit;
    }
  }
  for (auto base = first; base != last; ++base) {
    STRATA_CO_TRY(auto store, co_await Count(Describe(std::move(*base), ctx)));
    page.items.push_back(std::move(store));
  }
  co_return page;
}

Task<Result<VectorStore>> VectorStores::Modify(std::string id, StoreChange change,
                                               RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  auto before = Describe(base, ctx);
  Row row{.name = change.name.value_or(before.name),
          .metadata = change.metadata.value_or(before.metadata),
          .expires_days = change.expires_days.value_or(before.expires_days),
          .last_active = ctx.clock->Wall(),
          .saved = ctx.clock->Wall()};
  STRATA_CO_CHECK_OK(CheckInput(row.name, row.expires_days));
  auto save = [&](store::Database& db) { return SaveRow(db, base.id, row); };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(save)));
  {
    std::lock_guard lock(mutex_);
    rows_[base.id] = row;
  }
  co_return co_await Count(Describe(std::move(base), ctx));
}

Task<Result<std::string>> VectorStores::Delete(std::string id, RequestContext& ctx) {
  STRATA_CO_TRY(auto base, Resolve(id, ctx));
  STRATA_CO_CHECK_OK(co_await bases_.Delete(base.id, ctx));
  {
    std::lock_guard lock(mutex_);
    rows_.erase(base.id);
  }
  auto forget = [&](store::Database& db) -> Result<> {
    STRATA_CHECK_OK(db.Run("DELETE FROM vector_stores WHERE kb_id = ?", base.id));
    return db.Run("DELETE FROM vector_store_files WHERE kb_id = ?", base.id);
  };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(forget)));
  co_return VectorStoreId(base);
}

Task<Result<FoundPassages>> VectorStores::Search(StoreSearch search, RequestContext& ctx) {
  std::vector<KnowledgeBase> bases;
  for (const auto& id : search.stores) {
    STRATA_CO_TRY(auto base, Use(id, ctx));
    if (std::ranges::find(bases, base.id, &KnowledgeBase::id) == bases.end()) {
      bases.push_back(std::move(base));
    }
  }
  RetrieveRequest request;
  request.results = search.results;
  request.mode = search.mode;
  request.filter = std::move(search.filter);
  request.without = search.without;
  for (const auto& base : bases) {
    if (request.knowledge_base_id.empty()) {
      request.knowledge_base_id = base.id;
    } else {
      request.more_bases.push_back(base.id);
    }
  }
  FoundPassages out;
  auto& found = out.passages;
  std::unordered_map<std::string, std::size_t> places;  // by base and chunk id
  for (auto& query : search.queries) {
    request.query = std::move(query);
    STRATA_CO_TRY(auto response, co_await bases_.Retrieve(request, ctx));
    AddFixes(out.corrected, std::move(response.corrected));
    for (auto& chunk : response.results) {
      if (chunk.score < search.score_min) continue;
      const auto [place, fresh] =
          places.emplace(chunk.knowledge_base_id + chunk.chunk_id, found.size());
      if (fresh) {
        found.push_back(std::move(chunk));
      } else if (found[place->second].score < chunk.score) {
        found[place->second] = std::move(chunk);
      }
    }
  }
  std::ranges::sort(found, [](const auto& a, const auto& b) {
    return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
  });
  const auto most = static_cast<std::size_t>(search.results);
  if (found.size() > most) found.resize(most);
  co_return out;
}

}  // namespace strata::knowledge
