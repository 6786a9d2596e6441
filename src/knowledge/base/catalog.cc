#include "knowledge/base/catalog.h"

#include <algorithm>
#include <filesystem>

#include "base/crash_point.h"
#include "base/log.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/base/kb_json.h"
#include "knowledge/base_files.h"
#include "store/migrations.h"

namespace strata::knowledge {
namespace {

Result<std::vector<std::string>> IdsOfBases(store::Database& db) {
  STRATA_TRY(auto rows, db.Prepare("SELECT id FROM knowledge_bases WHERE status <> ? ORDER BY id"));
  rows.Bind(1, static_cast<int>(KnowledgeBaseStatus::kDeleting));
  std::vector<std::string> ids;
  for (;;) {
    STRATA_TRY(bool found, rows.Step());
    if (!found) return ids;
    ids.emplace_back(rows.Text(0));
  }
}

// Earlier a base got its file with its first use.
Result<> MakeFilesOfUnusedBases(store::Database& db) {
  const auto folder = std::filesystem::path(db.path()).parent_path();
  STRATA_TRY(const auto ids, IdsOfBases(db));
  for (const auto& id : ids) {
    const auto path = folder / KbFileName(id);
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) continue;
    STRATA_CHECK_OK(CreateKbFile(path));
    Log(Level::kInfo, "kb.upgrade.file_made", {{"file", path.string()}});
  }
  return {};
}

constexpr store::Migration kMigrations[] = {
    {"knowledge bases and data sources", R"(
CREATE TABLE knowledge_bases (
  id TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  embedding_model TEXT NOT NULL,
  dimensions INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  storage_type TEXT NOT NULL,
  extra TEXT NOT NULL,
  status INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  UNIQUE (workspace, name));
CREATE TABLE knowledge_sources (
  id TEXT PRIMARY KEY,
  knowledge_base_id TEXT NOT NULL REFERENCES knowledge_bases (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  kind INTEGER NOT NULL,
  uri TEXT NOT NULL,
  include TEXT NOT NULL,
  exclude TEXT NOT NULL,
  strategy INTEGER NOT NULL,
  tokens_target INTEGER NOT NULL,
  tokens_max INTEGER NOT NULL,
  overlap_percent INTEGER NOT NULL,
  delete_documents INTEGER NOT NULL,
  extra TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  UNIQUE (knowledge_base_id, name));
)"},
    {"how much vectors count in a base's searches",
     "ALTER TABLE knowledge_bases ADD COLUMN dense_weight REAL"},
    {"what evaluations of a base found", R"(
CREATE TABLE kb_evaluations (
  knowledge_base_id TEXT NOT NULL REFERENCES knowledge_bases (id),
  at INTEGER NOT NULL,
  depth INTEGER NOT NULL,
  filter TEXT NOT NULL,
  index_version TEXT NOT NULL,
  queries INTEGER NOT NULL,
  figures TEXT NOT NULL,
  change TEXT NOT NULL,
  query_figures TEXT NOT NULL,
  PRIMARY KEY (knowledge_base_id, at));
)"},
    {"every base has a file from its making on", "", MakeFilesOfUnusedBases}};

KnowledgeBase ReadBase(const store::Statement& row) {
  KnowledgeBase base;
  base.id = row.Text(0);
  base.workspace.value = row.Text(1);
  base.name = row.Text(2);
  base.description = row.Text(3);
  base.embedding_model = row.Text(4);
  base.dimensions = static_cast<int>(row.Integer(5));
  base.mode = static_cast<SearchMode>(row.Integer(6));
  base.storage_type = row.Text(7);
  base.extra.text = row.Text(8);
  base.status = static_cast<KnowledgeBaseStatus>(row.Integer(9));
  base.created = FromUnixMicros(row.Integer(10));
  base.updated = FromUnixMicros(row.Integer(11));
  if (!row.IsNull(12)) base.dense_weight = row.Real(12);
  if (base.dimensions < 1 && base.status == KnowledgeBaseStatus::kActive) {
    base.status = KnowledgeBaseStatus::kFailed;
    base.failure_reasons.emplace_back(
        "it was made by a release that did not know the size of its embedding model's vectors and "
        "holds nothing: delete it and create it again");
  }
  return base;
}

Result<DataSource> ReadSource(const store::Statement& row) {
  DataSource source;
  source.id = row.Text(0);
  source.knowledge_base_id = row.Text(1);
  source.name = row.Text(2);
  source.description = row.Text(3);
  source.kind = static_cast<DataSourceKind>(row.Integer(4));
  source.uri = row.Text(5);
  STRATA_TRY(source.include, ReadStrings(row.Text(6)));
  STRATA_TRY(source.exclude, ReadStrings(row.Text(7)));
  source.recipe.strategy = static_cast<ChunkStrategy>(row.Integer(8));
  source.recipe.tokens_target = row.Integer(9);
  source.recipe.tokens_max = row.Integer(10);
  source.recipe.overlap_percent = static_cast<int>(row.Integer(11));
  source.delete_documents_with_source = row.Integer(12) != 0;
  source.extra.text = row.Text(13);
  source.created = FromUnixMicros(row.Integer(14));
  source.updated = FromUnixMicros(row.Integer(15));
  return source;
}

Result<> InsertBase(store::Database& db, const KnowledgeBase& base) {
  return db.Run("INSERT INTO knowledge_bases VALUES (?,?,?,?,?,?,?,?,?,?,?,?,NULL)", base.id,
                base.workspace.value, base.name, base.description, base.embedding_model,
                base.dimensions, static_cast<int>(base.mode), base.storage_type, base.extra.text,
                static_cast<int>(base.status), ToUnixMicros(base.created),
                ToUnixMicros(base.updated));
}

Result<> InsertSource(store::Database& db, const DataSource& source) {
  return db.Run("INSERT INTO knowledge_sources VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", source.id,
                source.knowledge_base_id, source.name, source.description,
                static_cast<int>(source.kind), source.uri, WriteStrings(source.include),
                WriteStrings(source.exclude), static_cast<int>(source.recipe.strategy),
                source.recipe.tokens_target, source.recipe.tokens_max,
                source.recipe.overlap_percent, source.delete_documents_with_source ? 1 : 0,
                source.extra.text, ToUnixMicros(source.created), ToUnixMicros(source.updated));
}

Result<> DeleteBase(store::Database& db, const std::string& id) {
  STRATA_CHECK_OK(db.Run("DELETE FROM knowledge_sources WHERE knowledge_base_id = ?", id));
  STRATA_CHECK_OK(db.Run("DELETE FROM kb_evaluations WHERE knowledge_base_id = ?", id));
  STRATA_CHECK_OK(db.Run("DELETE FROM knowledge_bases WHERE id = ?", id));
  CrashPoint("kb.base.forgotten");
  return {};
}

// A name that is taken comes as a constraint error of SQLite.
Result<> NameTaken(Result<> written, std::string_view what, const std::string& name) {
  if (written.has_value() || written.error().code() != Code::kConflict) return written;
  return Fail(Error(Code::kConflict, std::string(what) + " named \"" + name + "\" exists already")
                  .AtField("name"));
}

}  // namespace

store::FilesOfMeta BaseFiles() {
  auto needed = [](store::Database& meta) -> Result<std::vector<std::string>> {
    STRATA_TRY(auto names, IdsOfBases(meta));
    for (auto& name : names) name = KbFileName(name);
    return names;
  };
  auto forget = [](store::Database& meta, const std::string& name) {
    return meta.Run("UPDATE knowledge_bases SET status = ? WHERE 'kb-' || id || '.db' = ?",
                    static_cast<int>(KnowledgeBaseStatus::kDeleting), name);
  };
  return {.needed = needed, .forget = forget};
}

Result<std::unique_ptr<Catalog>> Catalog::Open(store::SqlFile& meta) {
  std::unique_ptr<Catalog> catalog(new Catalog(meta));
  STRATA_CHECK_OK(meta.WriteBlocking(
      [](store::Database& db) { return store::MigrateComponent(db, "knowledge", kMigrations); }));
  STRATA_CHECK_OK(meta.ReadBlocking([&](store::Database& db) { return catalog->Load(db); }));
  return catalog;
}

Result<> Catalog::Load(store::Database& db) {
  STRATA_TRY(auto bases, db.Prepare("SELECT * FROM knowledge_bases"));
  for (;;) {
    STRATA_TRY(bool found, bases.Step());
    if (!found) break;
    auto base = ReadBase(bases);
    auto id = base.id;
    bases_.emplace(std::move(id), std::move(base));
  }
  STRATA_TRY(auto sources, db.Prepare("SELECT * FROM knowledge_sources"));
  for (;;) {
    STRATA_TRY(bool found, sources.Step());
    if (!found) return {};
    STRATA_TRY(auto source, ReadSource(sources));
    auto id = source.id;
    sources_.emplace(std::move(id), std::move(source));
  }
}

Result<KnowledgeBase> Catalog::Base(std::string_view id, const WorkspaceId& workspace) const {
  std::lock_guard lock(mutex_);
  const auto found = bases_.find(id);
  if (found == bases_.end() || found->second.workspace != workspace) {
    return Fail(NotFound("knowledge base", id));
  }
  return found->second;
}

Result<KnowledgeBase> Catalog::BaseByName(std::string_view name,
                                          const WorkspaceId& workspace) const {
  std::lock_guard lock(mutex_);
  for (const auto& [id, base] : bases_) {
    if (base.name == name && base.workspace == workspace &&
        base.status != KnowledgeBaseStatus::kDeleting) {
      return base;
    }
  }
  return Fail(NotFound("knowledge base", name));
}

std::vector<KnowledgeBase> Catalog::Bases() const {
  std::vector<KnowledgeBase> out;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, base] : bases_) out.push_back(base);
  }
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return std::tie(a.name, a.id) < std::tie(b.name, b.id);
  });
  return out;
}

Task<Result<>> Catalog::AddBase(KnowledgeBase base, std::optional<DataSource> source) {
  auto insert = [&](store::Database& db) -> Result<> {
    STRATA_CHECK_OK(InsertBase(db, base));
    return source ? InsertSource(db, *source) : Result<>();
  };
  auto written = co_await meta_.Write(std::move(insert));
  STRATA_CO_CHECK_OK(NameTaken(std::move(written), "a knowledge base", base.name));
  CrashPoint("kb.base.created");
  std::lock_guard lock(mutex_);
  auto id = base.id;
  bases_.insert_or_assign(std::move(id), std::move(base));
  if (source) {
    auto source_id = source->id;
    sources_.insert_or_assign(std::move(source_id), std::move(*source));
  }
  co_return Result<>();
}

Task<Result<>> Catalog::UpdateBase(KnowledgeBase base) {
  auto update = [&](store::Database& db) {
    return db.Run(
        "UPDATE knowledge_bases SET name = ?, description = ?, extra = ?, updated = ? WHERE id = ?",
        base.name, base.description, base.extra.text, ToUnixMicros(base.updated), base.id);
  };
  auto written = co_await meta_.Write(std::move(update));
  STRATA_CO_CHECK_OK(NameTaken(std::move(written), "a knowledge base", base.name));
  std::lock_guard lock(mutex_);
  const auto found = bases_.find(base.id);
  if (found == bases_.end()) co_return Fail(NotFound("knowledge base", base.id));
  base.status = found->second.status;
  base.mode = found->second.mode;
  base.dense_weight = found->second.dense_weight;
  found->second = std::move(base);
  co_return Result<>();
}

Task<Result<>> Catalog::SetSearch(std::string id, SearchMode mode,
                                  std::optional<double> dense_weight) {
  auto update = [&](store::Database& db) {
    return db.Run("UPDATE knowledge_bases SET mode = ?, dense_weight = ? WHERE id = ?",
                  static_cast<int>(mode), dense_weight, id);
  };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(update)));
  std::lock_guard lock(mutex_);
  const auto found = bases_.find(id);
  if (found == bases_.end()) co_return Fail(NotFound("knowledge base", id));
  found->second.mode = mode;
  found->second.dense_weight = dense_weight;
  co_return Result<>();
}

Task<Result<>> Catalog::SetBaseStatus(std::string id, KnowledgeBaseStatus status) {
  auto update = [&](store::Database& db) {
    return db.Run("UPDATE knowledge_bases SET status = ? WHERE id = ?", static_cast<int>(status),
                  id);
  };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(update)));
  std::lock_guard lock(mutex_);
  const auto found = bases_.find(id);
  if (found != bases_.end()) found->second.status = status;
  co_return Result<>();
}

void Catalog::Forget(const std::string& kb_id) {
  std::lock_guard lock(mutex_);
  bases_.erase(kb_id);
  std::erase_if(sources_,
                [&](const auto& entry) { return entry.second.knowledge_base_id == kb_id; });
}

Task<Result<>> Catalog::RemoveBase(std::string id) {
  auto remove = [&id](store::Database& db) { return DeleteBase(db, id); };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(remove)));
  Forget(id);
  co_return Result<>();
}

Result<> Catalog::RemoveBaseBlocking(const std::string& id) {
  STRATA_CHECK_OK(meta_.WriteBlocking([&id](store::Database& db) { return DeleteBase(db, id); }));
  Forget(id);
  return {};
}

Result<DataSource> Catalog::Source(std::string_view kb_id, std::string_view source_id) const {
  std::lock_guard lock(mutex_);
  const auto found = sources_.find(source_id);
  if (found == sources_.end() || found->second.knowledge_base_id != kb_id) {
    return Fail(NotFound("data source", source_id));
  }
  return found->second;
}

std::vector<DataSource> Catalog::Sources(std::string_view kb_id) const {
  std::lock_guard lock(mutex_);
  std::vector<DataSource> out;
  for (const auto& [id, source] : sources_) {
    if (source.knowledge_base_id == kb_id) out.push_back(source);
  }
  return out;
}

Task<Result<>> Catalog::AddSource(DataSource source) {
  auto insert = [&source](store::Database& db) { return InsertSource(db, source); };
  auto written = co_await meta_.Write(std::move(insert));
  STRATA_CO_CHECK_OK(NameTaken(std::move(written), "a data source", source.name));
  CrashPoint("kb.source.created");
  std::lock_guard lock(mutex_);
  auto id = source.id;
  sources_.insert_or_assign(std::move(id), std::move(source));
  co_return Result<>();
}

Task<Result<>> Catalog::UpdateSource(DataSource source) {
  auto update = [&](store::Database& db) {
    return db.Run(
        "UPDATE knowledge_sources SET name = ?, description = ?, uri = ?, include = ?, "
        "exclude = ?, delete_documents = ?, extra = ?, updated = ? WHERE id = ?",
        source.name, source.description, source.uri, WriteStrings(source.include),
        WriteStrings(source.exclude), source.delete_documents_with_source ? 1 : 0,
        source.extra.text, ToUnixMicros(source.updated), source.id);
  };
  auto written = co_await meta_.Write(std::move(update));
  STRATA_CO_CHECK_OK(NameTaken(std::move(written), "a data source", source.name));
  std::lock_guard lock(mutex_);
  const auto found = sources_.find(source.id);
  if (found == sources_.end()) co_return Fail(NotFound("data source", source.id));
  found->second = std::move(source);
  co_return Result<>();
}

Task<Result<>> Catalog::RemoveSource(std::string source_id) {
  auto remove = [&source_id](store::Database& db) {
    return db.Run("DELETE FROM knowledge_sources WHERE id = ?", source_id);
  };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(remove)));
  CrashPoint("kb.source.forgotten");
  std::lock_guard lock(mutex_);
  sources_.erase(source_id);
  co_return Result<>();
}

}  // namespace strata::knowledge
