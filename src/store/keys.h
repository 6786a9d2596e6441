#pragma once
// API keys: a bearer key (stored as SHA-256 only) and an access-key pair for SigV4 (its secret is
// sealed), with what the holder may do. Lookups on the request path read an immutable snapshot.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/labels.h"
#include "base/retention.h"
#include "base/task.h"
#include "domain/money.h"
#include "store/secrets.h"
#include "store/sql_file.h"

namespace strata::store {

// What a key may be for. "admin" holds all the others; "metrics" reads figures only.
inline constexpr std::string_view kRoles[] = {"invoke", "kb.read", "kb.write", "metrics", "admin"};

// What a key allows. Empty lists mean no restriction of that kind, except roles and those of
// principals, which grant nothing then.
struct KeyGrant {
  WorkspaceId workspace{"default"};
  std::vector<std::string> roles{"invoke"};  // of kRoles
  std::vector<std::string> models;           // ids, or prefixes that end in '*'
  std::vector<std::string> principals;       // whose documents may be read
  // Beside them, whose documents may be read for an end user whom a request names: principals, or
  // prefixes that end in '*'. Empty: nobody's.
  std::vector<std::string> acts_for;
  LabelSet labels;                            // put on everything that is sent with this key
  std::vector<std::string> regions;           // where its data may go
  std::optional<Retention> retention;         // longest that a provider may keep its data
  std::optional<domain::Money> budget_month;  // calendar month, UTC
};

struct ApiKey {
  KeyId id;          // "key_…", or the id given
  std::string name;  // for humans
  KeyGrant grant;
  std::string access_key_id;  // AKIA…
  std::string bearer_hint;    // "…" and the last four characters, "" for a short given bearer
  WallTime created;
  std::optional<WallTime> expires;
  std::optional<WallTime> revoked;
  // After a rotation the bearer and secret before it stay valid until then.
  std::optional<WallTime> old_valid_until;

  bool ValidAt(WallTime now) const { return !revoked && (!expires || now < *expires); }
  bool HasRole(std::string_view role) const;  // "admin" has them all
  // Whether a request may read as `principal`: one of the key's own, or one that it acts for.
  bool MayActFor(std::string_view principal) const;
};

// Shown once, at creation.
struct NewKey {
  ApiKey key;
  SecretText bearer;
  SecretText secret;  // secret access key, 40 characters
};

struct CreateKey {
  std::string name;
  KeyGrant grant;
  std::optional<WallTime> expires;
  // Given values; made at random when empty. `access_key_id`: 16..128 of [A-Za-z0-9_-];
  // `bearer` and `secret`: 16..256 printable ASCII characters.
  std::string access_key_id;
  std::string secret;
  std::string bearer;
};

// All keys at one moment. Immutable, thread-safe.
class KeySnapshot {
 public:
  // The key of that bearer when it is valid at `now`, else nullptr. Looked up by SHA-256, so time
  // tells nothing about how near a guess is.
  std::shared_ptr<const ApiKey> FindBearer(std::string_view bearer, WallTime now) const;

  // Key and secrets that a signature may be made with (several during rotations' overlaps), newest
  // first.
  struct AccessKey {
    std::shared_ptr<const ApiKey> key;
    std::vector<SecretText> secrets;
  };
  std::optional<AccessKey> FindAccessKey(std::string_view access_key_id, WallTime now) const;

  std::shared_ptr<const ApiKey> FindId(const KeyId& id) const;
  bool empty() const { return by_id_.empty(); }

 private:
  friend class KeyStore;
  struct Bearer {
    std::shared_ptr<const ApiKey> key;
    std::optional<WallTime> until;
  };
  struct OldSecret {
    SecretText secret;
    WallTime until;
  };
  struct Access {
    std::shared_ptr<const ApiKey> key;
    SecretText secret;
    std::vector<OldSecret> old;  // newest first
  };
  std::unordered_map<std::string, Bearer> by_bearer_;  // by the raw digest
  std::unordered_map<std::string, Access> by_access_key_;
  std::unordered_map<KeyId, std::shared_ptr<const ApiKey>> by_id_;
};

// The keys of meta.db. Thread-safe. `file` and `ring` outlive it.
class KeyStore {
 public:
  static Result<std::unique_ptr<KeyStore>> Open(SqlFile& file, const KeyRing& ring,
                                                const Clock& clock = SystemClock());

  std::shared_ptr<const KeySnapshot> snapshot() const;

  // kInvalidArgument (a field), kConflict (the bearer or access key id exists).
  Task<Result<NewKey>> Create(CreateKey request);
  // The workspace's keys, or all; revoked ones too. Newest first.
  Task<Result<std::vector<ApiKey>>> List(std::optional<WorkspaceId> workspace);
  // By key id or access key id. Harmless to repeat.
  Task<Result<ApiKey>> Revoke(KeyId id);
  // What it may spend in a calendar month (UTC) from the next call on; nullopt: without a limit.
  Task<Result<ApiKey>> SetBudget(KeyId id, std::optional<domain::Money> budget);
  // New bearer and secret; the old ones stay valid for `overlap`, those of rotations before as long
  // as those said. Without an overlap all old ones end now. kConflict: kOldSecretsMax are valid.
  static constexpr std::size_t kOldSecretsMax = 8;
  Task<Result<NewKey>> Rotate(KeyId id, std::chrono::seconds overlap);
  // Seals under the ring's newest key what older ones sealed; returns how many secrets. Opening the
  // store does so too, so that a rotation that was cut short is finished.
  Task<Result<std::int64_t>> ResealAll();

  // For the command line and start-up, which may block.
  Result<NewKey> CreateBlocking(CreateKey request);

 private:
  KeyStore(SqlFile& file, const KeyRing& ring, const Clock& clock)
      : file_(file), ring_(ring), clock_(clock) {}
  Result<> Reload(Database& database);
  Task<Result<>> ReloadOnPool();

  SqlFile& file_;
  const KeyRing& ring_;
  const Clock& clock_;
  std::mutex reload_mutex_;  // reading and publishing are one step, so an old state cannot win
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySnapshot> snapshot_ = std::make_shared<KeySnapshot>();
};

}  // namespace strata::store
