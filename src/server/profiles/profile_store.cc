#include "server/profiles/profile_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/normalize.h"

namespace strata::server {
namespace {

constexpr std::string_view kArnStart = "arn:aws:bedrock:us-east-1:000000000000:";
constexpr std::string_view kResource = "inference-profile/";

constexpr store::Migration kMigrations[] = {
    {"makes inference profiles", R"sql(
CREATE TABLE inference_profiles(
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  model TEXT NOT NULL, source TEXT NOT NULL, created INTEGER NOT NULL, UNIQUE(workspace, name)
) STRICT;
)sql"},
};

Result<> LoadTags(store::Database& database, InferenceProfile& profile) {
  STRATA_TRY(auto row, database.Prepare("SELECT key, value FROM tags WHERE workspace=? AND arn=?"));
  const auto arn = profile.Arn();
  row.Bind(1, profile.workspace.value).Bind(2, arn);
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return {};
    profile.tags.emplace(row.Text(0), row.Text(1));
  }
}

}  // namespace

std::string InferenceProfile::Arn() const {
  return fmt::format("{}application-{}{}", kArnStart, kResource, id);
}

std::string_view ProfileIdOf(std::string_view text) {
  const auto at = text.find(kResource);
  return text.starts_with("arn:") && at != text.npos ? text.substr(at + kResource.size()) : text;
}

Result<std::unique_ptr<ProfileStore>> ProfileStore::Open(store::SqlFile& file, ResourceTags& tags,
                                                         const Clock& clock) {
  std::unique_ptr<ProfileStore> profiles(new ProfileStore(file, tags, clock));
  STRATA_CHECK_OK(profiles->snapshot_.Open("inference_profiles", kMigrations));
  return profiles;
}

Result<ProfileStore::Snapshot> ProfileStore::Load(store::Database& database) {
  Snapshot out;
  {
    STRATA_TRY(auto row, database.Prepare("SELECT id, workspace, name, description, model, source, "
                                          "created FROM inference_profiles"));
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) break;
      InferenceProfile profile;
      profile.id = row.Text(0);
      profile.workspace.value = row.Text(1);
      profile.name = row.Text(2);
      profile.description = row.Text(3);
      profile.model = row.Text(4);
      profile.source = row.Text(5);
      profile.created = FromUnixMicros(row.Integer(6));
      out.emplace(profile.id, std::move(profile));
    }
  }
  for (auto& [id, profile] : out) STRATA_CHECK_OK(LoadTags(database, profile));
  return out;
}

Task<Result<InferenceProfile>> ProfileStore::Create(InferenceProfile profile) {
  profile.id = text::FoldCase(NewResourceId(12));
  profile.created = clock_.Wall();
  auto insert = [&profile](store::Database& database) -> Result<> {
    STRATA_TRY(auto count,
               database.Integer("SELECT COUNT(*) FROM inference_profiles WHERE workspace=?",
                                profile.workspace.value));
    if (count.value_or(0) >= static_cast<std::int64_t>(kProfilesMax)) {
      return Fail(Code::kTooLarge,
                  fmt::format("a workspace holds at most {} inference profiles", kProfilesMax));
    }
    auto inserted = database.Run(
        "INSERT INTO inference_profiles(id, workspace, name, description, model, source, created) "
        "VALUES(?,?,?,?,?,?,?)",
        profile.id, profile.workspace.value, profile.name, profile.description, profile.model,
        profile.source, ToUnixMicros(profile.created));
    if (!inserted.has_value() && inserted.error().code() == Code::kConflict) {
      return Fail(Error(Code::kConflict,
                        fmt::format("an inference profile named '{}' exists already", profile.name))
                      .AtField("inferenceProfileName"));
    }
    return inserted;
  };
  STRATA_CO_CHECK_OK(co_await snapshot_.Change(std::move(insert)));
  if (!profile.tags.empty()) {
    auto tags = profile.tags;
    STRATA_CO_CHECK_OK(co_await AddTags(profile, std::move(tags)));
  }
  co_return profile;
}

Task<Result<>> ProfileStore::Delete(std::string id, WorkspaceId workspace) {
  STRATA_CO_TRY(auto profile, Find(id, workspace));
  auto remove = [&profile](store::Database& database) {
    return database.Run("DELETE FROM inference_profiles WHERE id=?", profile.id);
  };
  STRATA_CO_CHECK_OK(co_await snapshot_.Change(std::move(remove)));
  co_return co_await tags_.Forget(profile.Arn(), std::move(workspace));
}

Result<InferenceProfile> ProfileStore::Find(std::string_view id) const {
  auto snapshot = snapshot_.Now();
  auto at = snapshot->find(id);
  if (at == snapshot->end()) return Fail(NotFound("inference profile", std::string(id)));
  return at->second;
}

Result<InferenceProfile> ProfileStore::Find(std::string_view id,
                                            const WorkspaceId& workspace) const {
  STRATA_TRY(auto profile, Find(id));
  if (profile.workspace != workspace) {
    return Fail(NotFound("inference profile", std::string(id)));
  }
  return profile;
}

std::vector<InferenceProfile> ProfileStore::List(const WorkspaceId& workspace) const {
  std::vector<InferenceProfile> out;
  auto snapshot = snapshot_.Now();
  for (const auto& [id, profile] : *snapshot) {
    if (profile.workspace == workspace) out.push_back(profile);
  }
  std::ranges::sort(out, {}, &InferenceProfile::name);
  return out;
}

Task<Result<>> ProfileStore::AddTags(InferenceProfile profile, Tags tags) {
  STRATA_CO_CHECK_OK(
      co_await tags_.Add(profile.Arn(), std::move(tags), std::move(profile.workspace)));
  co_return co_await snapshot_.Change([](store::Database&) { return Result<>(); });
}

Task<Result<>> ProfileStore::RemoveTags(InferenceProfile profile, std::vector<std::string> keys) {
  STRATA_CO_CHECK_OK(
      co_await tags_.Remove(profile.Arn(), std::move(keys), std::move(profile.workspace)));
  co_return co_await snapshot_.Change([](store::Database&) { return Result<>(); });
}

}  // namespace strata::server
