#include "store/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/rng.h"
#include "store/key_rows.h"

namespace strata::store {
namespace {

std::string NewBearer() { return "sk-strata-" + SecureRandomHex(24); }  // 192 bits

std::string NewSecret() {
  std::array<std::uint8_t, 30> bytes{};
  SecureRandom(bytes);
  return Base64UrlEncode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string Digest(std::string_view bearer) { return std::string(AsBytes(Sha256(bearer))); }

// Enough to tell keys apart; of a short one the last characters would tell too much.
std::string Hint(std::string_view bearer) {
  return bearer.size() < 32 ? std::string() : "…" + std::string(bearer.substr(bearer.size() - 4));
}

// A key with its secrets, ready to be stored and to be shown once.
Result<NewKey> MakeKey(const CreateKey& request, const KeyRing& ring, WallTime now, KeyRow& row) {
  NewKey made;
  made.key.id = {"key_" + SecureRandomHex(8)};
  made.key.name = request.name;
  made.key.grant = request.grant;
  made.key.created = now;
  made.key.expires = request.expires;
  made.key.access_key_id =
      request.access_key_id.empty() ? "AKIA" + NewResourceId(16) : request.access_key_id;
  made.bearer = SecretText(request.bearer.empty() ? NewBearer() : request.bearer);
  made.secret = SecretText(request.secret.empty() ? NewSecret() : request.secret);
  made.key.bearer_hint = Hint(made.bearer.view());
  row.key = made.key;
  row.bearer_digest = Digest(made.bearer.view());
  STRATA_TRY(row.secret_sealed, ring.Seal(made.secret.view(), SecretContext(made.key.id)));
  return made;
}

Result<KeyRow> FindRow(Database& database, const KeyId& id) {
  std::string args[] = {id.value};
  STRATA_TRY(auto rows, ReadKeyRows(database, "WHERE id = ? OR access_key_id = ?1", args));
  if (rows.empty()) return Fail(NotFound("key", id.value));
  return std::move(rows.front());
}

Result<ApiKey> RevokeRow(Database& database, const KeyId& id, WallTime now) {
  STRATA_TRY(auto row, FindRow(database, id));
  if (!row.key.revoked) {
    row.key.revoked = now;
    STRATA_CHECK_OK(database.Run("UPDATE api_keys SET revoked = ? WHERE id = ?", ToUnixMicros(now),
                                 row.key.id.value));
  }
  return std::move(row.key);
}

Result<NewKey> RotateRow(Database& database, const KeyId& id, const KeyRing& ring, WallTime now,
                         std::chrono::seconds overlap) {
  STRATA_TRY(auto row, FindRow(database, id));
  if (!row.key.ValidAt(now)) {
    return Fail(Code::kConflict, fmt::format("key {} is revoked or has expired", id.value));
  }
  STRATA_CHECK_OK(overlap.count() > 0 ? MoveOldSecret(database, row, now)
                                      : DropOldSecrets(database, row.key.id));
  NewKey made;
  made.key = row.key;
  made.bearer = SecretText(NewBearer());
  made.secret = SecretText(NewSecret());
  made.key.bearer_hint = Hint(made.bearer.view());
  made.key.old_valid_until = now + overlap;
  STRATA_TRY(auto sealed, ring.Seal(made.secret.view(), SecretContext(made.key.id)));
  auto digest = Digest(made.bearer.view());
  STRATA_CHECK_OK(database.Run(
      "UPDATE api_keys SET old_secret_sealed = secret_sealed, old_bearer_sha256 = bearer_sha256, "
      "old_valid_until = ?, secret_sealed = ?, bearer_sha256 = ?, bearer_hint = ? WHERE id = ?",
      ToUnixMicros(*made.key.old_valid_until), sealed, BlobView{digest}, made.key.bearer_hint,
      made.key.id.value));
  return made;
}

// Those of revoked keys, which nobody reads again, stay as they are.
Result<std::int64_t> ResealRows(Database& database, const KeyRing& ring) {
  STRATA_TRY(auto rows, ReadKeyRows(database, "", {}));
  std::int64_t changed = 0;
  std::set<std::string> revoked;
  for (const auto& row : rows) {
    if (row.key.revoked) {
      revoked.insert(row.key.id.value);
      continue;
    }
    auto context = SecretContext(row.key.id);
    STRATA_TRY(auto secret, ring.Reseal(row.secret_sealed, context));
    std::string old;
    if (!row.old_secret_sealed.empty()) {
      STRATA_TRY(old, ring.Reseal(row.old_secret_sealed, context));
    }
    if (secret == row.secret_sealed && old == row.old_secret_sealed) continue;
    STRATA_CHECK_OK(
        database.Run("UPDATE api_keys SET secret_sealed = ?, old_secret_sealed = ? WHERE id = ?",
                     secret, old, row.key.id.value));
    ++changed;
  }
  STRATA_TRY(auto olds, ReadOldSecrets(database));
  for (const auto& row : olds) {
    if (revoked.contains(row.key.value)) continue;
    STRATA_TRY(auto secret, ring.Reseal(row.secret_sealed, SecretContext(row.key)));
    if (secret == row.secret_sealed) continue;
    STRATA_CHECK_OK(
        database.Run("UPDATE api_key_old_secrets SET secret_sealed = ? WHERE bearer_sha256 = ?",
                     secret, BlobView{row.bearer_digest}));
    ++changed;
  }
  return changed;
}

// Names, or prefixes that end in '*'.
bool MatchesAny(const std::vector<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [&](std::string_view pattern) {
    if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
    return name == pattern;
  });
}

}  // namespace

bool ApiKey::HasRole(std::string_view role) const {
  const auto& roles = grant.roles;
  return std::any_of(roles.begin(), roles.end(),
                     [&](const auto& held) { return held == role || held == "admin"; });
}

bool ApiKey::MayActFor(std::string_view principal) const {
  return std::ranges::find(grant.principals, principal) != grant.principals.end() ||
         MatchesAny(grant.acts_for, principal);
}

// ---- KeySnapshot

std::shared_ptr<const ApiKey> KeySnapshot::FindBearer(std::string_view bearer, WallTime now) const {
  auto it = by_bearer_.find(Digest(bearer));
  if (it == by_bearer_.end()) return nullptr;
  const auto& [key, until] = it->second;
  if (!key->ValidAt(now) || (until && now >= *until)) return nullptr;
  return key;
}

std::optional<KeySnapshot::AccessKey> KeySnapshot::FindAccessKey(std::string_view access_key_id,
                                                                 WallTime now) const {
  auto it = by_access_key_.find(std::string(access_key_id));
  if (it == by_access_key_.end() || !it->second.key->ValidAt(now)) return std::nullopt;
  AccessKey found{it->second.key, {it->second.secret}};
  for (const auto& old : it->second.old) {
    if (now < old.until) found.secrets.push_back(old.secret);
  }
  return found;
}

std::shared_ptr<const ApiKey> KeySnapshot::FindId(const KeyId& id) const {
  auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

// ---- KeyStore

Result<std::unique_ptr<KeyStore>> KeyStore::Open(SqlFile& file, const KeyRing& ring,
                                                 const Clock& clock) {
  STRATA_CHECK_OK(file.WriteBlocking([&](Database& database) -> Result<std::int64_t> {
    // The writer's transaction is open already; a component's first tables are made in it.
    STRATA_CHECK_OK(MigrateComponent(database, "api_keys", KeyMigrations()));
    return ResealRows(database, ring);
  }));
  std::unique_ptr<KeyStore> keys(new KeyStore(file, ring, clock));
  STRATA_CHECK_OK(file.ReadBlocking([&](Database& database) { return keys->Reload(database); }));
  return keys;
}

std::shared_ptr<const KeySnapshot> KeyStore::snapshot() const {
  std::lock_guard lock(mutex_);
  return snapshot_;
}

Result<> KeyStore::Reload(Database& database) {
  std::lock_guard one_at_a_time(reload_mutex_);
  STRATA_TRY(auto rows, ReadKeyRows(database, "", {}));
  STRATA_TRY(const auto older, ReadOldSecrets(database));
  auto next = std::make_shared<KeySnapshot>();
  for (auto& row : rows) {
    auto key = std::make_shared<const ApiKey>(std::move(row.key));
    next->by_id_[key->id] = key;
    if (key->revoked) continue;
    next->by_bearer_[row.bearer_digest] = {key, std::nullopt};
    auto& access = next->by_access_key_[key->access_key_id];
    access.key = key;
    STRATA_TRY(access.secret, ring_.Unseal(row.secret_sealed, SecretContext(key->id)));
    if (!key->old_valid_until || row.old_secret_sealed.empty()) continue;
    next->by_bearer_[row.old_bearer_digest] = {key, key->old_valid_until};
    STRATA_TRY(auto old, ring_.Unseal(row.old_secret_sealed, SecretContext(key->id)));
    access.old.push_back({std::move(old), *key->old_valid_until});
  }
  for (const auto& row : older) {
    auto key = next->FindId(row.key);
    if (key == nullptr || key->revoked) continue;
    next->by_bearer_[row.bearer_digest] = {key, row.valid_until};
    STRATA_TRY(auto old, ring_.Unseal(row.secret_sealed, SecretContext(row.key)));
    next->by_access_key_[key->access_key_id].old.push_back({std::move(old), row.valid_until});
  }
  std::lock_guard lock(mutex_);
  snapshot_ = std::move(next);
  return {};
}

Task<Result<>> KeyStore::ReloadOnPool() {
  auto work = [this](Database& database) { return Reload(database); };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<NewKey>> KeyStore::Create(CreateKey request) {
  auto now = clock_.Wall();
  STRATA_CO_CHECK_OK(CheckCreateKey(request, now));
  KeyRow row;
  STRATA_CO_TRY(auto made, MakeKey(request, ring_, now, row));
  auto insert = [&row](Database& database) { return InsertKeyRow(database, row); };
  STRATA_CO_CHECK_OK(co_await file_.Write(insert));
  STRATA_CO_CHECK_OK(co_await ReloadOnPool());
  co_return made;
}

Result<NewKey> KeyStore::CreateBlocking(CreateKey request) {
  auto now = clock_.Wall();
  STRATA_CHECK_OK(CheckCreateKey(request, now));
  KeyRow row;
  STRATA_TRY(auto made, MakeKey(request, ring_, now, row));
  STRATA_CHECK_OK(file_.WriteBlocking([&](Database& db) { return InsertKeyRow(db, row); }));
  STRATA_CHECK_OK(file_.ReadBlocking([&](Database& db) { return Reload(db); }));
  return made;
}

Task<Result<std::vector<ApiKey>>> KeyStore::List(std::optional<WorkspaceId> workspace) {
  auto read = [workspace =
                   std::move(workspace)](Database& database) -> Result<std::vector<ApiKey>> {
    std::vector<std::string> args;
    if (workspace) args.push_back(workspace->value);
    STRATA_TRY(auto rows,
               ReadKeyRows(database,
                           workspace ? "WHERE workspace = ? ORDER BY created DESC, rowid DESC"
                                     : "ORDER BY created DESC, rowid DESC",
                           args));
    std::vector<ApiKey> keys;
    for (auto& row : rows) keys.push_back(std::move(row.key));
    return keys;
  };
  co_return co_await file_.Read(std::move(read));
}

Task<Result<ApiKey>> KeyStore::Revoke(KeyId id) {
  auto revoke = [&id, now = clock_.Wall()](Database& db) { return RevokeRow(db, id, now); };
  STRATA_CO_TRY(auto key, co_await file_.Write(revoke));
  STRATA_CO_CHECK_OK(co_await ReloadOnPool());
  co_return key;
}

Task<Result<ApiKey>> KeyStore::SetBudget(KeyId id, std::optional<domain::Money> budget) {
  auto set = [&id, budget](Database& db) -> Result<ApiKey> {
    STRATA_TRY(auto row, FindRow(db, id));
    row.key.grant.budget_month = budget;
    STRATA_CHECK_OK(db.Run("UPDATE api_keys SET grant_json = ? WHERE id = ?",
                           GrantJson(row.key.grant), row.key.id.value));
    return std::move(row.key);
  };
  STRATA_CO_TRY(auto key, co_await file_.Write(std::move(set)));
  STRATA_CO_CHECK_OK(co_await ReloadOnPool());
  co_return key;
}

Task<Result<NewKey>> KeyStore::Rotate(KeyId id, std::chrono::seconds overlap) {
  auto rotate = [this, &id, overlap, now = clock_.Wall()](Database& db) {
    return RotateRow(db, id, ring_, now, overlap);
  };
  STRATA_CO_TRY(auto made, co_await file_.Write(rotate));
  STRATA_CO_CHECK_OK(co_await ReloadOnPool());
  co_return made;
}

Task<Result<std::int64_t>> KeyStore::ResealAll() {
  auto reseal = [this](Database& db) { return ResealRows(db, ring_); };
  co_return co_await file_.Write(reseal);
}

}  // namespace strata::store
