#include "store/keys.h"

#include <gtest/gtest.h>

#include "base/run_task.h"
#include "store/file.h"
#include "store/testing.h"

namespace strata::store {
namespace {

class Keys : public testing::Test {
 protected:
  Keys() {
    file_ = std::move(*SqlFile::Open(folder_ / "meta.db", {}));
    ring_.emplace(std::move(*KeyRing::Load("", folder_ / "secrets")));
    Reopen();
  }
  void Reopen() {
    auto keys = KeyStore::Open(*file_, *ring_, clock_);
    ASSERT_TRUE(keys.has_value()) << keys.error().message();
    keys_ = std::move(*keys);
  }
  NewKey Create(CreateKey request = {}) {
    auto made = RunTask(keys_->Create(std::move(request)));
    EXPECT_TRUE(made.has_value()) << made.error().message();
    return std::move(*made);
  }
  std::shared_ptr<const ApiKey> Find(const SecretText& bearer) {
    return keys_->snapshot()->FindBearer(bearer.view(), clock_.Wall());
  }

  TempFolder folder_;
  ManualClock clock_;
  std::unique_ptr<SqlFile> file_;
  std::optional<KeyRing> ring_;
  std::unique_ptr<KeyStore> keys_;
};

TEST_F(Keys, ANewKeyIsFoundByBearerAndByAccessKey) {
  CreateKey request;
  request.name = "app";
  request.grant.models = {"kb/*"};
  request.grant.labels = {"pii"};
  request.grant.budget_month = domain::Money{5};
  auto made = Create(std::move(request));
  EXPECT_TRUE(made.bearer.view().starts_with("sk-strata-"));
  EXPECT_EQ(made.key.access_key_id.size(), 20U);
  EXPECT_EQ(made.secret.view().size(), 40U);
  Reopen();
  auto found = Find(made.bearer);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "app");
  EXPECT_EQ(found->grant.budget_month, domain::Money{5});
  EXPECT_TRUE(found->grant.labels.Has("pii"));
  EXPECT_EQ(found->grant.models, std::vector<std::string>{"kb/*"});
  EXPECT_TRUE(found->HasRole("invoke"));
  EXPECT_FALSE(found->HasRole("admin"));
  auto access = keys_->snapshot()->FindAccessKey(made.key.access_key_id, clock_.Wall());
  ASSERT_TRUE(access);
  EXPECT_EQ(access->secrets.at(0).view(), made.secret.view());
  EXPECT_FALSE(keys_->snapshot()->FindBearer("sk-strata-wrong", clock_.Wall()));
  EXPECT_FALSE(keys_->snapshot()->FindAccessKey("AKIAWRONG", clock_.Wall()));
}

TEST_F(Keys, NeitherBearerNorSecretStandsInTheFile) {
  auto made = Create();
  auto dump = file_->ReadBlocking([](Database& db) -> Result<std::string> {
    STRATA_TRY(auto row, db.Prepare("SELECT group_concat(quote(id) || quote(name) || "
                                    "quote(grant_json) || quote(secret_sealed) || "
                                    "quote(bearer_sha256) || quote(bearer_hint)) FROM api_keys"));
    STRATA_TRY([[maybe_unused]] bool there, row.Step());
    return std::string(row.Text(0));
  });
  EXPECT_EQ(dump->find(made.bearer.view()), std::string::npos);
  EXPECT_EQ(dump->find(made.secret.view()), std::string::npos);
}

TEST_F(Keys, GivenValuesAreTakenOnceAndChecked) {
  CreateKey request;
  request.access_key_id = "AKIATESTTESTTEST";
  request.secret = "secret-secret-secret";
  request.bearer = "bearer-bearer-bearer";
  auto made = Create(request);
  EXPECT_EQ(made.key.access_key_id, request.access_key_id);
  EXPECT_TRUE(Find(SecretText(request.bearer)));
  EXPECT_EQ(RunTask(keys_->Create(request)).error().code(), Code::kConflict);
  auto refused = [&](auto change) {
    CreateKey bad;
    change(bad);
    auto made = keys_->CreateBlocking(bad);
    EXPECT_FALSE(made.has_value());
    return made.has_value() ? std::string() : made.error().field();
  };
  EXPECT_EQ(refused([](auto& r) { r.access_key_id = "short"; }), "id");
  EXPECT_EQ(refused([](auto& r) { r.access_key_id = "with spaces in between"; }), "id");
  EXPECT_EQ(refused([](auto& r) { r.secret = "short"; }), "secret");
  EXPECT_EQ(refused([](auto& r) { r.bearer = std::string(20, '\n'); }), "bearer");
  EXPECT_EQ(refused([&](auto& r) { r.expires = clock_.Wall(); }), "expires");
  EXPECT_EQ(refused([](auto& r) { r.grant.roles.clear(); }), "roles");
  EXPECT_EQ(refused([](auto& r) { r.grant.roles = {"invoke", "emperor"}; }), "roles");
  EXPECT_EQ(refused([](auto& r) { r.grant.regions = {"eu", "no region!"}; }), "regions");
  EXPECT_EQ(refused([](auto& r) { r.grant.models = {"open*/gpt"}; }), "models");
  EXPECT_EQ(refused([](auto& r) { r.grant.labels.Add("a, b"); }), "labels");
  EXPECT_EQ(refused([](auto& r) { r.grant.principals = {"user:7\n"}; }), "principals");
  EXPECT_EQ(refused([](auto& r) { r.grant.acts_for = {"user:*x"}; }), "acts_for");
  EXPECT_EQ(refused([](auto& r) { r.grant.acts_for = {""}; }), "acts_for");
  EXPECT_EQ(refused([](auto& r) { r.grant.workspace = WorkspaceId{"two words"}; }), "workspace");
  EXPECT_EQ(refused([](auto& r) { r.name = "two\nlines"; }), "name");
  CreateKey wide;
  wide.grant.regions = {"eu-central-1", "EU", "local"};
  wide.grant.models = {"*", "builtin/*", "openai/gpt-4o"};
  wide.grant.principals = {"group:Human Resources", "user:ann@example.com"};
  EXPECT_TRUE(keys_->CreateBlocking(wide).has_value());
}

TEST_F(Keys, AKeyActsForWhomItWasMadeForAndForItsOwnPrincipals) {
  EXPECT_FALSE(Create().key.MayActFor("user:7"));
  CreateKey admin;
  admin.grant.roles = {"admin"};
  EXPECT_FALSE(Create(admin).key.MayActFor("user:7"));
  CreateKey request;
  request.grant.principals = {"user:1"};
  request.grant.acts_for = {"user:7", "user:berlin-*"};
  const auto id = Create(request).key.id;
  const auto found = keys_->snapshot()->FindId(id);  // as it was stored
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->MayActFor("user:1"));
  EXPECT_TRUE(found->MayActFor("user:7"));
  EXPECT_TRUE(found->MayActFor("user:berlin-3"));
  EXPECT_FALSE(found->MayActFor("user:77"));
  EXPECT_FALSE(found->MayActFor("group:hr"));
}

TEST_F(Keys, ExpiryAndRevocationEndAKey) {
  CreateKey request;
  request.expires = clock_.Wall() + std::chrono::hours(1);
  auto expiring = Create(request);
  auto revoked = Create();
  EXPECT_TRUE(Find(expiring.bearer));
  clock_.Advance(std::chrono::hours(1));
  EXPECT_FALSE(Find(expiring.bearer));
  EXPECT_TRUE(Find(revoked.bearer));
  ASSERT_TRUE(RunTask(keys_->Revoke({revoked.key.access_key_id})).has_value());
  EXPECT_FALSE(Find(revoked.bearer));
  EXPECT_FALSE(keys_->snapshot()->FindAccessKey(revoked.key.access_key_id, clock_.Wall()));
  EXPECT_EQ(RunTask(keys_->Revoke({"key_none"})).error().code(), Code::kNotFound);
  auto all = RunTask(keys_->List(std::nullopt));
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->front().id, revoked.key.id);
  EXPECT_TRUE(all->front().revoked);
  EXPECT_EQ(RunTask(keys_->List(WorkspaceId{"other"}))->size(), 0U);
}

TEST_F(Keys, ARotatedKeyWorksWithBothSecretsDuringTheOverlap) {
  auto old = Create();
  auto rotated = RunTask(keys_->Rotate(old.key.id, std::chrono::minutes(10)));
  ASSERT_TRUE(rotated.has_value()) << rotated.error().message();
  EXPECT_EQ(rotated->key.id, old.key.id);
  EXPECT_TRUE(Find(old.bearer));
  EXPECT_TRUE(Find(rotated->bearer));
  auto access = keys_->snapshot()->FindAccessKey(old.key.access_key_id, clock_.Wall());
  ASSERT_EQ(access->secrets.size(), 2U);
  EXPECT_EQ(access->secrets[0].view(), rotated->secret.view());
  EXPECT_EQ(access->secrets[1].view(), old.secret.view());
  clock_.Advance(std::chrono::minutes(10));
  EXPECT_FALSE(Find(old.bearer));
  EXPECT_TRUE(Find(rotated->bearer));
  EXPECT_EQ(keys_->snapshot()->FindAccessKey(old.key.access_key_id, clock_.Wall())->secrets.size(),
            1U);
}

TEST_F(Keys, ASecondRotationKeepsWhatTheFirstPromised) {
  auto first = Create();
  auto second = RunTask(keys_->Rotate(first.key.id, std::chrono::minutes(60)));
  clock_.Advance(std::chrono::minutes(10));
  auto third = RunTask(keys_->Rotate(first.key.id, std::chrono::minutes(20)));
  ASSERT_TRUE(third.has_value()) << third.error().message();
  Reopen();
  auto secrets = [&] {
    return keys_->snapshot()->FindAccessKey(first.key.access_key_id, clock_.Wall())->secrets.size();
  };
  EXPECT_TRUE(Find(first.bearer) && Find(second->bearer) && Find(third->bearer));
  EXPECT_EQ(secrets(), 3U);
  clock_.Advance(std::chrono::minutes(20));
  EXPECT_FALSE(Find(second->bearer));
  EXPECT_TRUE(Find(first.bearer)) << "its hour is not over";
  EXPECT_EQ(secrets(), 2U);
  clock_.Advance(std::chrono::minutes(30));
  EXPECT_FALSE(Find(first.bearer));
  EXPECT_EQ(secrets(), 1U);
}

TEST_F(Keys, ARotationWithoutOverlapEndsAllOldSecrets) {
  auto first = Create();
  auto second = RunTask(keys_->Rotate(first.key.id, std::chrono::minutes(60)));
  ASSERT_TRUE(RunTask(keys_->Rotate(first.key.id, std::chrono::minutes(60))).has_value());
  auto last = RunTask(keys_->Rotate(first.key.id, std::chrono::seconds(0)));
  EXPECT_FALSE(Find(first.bearer) || Find(second->bearer));
  EXPECT_TRUE(Find(last->bearer));
}

TEST_F(Keys, SecretsThatAreValidHaveALimit) {
  auto made = Create();
  for (std::size_t i = 0; i < KeyStore::kOldSecretsMax; ++i) {
    ASSERT_TRUE(RunTask(keys_->Rotate(made.key.id, std::chrono::minutes(60))).has_value()) << i;
  }
  auto over = RunTask(keys_->Rotate(made.key.id, std::chrono::minutes(60)));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code(), Code::kConflict);
}

TEST_F(Keys, SecretsAreSealedAgainAfterTheMasterKeyRotates) {
  auto made = Create();
  ASSERT_TRUE(RunTask(keys_->Rotate(made.key.id, std::chrono::minutes(60))).has_value());
  ASSERT_TRUE(RunTask(keys_->Rotate(made.key.id, std::chrono::minutes(60))).has_value());
  ASSERT_TRUE(ring_->Rotate());
  EXPECT_EQ(*RunTask(keys_->ResealAll()), 2) << "the row, and the secret before its last two";
  EXPECT_EQ(*RunTask(keys_->ResealAll()), 0);
  // Without the key that sealed them before, all are opened.
  auto path = folder_ / "secrets/master.key";
  auto newest = ReadWholeFile(path, 1000)->substr(0, 64);
  ASSERT_TRUE(WriteFileAtomic(path, newest));
  ring_.emplace(std::move(*KeyRing::Load("", folder_ / "secrets")));
  Reopen();
  auto access = keys_->snapshot()->FindAccessKey(made.key.access_key_id, clock_.Wall());
  ASSERT_EQ(access->secrets.size(), 3U);
  EXPECT_EQ(access->secrets.back().view(), made.secret.view());
}

// The process ends between the two steps of a rotation; keys that are revoked stand in nobody's
// way.
TEST_F(Keys, ARotationThatWasCutShortIsFinishedAtTheNextOpening) {
  auto made = Create();
  auto revoked = Create();
  ASSERT_TRUE(RunTask(keys_->Revoke(revoked.key.id)).has_value());
  ASSERT_TRUE(ring_->Rotate());
  keys_.reset();
  ring_.emplace(std::move(*KeyRing::Load("", folder_ / "secrets")));
  Reopen();
  EXPECT_EQ(*RunTask(keys_->ResealAll()), 0) << "the opening has done it";
  auto access = keys_->snapshot()->FindAccessKey(made.key.access_key_id, clock_.Wall());
  EXPECT_EQ(access->secrets.at(0).view(), made.secret.view());
}

}  // namespace
}  // namespace strata::store
