#include "store/secrets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "store/file.h"
#include "store/testing.h"

namespace strata::store {
namespace {

KeyRing LoadRing(const TempFolder& folder, std::string_view reference = "") {
  auto ring = KeyRing::Load(reference, folder / "secrets");
  EXPECT_TRUE(ring.has_value()) << ring.error().message();
  return std::move(*ring);
}

TEST(Secrets, WhatIsSealedOpensOnlyForWhatItWasSealedFor) {
  TempFolder folder;
  auto ring = LoadRing(folder);
  auto sealed = ring.Seal("hunter2", "key 1");
  ASSERT_TRUE(sealed.has_value());
  EXPECT_TRUE(sealed->starts_with("sealed:v1."));
  EXPECT_EQ(sealed->find("hunter2"), std::string::npos);
  EXPECT_EQ(ring.Unseal(*sealed, "key 1")->view(), "hunter2");
  EXPECT_EQ(ring.Unseal(*sealed, "key 2").error().code(), Code::kCorruption);
  EXPECT_NE(*ring.Seal("hunter2", "key 1"), *sealed) << "a fresh nonce each time";
  EXPECT_EQ(ring.Unseal(*ring.Seal("", "c"), "c")->view(), "");
}

TEST(Secrets, EveryChangeOfASealedTextIsFound) {
  TempFolder folder;
  auto ring = LoadRing(folder);
  auto sealed = *ring.Seal("hunter2", "c");
  for (std::size_t at = 0; at + 1 < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ring.Unseal(changed, "c").has_value()) << at;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(ring.Unseal(sealed.substr(0, size), "c").has_value()) << size;
  }
}

TEST(Secrets, TheMasterKeyIsMadeOnceAndPrivate) {
  TempFolder folder;
  auto sealed = *LoadRing(folder).Seal("s", "c");
  EXPECT_EQ(LoadRing(folder).Unseal(sealed, "c")->view(), "s");
  auto path = folder / "secrets/master.key";
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  auto refused = KeyRing::Load("", folder / "secrets");
  EXPECT_EQ(refused.error().code(), Code::kPermissionDenied);
}

TEST(Secrets, AfterARotationOldTextsOpenAndNewOnesUseTheNewKey) {
  TempFolder folder;
  auto before = LoadRing(folder);
  auto sealed = *before.Seal("s", "c");
  auto after = LoadRing(folder);
  ASSERT_TRUE(after.Rotate());
  EXPECT_EQ(LoadRing(folder).newest_key_id(), after.newest_key_id());
  EXPECT_NE(after.newest_key_id(), before.newest_key_id());
  EXPECT_EQ(after.Unseal(sealed, "c")->view(), "s");
  auto again = after.Reseal(sealed, "c");
  ASSERT_TRUE(again.has_value());
  EXPECT_NE(*again, sealed);
  EXPECT_EQ(*after.Reseal(*again, "c"), *again);
  EXPECT_EQ(before.Unseal(*again, "c").error().code(), Code::kNotFound);
}

TEST(Secrets, ARingThatIsFullRotatesOn) {
  TempFolder folder;
  auto ring = LoadRing(folder);
  const auto oldest = *ring.Seal("s", "c");
  for (std::size_t i = 1; i < 64; ++i) ASSERT_TRUE(ring.Rotate()) << i;
  EXPECT_EQ(ring.Unseal(oldest, "c")->view(), "s");
  const auto newer = *ring.Seal("s", "c");
  for (int i = 0; i < 2; ++i) {
    auto rotated = ring.Rotate();
    ASSERT_TRUE(rotated.has_value()) << rotated.error().message();
  }
  EXPECT_EQ(ring.Unseal(oldest, "c").error().code(), Code::kNotFound);
  EXPECT_EQ(ring.Unseal(newer, "c")->view(), "s");
  EXPECT_EQ(LoadRing(folder).Unseal(newer, "c")->view(), "s");
}

TEST(Secrets, MasterKeysComeFromTheEnvironmentOrAFile) {
  TempFolder folder;
  std::string key(64, 'a');
  ::setenv("STRATA_TEST_MASTER", key.c_str(), 1);
  ASSERT_TRUE(WriteFileAtomic(folder / "k", key + "\n\n"));
  auto from_env = LoadRing(folder, "env:STRATA_TEST_MASTER");
  auto from_file = LoadRing(folder, "file:" + (folder / "k"));
  EXPECT_EQ(from_file.Unseal(*from_env.Seal("s", "c"), "c")->view(), "s");
  ::unsetenv("STRATA_TEST_MASTER");
  EXPECT_EQ(KeyRing::Load("env:STRATA_TEST_MASTER", "").error().code(), Code::kNotFound);
  EXPECT_EQ(KeyRing::Load("aaaa", "").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(from_file.Rotate().error().code(), Code::kConflict) << "its owner changes it";
  EXPECT_EQ(*ReadWholeFile(folder / "k", 1000), key + "\n\n");
  ASSERT_TRUE(WriteFileAtomic(folder / "k", "short"));
  EXPECT_EQ(KeyRing::Load("file:" + (folder / "k"), "").error().code(), Code::kInvalidArgument);
}

TEST(Secrets, AMovedSecretLeavesNothingBehind) {
  SecretText a("hunter2 hunter2 hunter2 hunter2 hunter2");
  SecretText b(std::move(a));
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.view().substr(0, 7), "hunter2");
}

}  // namespace
}  // namespace strata::store
