#include "server/resource_tags.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/format_message.h"
#include "base/utf8.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeyMax = 128;
constexpr std::size_t kValueMax = 256;

constexpr store::Migration kMigrations[] = {
    {"makes tags", R"sql(
CREATE TABLE tags(
  workspace TEXT NOT NULL, arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(workspace, arn, key)
) STRICT, WITHOUT ROWID;
)sql"},
};

bool IsTagText(std::string_view text) {
  constexpr std::string_view kMarks = " _.:/=+@-";
  return std::ranges::all_of(text, [&](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}

Result<Tags> ReadRows(store::Database& database, const std::string& arn,
                      const WorkspaceId& workspace) {
  STRATA_TRY(auto row, database.Prepare("SELECT key, value FROM tags WHERE workspace=? AND arn=?"));
  row.Bind(1, workspace.value);
  row.Bind(2, arn);
  Tags tags;
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return tags;
    tags.emplace(row.Text(0), row.Text(1));
  }
}

}  // namespace

Result<Tags> DecodeTags(const dialect::JsonField& field) {
  Tags tags;
  if (!field.present()) return tags;
  STRATA_CHECK_OK(field.ExpectObject());
  if (field.size() > kTagsMax) return Fail(field.Wrong(FormatMessage("at most {}", kTagsMax)));
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto member = field.Member(i);
    const auto key = field.MemberName(i);
    STRATA_TRY(auto value, member.String());
    if (key.empty() || CodePointCount(key) > kKeyMax || !IsTagText(key)) {
      return Fail(member.Wrong("a key has 1 to 128 letters, digits, spaces and _.:/=+@-"));
    }
    if (CodePointCount(value) > kValueMax || !IsTagText(value)) {
      return Fail(member.Wrong("a value has up to 256 letters, digits, spaces and _.:/=+@-"));
    }
    tags.emplace(key, std::move(value));
  }
  return tags;
}

Result<Tags> TagsOfBody(std::string_view body) {
  if (body.empty()) return Tags();
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  dialect::JsonField top(parsed);
  auto tags = top.Get("tags");
  return DecodeTags(tags);
}

std::string EncodeTags(const Tags& tags) {
  json::object out;
  for (const auto& [key, value] : tags) out[key] = value;
  return json::serialize(json::object{{"tags", std::move(out)}});
}

Result<Tags> DecodeTagList(const dialect::JsonField& field) {
  if (!field.present()) return Tags();
  STRATA_CHECK_OK(field.ExpectArray());
  dialect::JsonValue::Object members;
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    auto key_field = item.Get("key");
    auto value_field = item.Get("value");
    STRATA_TRY(auto key, key_field.NonEmptyString());
    STRATA_TRY(auto value, value_field.String());
    auto same = [&](const auto& member) { return member.key == key; };
    if (std::ranges::any_of(members, same)) return Fail(item.Wrong("the key stands twice"));
    members.push_back({std::move(key), dialect::JsonValue(dialect::JsonValue::Data(value))});
  }
  // The rules of keys and values are those of the other services.
  const dialect::JsonValue object(dialect::JsonValue::Data(std::move(members)));
  return DecodeTags(dialect::JsonField(object));
}

std::string EncodeTagList(const Tags& tags) {
  json::array out;
  for (const auto& [key, value] : tags) out.push_back({{"key", key}, {"value", value}});
  return json::serialize(json::object{{"tags", std::move(out)}});
}

Result<std::unique_ptr<ResourceTags>> ResourceTags::Open(store::SqlFile& file) {
  auto migrate = [](store::Database& database) {
    return store::MigrateComponent(database, "tags", kMigrations);
  };
  STRATA_CHECK_OK(file.WriteBlocking(migrate));
  return std::unique_ptr<ResourceTags>(new ResourceTags(file));
}

Task<Result<>> ResourceTags::Add(std::string arn, Tags tags, WorkspaceId workspace) {
  auto add = [&](store::Database& database) -> Result<> {
    for (const auto& [key, value] : tags) {
      STRATA_CHECK_OK(
          database.Run("INSERT INTO tags(workspace, arn, key, value) VALUES(?,?,?,?) "
                       "ON CONFLICT DO UPDATE SET value=excluded.value",
                       workspace.value, arn, key, value));
    }
    STRATA_TRY(auto count, database.Integer("SELECT COUNT(*) FROM tags WHERE workspace=? AND arn=?",
                                            workspace.value, arn));
    if (count.value_or(0) > static_cast<std::int64_t>(kTagsMax)) {
      return Fail(Code::kTooLarge, FormatMessage("a resource has at most {} tags", kTagsMax));
    }
    return {};
  };
  co_return co_await file_.Write(std::move(add));
}

Task<Result<>> ResourceTags::Remove(std::string arn, std::vector<std::string> keys,
                                    WorkspaceId workspace) {
  auto remove = [&](store::Database& database) -> Result<> {
    for (const auto& key : keys) {
      STRATA_CHECK_OK(database.Run("DELETE FROM tags WHERE workspace=? AND arn=? AND key=?",
                                   workspace.value, arn, key));
    }
    return {};
  };
  co_return co_await file_.Write(std::move(remove));
}

Task<Result<Tags>> ResourceTags::Of(std::string arn, WorkspaceId workspace) {
  auto read = [&](store::Database& database) { return ReadRows(database, arn, workspace); };
  co_return co_await file_.Read(std::move(read));
}

Task<Result<>> ResourceTags::Forget(std::string arn, WorkspaceId workspace) {
  auto forget = [&](store::Database& database) {
    // ';' is the character behind ':'.
    return database.Run("DELETE FROM tags WHERE workspace=? AND (arn=? OR (arn>=? AND arn<?))",
                        workspace.value, arn, arn + ":", arn + ";");
  };
  co_return co_await file_.Write(std::move(forget));
}

}  // namespace strata::server
