#include "server/prompts/prompt_store.h"

#include <fmt/format.h>

#include <charconv>

#include "base/format_message.h"

namespace strata::server {
namespace {

constexpr store::Migration kMigrations[] = {
    {"makes prompts", R"sql(
CREATE TABLE prompts(
  id TEXT NOT NULL, version INTEGER NOT NULL, workspace TEXT NOT NULL, name TEXT NOT NULL,
  description TEXT NOT NULL, default_variant TEXT NOT NULL, key_arn TEXT NOT NULL,
  variants TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  last_version INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(id, version)
) STRICT;
CREATE UNIQUE INDEX prompts_by_name ON prompts(workspace, name) WHERE version = 0;
)sql"},
};

// 0: the draft; -1: no version.
int NumberOf(std::string_view version) {
  if (version.empty() || version == kDraft) return 0;
  int number = 0;
  auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), number);
  bool whole = error == std::errc() && end == version.data() + version.size();
  return whole && number > 0 ? number : -1;
}

Result<> Insert(store::Database& database, const Prompt& p, int version) {
  return database.Run(
      "INSERT INTO prompts(id, version, workspace, name, description, default_variant, key_arn, "
      "variants, created, updated) VALUES(?,?,?,?,?,?,?,?,?,?)",
      p.id, version, p.workspace.value, p.content.name, p.content.description,
      p.content.default_variant, p.content.encryption_key_arn, p.content.variants.text,
      ToUnixMicros(p.created), ToUnixMicros(p.updated));
}

Error NameTaken(const std::string& name) {
  return Error(Code::kConflict, FormatMessage("a prompt named '{}' exists already", name))
      .AtField("name");
}

}  // namespace

std::string Prompt::Arn() const {
  auto arn = "arn:aws:bedrock:us-east-1:000000000000:prompt/" + id;
  return version == kDraft ? arn : arn + ":" + version;
}

PromptName ParsePromptName(std::string_view text) {
  constexpr std::string_view kResource = ":prompt/";
  if (auto at = text.find(kResource); text.starts_with("arn:") && at != text.npos) {
    text.remove_prefix(at + kResource.size());
  }
  auto colon = text.find(':');
  PromptName name{.id = std::string(text.substr(0, colon)), .version = {}};
  if (colon != text.npos) name.version = text.substr(colon + 1);
  return name;
}

Result<std::unique_ptr<PromptStore>> PromptStore::Open(store::SqlFile& file, const Clock& clock) {
  std::unique_ptr<PromptStore> prompts(new PromptStore(file, clock));
  STRATA_CHECK_OK(prompts->snapshot_.Open("prompts", kMigrations));
  return prompts;
}

Result<PromptStore::Snapshot> PromptStore::Load(store::Database& database) {
  Snapshot out;
  STRATA_TRY(auto row, database.Prepare("SELECT id, version, workspace, name, description, "
                                        "default_variant, key_arn, variants, created, updated "
                                        "FROM prompts"));
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return out;
    Prompt p;
    p.id = row.Text(0);
    auto number = static_cast<int>(row.Integer(1));
    if (number > 0) p.version = std::to_string(number);
    p.workspace.value = row.Text(2);
    p.content.name = row.Text(3);
    p.content.description = row.Text(4);
    p.content.default_variant = row.Text(5);
    p.content.encryption_key_arn = row.Text(6);
    p.content.variants.text = row.Text(7);
    p.created = FromUnixMicros(row.Integer(8));
    p.updated = FromUnixMicros(row.Integer(9));
    Key key(p.id, number);
    out.emplace(std::move(key), std::move(p));
  }
}

Task<Result<Prompt>> PromptStore::Create(PromptContent content, WorkspaceId workspace) {
  Prompt prompt;
  prompt.id = NewResourceId();
  prompt.workspace = std::move(workspace);
  prompt.content = std::move(content);
  prompt.created = prompt.updated = clock_.Wall();
  auto insert = [&prompt](store::Database& database) -> Result<> {
    STRATA_TRY(auto count,
               database.Integer("SELECT COUNT(*) FROM prompts WHERE workspace=? AND version=0",
                                prompt.workspace.value));
    if (count.value_or(0) >= static_cast<std::int64_t>(kPromptsMax)) {
      return Fail(Code::kTooLarge,
                  FormatMessage("a workspace holds at most {} prompts", kPromptsMax));
    }
    auto inserted = Insert(database, prompt, 0);
    if (!inserted.has_value() && inserted.error().code() == Code::kConflict) {
      return Fail(NameTaken(prompt.content.name));
    }
    return inserted;
  };
  STRATA_CO_CHECK_OK(co_await snapshot_.Change(std::move(insert)));
  co_return prompt;
}

Task<Result<Prompt>> PromptStore::Update(std::string id, PromptContent content,
                                         WorkspaceId workspace) {
  STRATA_CO_TRY(auto prompt, Find(id, kDraft, workspace));
  prompt.content = std::move(content);
  prompt.updated = clock_.Wall();
  auto update = [&prompt](store::Database& database) -> Result<> {
    const auto& c = prompt.content;
    auto done = database.Run(
        "UPDATE prompts SET name=?, description=?, default_variant=?, key_arn=?, variants=?, "
        "updated=? WHERE id=? AND version=0",
        c.name, c.description, c.default_variant, c.encryption_key_arn, c.variants.text,
        ToUnixMicros(prompt.updated), prompt.id);
    if (!done.has_value() && done.error().code() == Code::kConflict) return Fail(NameTaken(c.name));
    STRATA_CHECK_OK(done);
    if (database.changes() == 0) return Fail(NotFound("prompt", prompt.id));
    return {};
  };
  STRATA_CO_CHECK_OK(co_await snapshot_.Change(std::move(update)));
  co_return prompt;
}

Task<Result<Prompt>> PromptStore::AddVersion(std::string id, std::string description,
                                             WorkspaceId workspace) {
  STRATA_CO_TRY(auto prompt, Find(id, kDraft, workspace));
  if (!description.empty()) prompt.content.description = std::move(description);
  prompt.created = prompt.updated = clock_.Wall();
  auto add = [&prompt](store::Database& database) -> Result<> {
    STRATA_TRY(
        auto versions,
        database.Integer("SELECT COUNT(*) FROM prompts WHERE id=? AND version>0", prompt.id));
    if (versions.value_or(0) >= static_cast<std::int64_t>(kVersionsMax)) {
      return Fail(Code::kTooLarge, FormatMessage("a prompt has at most {} versions", kVersionsMax));
    }
    STRATA_CHECK_OK(database.Run(
        "UPDATE prompts SET last_version=last_version+1 WHERE id=? AND version=0", prompt.id));
    STRATA_TRY(
        auto number,
        database.Integer("SELECT last_version FROM prompts WHERE id=? AND version=0", prompt.id));
    if (!number) return Fail(NotFound("prompt", prompt.id));
    prompt.version = std::to_string(*number);
    return Insert(database, prompt, static_cast<int>(*number));
  };
  STRATA_CO_CHECK_OK(co_await snapshot_.Change(std::move(add)));
  co_return prompt;
}

Task<Result<>> PromptStore::Delete(std::string id, std::string version, WorkspaceId workspace) {
  STRATA_CO_TRY(auto prompt, Find(id, version, workspace));
  auto number = version.empty() ? -1 : NumberOf(version);
  auto remove = [&prompt, number](store::Database& database) -> Result<> {
    if (number < 0) return database.Run("DELETE FROM prompts WHERE id=?", prompt.id);
    return database.Run("DELETE FROM prompts WHERE id=? AND version=?", prompt.id, number);
  };
  co_return co_await snapshot_.Change(std::move(remove));
}

Result<Prompt> PromptStore::Find(std::string_view id, std::string_view version,
                                 const WorkspaceId& workspace) const {
  auto snapshot = snapshot_.Now();
  auto at = snapshot->find(Key(id, NumberOf(version)));
  if (at == snapshot->end() || at->second.workspace != workspace) {
    auto name = version.empty() ? std::string(id) : fmt::format("{}:{}", id, version);
    return Fail(NotFound("prompt", name));
  }
  return at->second;
}

std::vector<Prompt> PromptStore::List(std::string_view id, const WorkspaceId& workspace) const {
  auto snapshot = snapshot_.Now();
  std::vector<Prompt> out;
  for (const auto& [key, prompt] : *snapshot) {
    if (prompt.workspace != workspace) continue;
    if (id.empty() ? key.second == 0 : key.first == id) out.push_back(prompt);
  }
  return out;
}

}  // namespace strata::server
