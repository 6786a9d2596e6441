#pragma once
// Routers of meta.db: each with its numbered versions, of which one is in force, and the learned
// routers that they use, kept once each.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "gateway/routed_models.h"
#include "server/routers/router_tests.h"
#include "server/stored_snapshot.h"
#include "store/sql_file.h"

namespace strata::server {

struct RouterVersion {
  int number = 0;
  std::string definition;  // YAML or JSON, as it was given
  std::string learned;     // SHA-256 of the learned router's bytes, "" without one
  WallTime created;
  std::shared_ptr<const route::PolicyRouter> router;  // null: see `problem`
  // Why it cannot be used as it was stored. A learned router that does not fit this server any more
  // is left out: then `router` is there, and rules and fallback decide.
  std::string problem;
};

struct StoredRouter {
  std::string id;  // 12 letters and digits: what ARNs end in
  std::string name;
  WorkspaceId workspace;
  int current = 0;  // the version in force
  WallTime created;
  WallTime updated;
  std::vector<RouterVersion> versions;  // ascending
  std::vector<RouterTest> tests;        // newest first; only the first may run

  const RouterVersion* Find(int number) const;
  const RouterVersion& Current() const { return *Find(current); }
  // The test of two versions that runs; null: none.
  const RouterTest* Running() const {
    return tests.empty() || tests.front().ended ? nullptr : &tests.front();
  }
  // "arn:aws:bedrock:us-east-1:000000000000:prompt-router/ID"
  std::string Arn() const;
};

// "NAME", "ID", either with ":VERSION", or an ARN, as callers write them. Version 0: the current.
struct RouterRef {
  std::string name;
  int version = 0;
};
RouterRef ParseRouterRef(std::string_view text);

struct PutRouter {
  enum class Learned : std::uint8_t { kKeep, kReplace, kDrop };

  std::string name;
  std::string definition;
  Learned learned = Learned::kKeep;
  std::string learned_bytes;  // with kReplace: what `strata route train` writes
  bool must_be_new = false;   // kConflict when the name is taken
};

// Thread-safe: reads come from a snapshot in memory. `file` outlives it.
class RouterStore final : public gateway::RouterBook {
 public:
  static constexpr std::size_t kRoutersMax = 500;   // a workspace's
  static constexpr std::size_t kVersionsMax = 200;  // a router's

  // Blocks.
  static Result<std::unique_ptr<RouterStore>> Open(
      store::SqlFile& file, std::shared_ptr<const vector::StaticEmbedder> embedder,
      const Clock& clock = SystemClock());

  // A new router, or a new version of one, which is then in force; while a test of two versions
  // runs it is only kept. Errors: kInvalidArgument (the definition, with its place; the learned
  // router), kCorruption, kConflict, kTooLarge. What is checked takes some milliseconds on `pool`.
  Task<Result<StoredRouter>> Put(PutRouter put, WorkspaceId workspace, Pool& pool);
  // Puts an earlier (or later) version in force. kNotFound; kConflict while a test runs.
  Task<Result<StoredRouter>> Roll(std::string name, int version, WorkspaceId workspace);
  Task<Result<>> Delete(std::string name, WorkspaceId workspace);  // kNotFound

  // Begins to split the traffic of a router's name between two versions; requests that name a
  // version get that one. `test` has versions (a: 0 is the one in force), share and unit.
  // kNotFound; kInvalidArgument; kConflict: a test runs.
  Task<Result<StoredRouter>> StartTest(std::string name, RouterTest test, WorkspaceId workspace);
  // Ends the test that runs; `keep`: the version in force from now on, 0: the one before.
  // kNotFound: none runs; kInvalidArgument: `keep` was not in it.
  Task<Result<StoredRouter>> StopTest(std::string name, int keep, WorkspaceId workspace);

  // The bytes of a learned router, as they were put in: one that works has given some of them up.
  // `sha256` is RouterVersion::learned. kNotFound.
  Task<Result<std::string>> LearnedBytes(std::string sha256);

  Result<StoredRouter> Get(std::string_view name, const WorkspaceId& workspace) const;
  std::vector<StoredRouter> List(const WorkspaceId& workspace) const;  // by name

  // Adds to `allowed`, a key's list of models, the other forms of the routers on it, as a caller
  // may name one router by name or id, each with a version or none: an entry with a version allows
  // that version, another one all. An ARN counts as the id that it ends in. A pattern, "mi*", means
  // names, in an ARN ids.
  void AddForms(std::vector<std::string>& allowed, const WorkspaceId& workspace) const;

  // RouterBook.
  Result<std::shared_ptr<const route::PolicyRouter>> Find(
      std::string_view name, const WorkspaceId& workspace) const override;
  Result<gateway::RouterAssignment> Assign(std::string_view name,
                                           const RequestContext& ctx) const override;
  bool Has(std::string_view name) const override;
  std::vector<std::string> Names() const override;

 private:
  using Snapshot =
      std::map<std::string, std::shared_ptr<const StoredRouter>, std::less<>>;  // by id
  using Learned = std::map<std::string, std::shared_ptr<const route::Router>, std::less<>>;

  RouterStore(store::SqlFile& file, std::shared_ptr<const vector::StaticEmbedder> embedder,
              const Clock& clock)
      : file_(file),
        embedder_(std::move(embedder)),
        clock_(clock),
        snapshot_(file, [this](store::Database& database) { return Load(database); }) {}

  Result<Snapshot> Load(store::Database& database);
  Result<> LoadVersions(store::Database& database, StoredRouter& router);
  std::shared_ptr<const route::Router> LearnedOf(store::Database& database, const std::string& sha,
                                                 std::string& problem);
  Result<std::shared_ptr<const route::Router>> MakeLearned(std::string_view bytes) const;
  std::shared_ptr<const StoredRouter> At(std::string_view name, const WorkspaceId& workspace) const;
  // Runs `change` on the writer, drops learned routers that no version uses any more, and publishes
  // what the tables hold.
  template <class F>
  Task<Result<>> Change(F change);

  store::SqlFile& file_;
  const std::shared_ptr<const vector::StaticEmbedder> embedder_;
  const Clock& clock_;
  Learned learned_;  // only on the writer's thread
  StoredSnapshot<Snapshot> snapshot_;
};

}  // namespace strata::server
