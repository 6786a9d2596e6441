#include "store/key_rows.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/names.h"

namespace strata::store {
namespace {

namespace json = boost::json;

constexpr Migration kMigrations[] = {
    {"makes api_keys", R"sql(
CREATE TABLE api_keys(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, workspace TEXT NOT NULL, grant_json TEXT NOT NULL,
  access_key_id TEXT NOT NULL UNIQUE, secret_sealed TEXT NOT NULL,
  bearer_sha256 BLOB NOT NULL UNIQUE, bearer_hint TEXT NOT NULL,
  created INTEGER NOT NULL, expires INTEGER, revoked INTEGER,
  old_secret_sealed TEXT NOT NULL DEFAULT '', old_bearer_sha256 BLOB, old_valid_until INTEGER
) STRICT;
CREATE INDEX api_keys_by_workspace ON api_keys(workspace, created);
)sql"},
    {"secrets of rotations that overlap", R"sql(
CREATE TABLE api_key_old_secrets(
  sequence INTEGER PRIMARY KEY, key_id TEXT NOT NULL, secret_sealed TEXT NOT NULL,
  bearer_sha256 BLOB NOT NULL, valid_until INTEGER NOT NULL
) STRICT;
)sql"},
};

constexpr std::size_t kNameMax = 200;

json::array ArrayOf(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

// Absent members read as empty: a grant written before a member existed.
std::vector<std::string> TextsOf(const json::object& object, std::string_view name) {
  std::vector<std::string> texts;
  const auto* member = object.if_contains(name);
  if (member == nullptr || !member->is_array()) return texts;
  for (const auto& item : member->get_array()) {
    if (item.is_string()) texts.emplace_back(item.get_string());
  }
  return texts;
}

std::optional<std::int64_t> IntegerOf(const json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  if (member == nullptr || !member->is_int64()) return std::nullopt;
  return member->get_int64();
}

std::optional<WallTime> TimeOf(const Statement& row, int column) {
  auto micros = row.OptionalInteger(column);
  return micros ? std::optional(FromUnixMicros(*micros)) : std::nullopt;
}

std::optional<std::int64_t> Micros(const std::optional<WallTime>& time) {
  return time ? std::optional(ToUnixMicros(*time)) : std::nullopt;
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool IsAccessKeyId(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
  });
}

Result<> CheckSecretText(std::string_view field, std::string_view text) {
  if (text.empty()) return {};
  if (text.size() < 16 || text.size() > 256 || !IsPrintable(text)) {
    return Fail(InvalidArgument(std::string(field),
                                "it must be 16 to 256 printable ASCII characters without spaces"));
  }
  return {};
}

bool IsOneLine(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

Result<> CheckGrant(const KeyGrant& grant) {
  if (!IsLabelName(grant.workspace.value)) {
    return Fail(InvalidArgument(
        "workspace",
        fmt::format("'{}': expected 1 to 128 characters without spaces, commas, quotes "
                    "and '*'",
                    grant.workspace.value)));
  }
  if (grant.roles.empty()) {
    return Fail(InvalidArgument("roles", "a key without a role can do nothing"));
  }
  for (const auto& role : grant.roles) {
    if (std::ranges::find(kRoles, role) == std::end(kRoles)) {
      return Fail(InvalidArgument(
          "roles", fmt::format("'{}' is no role; there are {}", role, fmt::join(kRoles, ", "))));
    }
  }
  for (const auto& model : grant.models) {
    if (IsModelPattern(model)) continue;
    return Fail(InvalidArgument("models", fmt::format("'{}': {}", model, kModelPatternForm)));
  }
  for (const auto& region : grant.regions) {
    if (IsRegionName(region)) continue;
    return Fail(InvalidArgument("regions", fmt::format("'{}': {}", region, kRegionForm)));
  }
  for (const auto& label : grant.labels.names()) {
    if (IsLabelName(label)) continue;
    return Fail(InvalidArgument("labels", fmt::format("'{}': {}", label, kLabelForm)));
  }
  for (const auto& principal : grant.principals) {
    if (IsOneLine(principal)) continue;
    return Fail(InvalidArgument("principals",
                                "expected a text without control characters, such as "
                                "user:7 or group:hr"));
  }
  for (const auto& pattern : grant.acts_for) {
    const bool good = IsOneLine(pattern) && pattern.find('*') >= pattern.size() - 1;
    if (good) continue;
    return Fail(
        InvalidArgument("acts_for", fmt::format("'{}': expected a principal such as user:7, or the "
                                                "beginning of some and '*', such as user:*",
                                                pattern)));
  }
  return {};
}

}  // namespace

std::span<const Migration> KeyMigrations() { return kMigrations; }

std::string SecretContext(const KeyId& id) { return "secret of api key " + id.value; }

std::string GrantJson(const KeyGrant& grant) {
  json::object object;
  object["roles"] = ArrayOf(grant.roles);
  object["models"] = ArrayOf(grant.models);
  object["principals"] = ArrayOf(grant.principals);
  object["acts_for"] = ArrayOf(grant.acts_for);
  object["labels"] = ArrayOf(grant.labels.names());
  object["regions"] = ArrayOf(grant.regions);
  if (grant.retention) object["retention_hours"] = grant.retention->longest.count();
  if (grant.budget_month) object["budget_month_picousd"] = grant.budget_month->picousd;
  return json::serialize(object);
}

Result<KeyGrant> ParseGrant(std::string_view text) {
  boost::system::error_code code;
  auto value = json::parse(text, code);
  if (code || !value.is_object()) return Fail(Code::kCorruption, "a key's grant is not JSON");
  const auto& object = value.get_object();
  KeyGrant grant;
  grant.roles = TextsOf(object, "roles");
  grant.models = TextsOf(object, "models");
  grant.principals = TextsOf(object, "principals");
  grant.acts_for = TextsOf(object, "acts_for");
  for (const auto& label : TextsOf(object, "labels")) grant.labels.Add(label);
  grant.regions = TextsOf(object, "regions");
  if (auto hours = IntegerOf(object, "retention_hours")) {
    grant.retention = Retention{std::chrono::hours(*hours)};
  }
  if (auto budget = IntegerOf(object, "budget_month_picousd")) {
    grant.budget_month = domain::Money{*budget};
  }
  return grant;
}

Result<std::vector<KeyRow>> ReadKeyRows(Database& database, std::string_view where,
                                        std::span<const std::string> args) {
  STRATA_TRY(auto rows,
             database.Prepare(fmt::format(
                 "SELECT id, name, workspace, grant_json, access_key_id, secret_sealed, "
                 "bearer_sha256, bearer_hint, created, expires, revoked, "
                 "old_secret_sealed, old_bearer_sha256, old_valid_until FROM api_keys {}",
                 where)));
  int index = 0;
  for (const auto& arg : args) rows.Bind(++index, arg);
  std::vector<KeyRow> out;
  while (true) {
    STRATA_TRY(bool more, rows.Step());
    if (!more) return out;
    KeyRow row;
    row.key.id.value = rows.Text(0);
    row.key.name = rows.Text(1);
    STRATA_TRY(row.key.grant, ParseGrant(rows.Text(3)));
    row.key.grant.workspace.value = rows.Text(2);
    row.key.access_key_id = rows.Text(4);
    row.secret_sealed = rows.Text(5);
    row.bearer_digest = rows.Blob(6);
    row.key.bearer_hint = rows.Text(7);
    row.key.created = FromUnixMicros(rows.Integer(8));
    row.key.expires = TimeOf(rows, 9);
    row.key.revoked = TimeOf(rows, 10);
    row.old_secret_sealed = rows.Text(11);
    row.old_bearer_digest = rows.Blob(12);
    row.key.old_valid_until = TimeOf(rows, 13);
    out.push_back(std::move(row));
  }
}

Result<> InsertKeyRow(Database& database, const KeyRow& row) {
  auto done = database.Run(
      "INSERT INTO api_keys(id, name, workspace, grant_json, access_key_id, secret_sealed, "
      "bearer_sha256, bearer_hint, created, expires) VALUES(?,?,?,?,?,?,?,?,?,?)",
      row.key.id.value, row.key.name, row.key.grant.workspace.value, GrantJson(row.key.grant),
      row.key.access_key_id, row.secret_sealed, BlobView{row.bearer_digest}, row.key.bearer_hint,
      ToUnixMicros(row.key.created), Micros(row.key.expires));
  if (!done.has_value() && done.error().code() == Code::kConflict) {
    return Fail(Code::kConflict, "a key with that access key id or that bearer exists already");
  }
  return done;
}

Result<std::vector<OldSecretRow>> ReadOldSecrets(Database& database) {
  STRATA_TRY(auto row, database.Prepare("SELECT key_id, secret_sealed, bearer_sha256, valid_until "
                                        "FROM api_key_old_secrets ORDER BY sequence DESC"));
  std::vector<OldSecretRow> rows;
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return rows;
    rows.push_back({.key = {std::string(row.Text(0))},
                    .secret_sealed = std::string(row.Text(1)),
                    .bearer_digest = std::string(row.Blob(2)),
                    .valid_until = FromUnixMicros(row.Integer(3))});
  }
}

Result<> MoveOldSecret(Database& database, const KeyRow& row, WallTime now) {
  const auto& key = row.key;
  STRATA_CHECK_OK(
      database.Run("DELETE FROM api_key_old_secrets WHERE valid_until <= ?", ToUnixMicros(now)));
  if (row.old_secret_sealed.empty() || !key.old_valid_until || *key.old_valid_until <= now) {
    return {};
  }
  STRATA_TRY(
      auto count,
      database.Integer("SELECT count(*) FROM api_key_old_secrets WHERE key_id = ?", key.id.value));
  // With the one that moves now and the one that is replaced.
  if (count.value_or(0) + 2 > static_cast<std::int64_t>(KeyStore::kOldSecretsMax)) {
    return Fail(Code::kConflict,
                fmt::format("{} secrets of key {} before this one are still valid; rotate it when "
                            "one of them has ended, or with an overlap of 0, which ends them all",
                            count.value_or(0) + 1, key.id.value));
  }
  return database.Run(
      "INSERT INTO api_key_old_secrets(key_id, secret_sealed, bearer_sha256, valid_until) "
      "VALUES(?,?,?,?)",
      key.id.value, row.old_secret_sealed, BlobView{row.old_bearer_digest},
      ToUnixMicros(*key.old_valid_until));
}

Result<> DropOldSecrets(Database& database, const KeyId& key) {
  return database.Run("DELETE FROM api_key_old_secrets WHERE key_id = ?", key.value);
}

Result<> CheckCreateKey(const CreateKey& request, WallTime now) {
  if (request.name.size() > kNameMax) {
    return Fail(InvalidArgument("name", fmt::format("it is longer than {} bytes", kNameMax)));
  }
  if (!request.name.empty() && !IsOneLine(request.name)) {
    return Fail(InvalidArgument("name", "expected a text without control characters"));
  }
  STRATA_CHECK_OK(CheckGrant(request.grant));
  if (request.expires && *request.expires <= now) {
    return Fail(InvalidArgument("expires", "it lies in the past"));
  }
  const auto& id = request.access_key_id;
  if (!id.empty() && (id.size() < 16 || id.size() > 128 || !IsAccessKeyId(id))) {
    return Fail(InvalidArgument("id", "it must be 16 to 128 letters, digits, '-' or '_'"));
  }
  STRATA_CHECK_OK(CheckSecretText("secret", request.secret));
  return CheckSecretText("bearer", request.bearer);
}

}  // namespace strata::store
