#include "server/routers/router_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/log.h"
#include "route/router_file.h"
#include "server/routers/yaml_json.h"
#include "text/normalize.h"

namespace strata::server {
namespace {

constexpr store::Migration kMigrations[] = {
    {"makes routers", R"sql(
CREATE TABLE routers(
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, current INTEGER NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, UNIQUE(workspace, name)
) STRICT;
CREATE TABLE router_versions(
  id TEXT NOT NULL REFERENCES routers(id) ON DELETE CASCADE, version INTEGER NOT NULL,
  definition TEXT NOT NULL, learned TEXT NOT NULL, created INTEGER NOT NULL,
  PRIMARY KEY(id, version)
) STRICT;
CREATE TABLE learned_routers(sha256 TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
)sql"},
    {"adds tests of two versions", RouterTestRows::kSchema},
};

std::string VersionText(std::string_view name, int number) {
  return fmt::format("router/{}:{}", name, number);
}

Result<std::shared_ptr<const route::PolicyRouter>> Compile(
    std::string_view name, int number, std::string_view text,
    std::shared_ptr<const route::Router> learned) {
  STRATA_TRY(auto tree, ParseYaml(text));
  STRATA_TRY(auto definition, route::DecodeDefinition(tree));
  return route::PolicyRouter::Make({.name = std::string(name),
                                    .version = VersionText(name, number),
                                    .definition = std::move(definition),
                                    .learned = std::move(learned)});
}

// The router's id; made when it is new.
Result<std::string> IdOf(store::Database& database, const std::string& name,
                         const WorkspaceId& workspace, std::int64_t now) {
  {
    STRATA_TRY(auto row,
               database.Prepare("SELECT id FROM routers WHERE workspace = ? AND name = ?"));
    row.Bind(1, workspace.value).Bind(2, name);
    STRATA_TRY(bool found, row.Step());
    if (found) return std::string(row.Text(0));
  }
  STRATA_TRY(auto count,
             database.Integer("SELECT COUNT(*) FROM routers WHERE workspace = ?", workspace.value));
  if (count.value_or(0) >= static_cast<std::int64_t>(RouterStore::kRoutersMax)) {
    return Fail(Code::kTooLarge,
                fmt::format("a workspace holds at most {} routers", RouterStore::kRoutersMax));
  }
  auto id = text::FoldCase(NewResourceId(12));
  STRATA_CHECK_OK(database.Run(
      "INSERT INTO routers(id, workspace, name, current, created, updated) VALUES(?,?,?,0,?,?)", id,
      workspace.value, name, now, now));
  return id;
}

Result<> InsertVersion(store::Database& database, const PutRouter& put,
                       const WorkspaceId& workspace, const std::string& sha, std::int64_t now) {
  STRATA_TRY(auto id, IdOf(database, put.name, workspace, now));
  STRATA_TRY(
      auto last,
      database.Integer("SELECT coalesce(max(version), 0) FROM router_versions WHERE id = ?", id));
  if (last.value_or(0) >= static_cast<std::int64_t>(RouterStore::kVersionsMax)) {
    return Fail(Code::kTooLarge,
                fmt::format("a router has at most {} versions", RouterStore::kVersionsMax));
  }
  if (put.learned == PutRouter::Learned::kReplace) {
    STRATA_CHECK_OK(database.Run("INSERT OR IGNORE INTO learned_routers(sha256, bytes) VALUES(?,?)",
                                 sha, store::BlobView{put.learned_bytes}));
  }
  auto number = last.value_or(0) + 1;
  STRATA_CHECK_OK(
      database.Run("INSERT INTO router_versions(id, version, definition, learned, "
                   "created) VALUES(?,?,?,?,?)",
                   id, number, put.definition, sha, now));
  STRATA_TRY(
      auto tested,
      database.Integer("SELECT COUNT(*) FROM router_tests WHERE router = ? AND ended = 0", id));
  if (tested.value_or(0) > 0) return {};
  return database.Run("UPDATE routers SET current = ?, updated = ? WHERE id = ?", number, now, id);
}

// A version that requests may get.
Result<> CheckUsable(const StoredRouter& router, int version, std::string_view field) {
  const auto* found = router.Find(version);
  if (found == nullptr) {
    return Fail(std::move(NotFound("router version", VersionText(router.name, version)))
                    .AtField(std::string(field)));
  }
  if (found->router != nullptr) return {};
  return Fail(InvalidArgument(std::string(field), found->problem));
}

}  // namespace

const RouterVersion* StoredRouter::Find(int number) const {
  auto at = std::ranges::find(versions, number, &RouterVersion::number);
  return at == versions.end() ? nullptr : &*at;
}

std::string StoredRouter::Arn() const {
  return "arn:aws:bedrock:us-east-1:000000000000:prompt-router/" + id;
}

RouterRef ParseRouterRef(std::string_view text) {
  constexpr std::string_view kResource = ":prompt-router/";
  if (auto at = text.find(kResource); text.starts_with("arn:") && at != text.npos) {
    text.remove_prefix(at + kResource.size());
  }
  if (text.starts_with("router/")) text.remove_prefix(7);
  RouterRef ref;
  auto colon = text.rfind(':');
  if (colon != text.npos) {
    auto number = text.substr(colon + 1);
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), ref.version);
    bool whole = error == std::errc() && end == number.data() + number.size() && ref.version > 0;
    if (!whole) ref.version = -1;  // no such version
    text = text.substr(0, colon);
  }
  ref.name = text;
  return ref;
}

Result<std::unique_ptr<RouterStore>> RouterStore::Open(
    store::SqlFile& file, std::shared_ptr<const vector::StaticEmbedder> embedder,
    const Clock& clock) {
  std::unique_ptr<RouterStore> routers(new RouterStore(file, std::move(embedder), clock));
  STRATA_CHECK_OK(routers->snapshot_.Open("routers", kMigrations));
  return routers;
}

Result<std::shared_ptr<const route::Router>> RouterStore::MakeLearned(
    std::string_view bytes) const {
  STRATA_TRY(auto state, route::ReadRouter(bytes));
  return route::Router::Make(std::move(state), embedder_);
}

std::shared_ptr<const route::Router> RouterStore::LearnedOf(store::Database& database,
                                                            const std::string& sha,
                                                            std::string& problem) {
  if (sha.empty()) return nullptr;
  if (auto at = learned_.find(sha); at != learned_.end()) return at->second;
  auto read = [&]() -> Result<std::shared_ptr<const route::Router>> {
    STRATA_TRY(auto row, database.Prepare("SELECT bytes FROM learned_routers WHERE sha256 = ?"));
    row.Bind(1, sha);
    STRATA_TRY(bool found, row.Step());
    if (!found) return Fail(NotFound("learned router", sha));
    return MakeLearned(row.Blob(0));
  };
  auto made = read();
  if (made.has_value()) return learned_[sha] = std::move(*made);
  problem = "its learned router is left out: " + made.error().message();
  return nullptr;
}

Result<> RouterStore::LoadVersions(store::Database& database, StoredRouter& router) {
  STRATA_TRY(auto row, database.Prepare("SELECT version, definition, learned, created FROM "
                                        "router_versions WHERE id = ? ORDER BY version"));
  row.Bind(1, router.id);
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return {};
    RouterVersion version;
    version.number = static_cast<int>(row.Integer(0));
    version.definition = row.Text(1);
    version.learned = row.Text(2);
    version.created = FromUnixMicros(row.Integer(3));
    auto learned = LearnedOf(database, version.learned, version.problem);
    auto compiled = Compile(router.name, version.number, version.definition, std::move(learned));
    if (compiled.has_value()) {
      version.router = std::move(*compiled);
    } else {
      version.problem = compiled.error().message();
    }
    if (!version.problem.empty() && version.number == router.current) {
      Log(Level::kWarning, "server.router_incomplete",
          {{"router", VersionText(router.name, version.number)}, {"reason", version.problem}});
    }
    router.versions.push_back(std::move(version));
  }
}

Result<RouterStore::Snapshot> RouterStore::Load(store::Database& database) {
  Snapshot next;
  {
    STRATA_TRY(auto row, database.Prepare(
                             "SELECT id, workspace, name, current, created, updated FROM routers"));
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) break;
      auto router = std::make_shared<StoredRouter>();
      router->id = row.Text(0);
      router->workspace.value = row.Text(1);
      router->name = row.Text(2);
      router->current = static_cast<int>(row.Integer(3));
      router->created = FromUnixMicros(row.Integer(4));
      router->updated = FromUnixMicros(row.Integer(5));
      STRATA_CHECK_OK(LoadVersions(database, *router));
      STRATA_TRY(router->tests, RouterTestRows::OfRouter(database, router->id));
      if (router->Find(router->current) == nullptr) {
        return Fail(Code::kCorruption,
                    fmt::format("router '{}' has no version {}", router->name, router->current));
      }
      next.emplace(router->id, std::move(router));
    }
  }
  return next;
}

template <class F>
Task<Result<>> RouterStore::Change(F change) {
  auto work = [change = std::move(change)](store::Database& database) -> Result<> {
    STRATA_CHECK_OK(change(database));
    return database.Run(
        "DELETE FROM learned_routers WHERE sha256 NOT IN (SELECT learned FROM router_versions)");
  };
  co_return co_await snapshot_.Change(std::move(work));
}

Task<Result<StoredRouter>> RouterStore::Put(PutRouter put, WorkspaceId workspace, Pool& pool) {
  STRATA_CO_CHECK_OK(route::CheckRouterName(put.name));
  auto before = At(put.name, workspace);
  if (before != nullptr && put.must_be_new) {
    co_return Fail(
        Error(Code::kConflict, fmt::format("a router named '{}' exists already", put.name))
            .AtField("name"));
  }
  std::string sha;
  std::shared_ptr<const route::Router> kept;
  if (before != nullptr && put.learned == PutRouter::Learned::kKeep) {
    sha = before->Current().learned;
    // One that was left out stays so.
    if (before->Current().router) kept = before->Current().router->learned_router();
  }
  if (put.learned == PutRouter::Learned::kReplace) sha = Sha256Hex(put.learned_bytes);
  auto check = [this, &put, &kept]() -> Result<> {
    if (put.learned == PutRouter::Learned::kReplace) {
      auto made = MakeLearned(put.learned_bytes);
      if (!made.has_value()) return Fail(std::move(made.error()).Because("learned"));
      kept = std::move(*made);
    }
    STRATA_TRY([[maybe_unused]] auto compiled, Compile(put.name, 1, put.definition, kept));
    return {};
  };
  STRATA_CO_CHECK_OK(co_await RunBlocking(pool, std::move(check)));
  auto change = [&put, &workspace, &sha,
                 now = ToUnixMicros(clock_.Wall())](store::Database& database) {
    return InsertVersion(database, put, workspace, sha, now);
  };
  STRATA_CO_CHECK_OK(co_await Change(std::move(change)));
  co_return Get(put.name, workspace);
}

Task<Result<StoredRouter>> RouterStore::Roll(std::string name, int version, WorkspaceId workspace) {
  STRATA_CO_TRY(auto router, Get(name, workspace));
  STRATA_CO_CHECK_OK(CheckUsable(router, version, "version"));
  if (router.Running() != nullptr) {
    co_return Fail(Code::kConflict,
                   fmt::format("a test of two versions of '{}' runs: stop it first", router.name));
  }
  auto change = [id = router.id, version,
                 now = ToUnixMicros(clock_.Wall())](store::Database& database) {
    return database.Run("UPDATE routers SET current = ?, updated = ? WHERE id = ?", version, now,
                        id);
  };
  STRATA_CO_CHECK_OK(co_await Change(std::move(change)));
  co_return Get(router.name, workspace);
}

Task<Result<>> RouterStore::Delete(std::string name, WorkspaceId workspace) {
  STRATA_CO_TRY(auto router, Get(name, workspace));
  auto change = [id = router.id](store::Database& database) -> Result<> {
    STRATA_CHECK_OK(RouterTestRows::DropOf(database, id));
    STRATA_CHECK_OK(database.Run("DELETE FROM router_versions WHERE id = ?", id));
    return database.Run("DELETE FROM routers WHERE id = ?", id);
  };
  co_return co_await Change(std::move(change));
}

Task<Result<StoredRouter>> RouterStore::StartTest(std::string name, RouterTest test,
                                                  WorkspaceId workspace) {
  STRATA_CO_TRY(auto router, Get(name, workspace));
  if (test.a == 0) test.a = router.current;
  STRATA_CO_CHECK_OK(CheckUsable(router, test.a, "a"));
  STRATA_CO_CHECK_OK(CheckUsable(router, test.b, "b"));
  if (test.a == test.b) {
    co_return Fail(InvalidArgument("b", "is the same version as a: nothing is compared"));
  }
  test.id = NewResourceId();
  test.started = clock_.Wall();
  auto change = [&](store::Database& database) -> Result<> {
    STRATA_TRY(auto running, RouterTestRows::OfRouter(database, router.id));
    if (!running.empty() && !running.front().ended) {
      return Fail(Code::kConflict, fmt::format("test {} of '{}' runs: stop it first",
                                               running.front().id, router.name));
    }
    return RouterTestRows::Insert(database, router.id, test);
  };
  STRATA_CO_CHECK_OK(co_await Change(std::move(change)));
  co_return Get(router.name, workspace);
}

Task<Result<StoredRouter>> RouterStore::StopTest(std::string name, int keep,
                                                 WorkspaceId workspace) {
  STRATA_CO_TRY(auto router, Get(name, workspace));
  const auto* test = router.Running();
  if (test == nullptr) co_return Fail(NotFound("running test of router", router.name));
  if (keep != 0 && keep != test->a && keep != test->b) {
    co_return Fail(InvalidArgument(
        "keep", fmt::format("expected {} or {}, the versions of the test", test->a, test->b)));
  }
  auto change = [&](store::Database& database) -> Result<> {
    auto now = clock_.Wall();
    STRATA_CHECK_OK(RouterTestRows::End(database, test->id, now));
    if (keep == 0) return {};
    return database.Run("UPDATE routers SET current = ?, updated = ? WHERE id = ?", keep,
                        ToUnixMicros(now), router.id);
  };
  STRATA_CO_CHECK_OK(co_await Change(std::move(change)));
  co_return Get(router.name, workspace);
}

Task<Result<std::string>> RouterStore::LearnedBytes(std::string sha256) {
  auto work = [&](store::Database& database) -> Result<std::string> {
    STRATA_TRY(auto row, database.Prepare("SELECT bytes FROM learned_routers WHERE sha256 = ?"));
    row.Bind(1, sha256);
    STRATA_TRY(bool found, row.Step());
    if (!found) return Fail(NotFound("learned router", sha256));
    return std::string(row.Blob(0));
  };
  co_return co_await file_.Read(std::move(work));
}

// By name, else by id; null when there is none.
std::shared_ptr<const StoredRouter> RouterStore::At(std::string_view name,
                                                    const WorkspaceId& workspace) const {
  auto snapshot = snapshot_.Now();
  for (const auto& [id, router] : *snapshot) {
    if (router->name == name && router->workspace == workspace) return router;
  }
  auto at = snapshot->find(name);
  if (at == snapshot->end() || at->second->workspace != workspace) return nullptr;
  return at->second;
}

Result<StoredRouter> RouterStore::Get(std::string_view name, const WorkspaceId& workspace) const {
  auto router = At(ParseRouterRef(name).name, workspace);
  if (router == nullptr) return Fail(NotFound("router", name));
  return *router;
}

std::vector<StoredRouter> RouterStore::List(const WorkspaceId& workspace) const {
  std::vector<StoredRouter> out;
  for (const auto& [id, router] : *snapshot_.Now()) {
    if (router->workspace == workspace) out.push_back(*router);
  }
  std::ranges::sort(out, {}, &StoredRouter::name);
  return out;
}

void RouterStore::AddForms(std::vector<std::string>& allowed, const WorkspaceId& workspace) const {
  std::vector<std::string> forms;
  auto add = [&](const StoredRouter& router, int version) {
    for (const auto& name : {router.name, router.id}) {
      forms.push_back(version == 0 ? fmt::format("router/{}", name) : VersionText(name, version));
      if (version == 0) forms.push_back(fmt::format("router/{}:*", name));
    }
  };
  for (auto& entry : allowed) {
    const bool arn = entry.find(":prompt-router/") != entry.npos;
    if (!arn && !entry.starts_with("router/")) continue;
    auto ref = ParseRouterRef(entry);
    if (auto router = At(ref.name, workspace); router && ref.version >= 0) {
      add(*router, ref.version);
    }
    if (!ref.name.ends_with('*') || (ref.name == "*" && !arn)) continue;
    ref.name.pop_back();
    for (const auto& [id, router] : *snapshot_.Now()) {
      const auto& text = arn ? id : router->name;
      if (text.starts_with(ref.name) && router->workspace == workspace) add(*router, 0);
    }
    // The pattern speaks of names: the id of another router may begin alike. No router is called
    // this; an empty list would allow everything.
    if (!arn) entry = "router/";
  }
  allowed.insert(allowed.end(), forms.begin(), forms.end());
}

Result<std::shared_ptr<const route::PolicyRouter>> RouterStore::Find(
    std::string_view name, const WorkspaceId& workspace) const {
  auto ref = ParseRouterRef(name);
  auto router = At(ref.name, workspace);
  if (router == nullptr) return Fail(std::move(NotFound("router", name)).AtField("model"));
  const auto* version = router->Find(ref.version == 0 ? router->current : ref.version);
  if (version == nullptr) {
    return Fail(std::move(NotFound("router version", name)).AtField("model"));
  }
  if (version->router == nullptr) {
    return Fail(
        Code::kUnavailable,
        fmt::format("{}: {}", VersionText(router->name, version->number), version->problem));
  }
  return version->router;
}

Result<gateway::RouterAssignment> RouterStore::Assign(std::string_view name,
                                                      const RequestContext& ctx) const {
  auto ref = ParseRouterRef(name);
  auto router = ref.version == 0 ? At(ref.name, ctx.workspace) : nullptr;
  const auto* test = router == nullptr ? nullptr : router->Running();
  if (test == nullptr) return RouterBook::Assign(name, ctx);
  auto arm = test->Of(ctx);
  const auto* version = router->Find(arm.version);
  // A version that cannot be used any more answers nobody: the one in force does.
  if (version == nullptr || version->router == nullptr) return RouterBook::Assign(name, ctx);
  return gateway::RouterAssignment{.router = version->router,
                                   .test = test->id,
                                   .arm = std::move(arm.name),
                                   .unit = std::move(arm.unit)};
}

bool RouterStore::Has(std::string_view name) const {
  auto ref = ParseRouterRef(name);
  auto snapshot = snapshot_.Now();
  return std::ranges::any_of(*snapshot, [&](const auto& item) {
    return item.first == ref.name || item.second->name == ref.name;
  });
}

std::vector<std::string> RouterStore::Names() const {
  std::vector<std::string> out;
  for (const auto& [id, router] : *snapshot_.Now()) out.push_back(router->name);
  std::ranges::sort(out);
  auto repeated = std::ranges::unique(out);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

}  // namespace strata::server
