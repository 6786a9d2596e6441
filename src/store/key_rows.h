#pragma once
// How a key stands in meta.db: its table, and the JSON of its grant.

#include <span>
#include <string>
#include <string_view>

#include "store/keys.h"
#include "store/migrations.h"

namespace strata::store {

std::span<const Migration> KeyMigrations();

std::string GrantJson(const KeyGrant& grant);
Result<KeyGrant> ParseGrant(std::string_view json);

// A row as stored; sealed texts and digests as they are.
struct KeyRow {
  ApiKey key;
  std::string secret_sealed;
  std::string bearer_digest;
  std::string old_secret_sealed;  // "" without a rotation's overlap
  std::string old_bearer_digest;
};

// Of api_keys; `where` follows FROM api_keys. `args` are bound in order.
Result<std::vector<KeyRow>> ReadKeyRows(Database& database, std::string_view where,
                                        std::span<const std::string> args);

// Secrets that a rotation's overlap keeps valid after another rotation, newest first.
struct OldSecretRow {
  KeyId key;
  std::string secret_sealed;
  std::string bearer_digest;
  WallTime valid_until;
};
Result<std::vector<OldSecretRow>> ReadOldSecrets(Database& database);
// Before the row's secret is replaced: its old one, which the row has room for one of, goes to
// those while it is valid at `now`; those that are not valid any more go. kConflict: there are too
// many.
Result<> MoveOldSecret(Database& database, const KeyRow& row, WallTime now);
Result<> DropOldSecrets(Database& database, const KeyId& key);

// kConflict when the id, the access key id or the bearer is taken.
Result<> InsertKeyRow(Database& database, const KeyRow& row);

// What a key's secret is sealed for.
std::string SecretContext(const KeyId& id);

// kInvalidArgument with the field.
Result<> CheckCreateKey(const CreateKey& request, WallTime now);

}  // namespace strata::store
