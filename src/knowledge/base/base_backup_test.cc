// Backups of data folders in which knowledge bases come and go.

#include <deque>

#include "knowledge/base/service_fixture.h"
#include "knowledge/base_files.h"

namespace strata::knowledge {
namespace {

namespace fs = std::filesystem;

class BaseBackupTest : public ServiceFixture {
 protected:
  // Makes bases with a document each, and deletes them a little later.
  void Churn(const std::atomic<bool>& enough) {
    std::deque<KnowledgeBase> bases;
    for (int i = 0; !enough; ++i) {
      bases.push_back(MakeBase("base" + std::to_string(i)));
      Index(bases.back(), MakeCustom(bases.back()), {Document("d", "The tide comes.")});
      if (bases.size() < 4) continue;
      RequestContext ctx;
      EXPECT_TRUE(Run(bases_->Delete(bases.front().id, ctx)).has_value());
      bases.pop_front();
    }
  }
  void ExpectWhole(const std::string& backup) {
    fs::remove_all(data_.path());
    auto restored = store::Restore(backup, data_.path());
    ASSERT_TRUE(restored.has_value()) << restored.error().message();
    OpenService();
    ASSERT_TRUE(bases_->Start().has_value());
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(data_.path())) {
      const auto name = entry.path().filename().string();
      files += name.starts_with("kb-") && name.ends_with(".db") ? 1 : 0;
    }
    const auto all = bases_->ListAll();
    EXPECT_EQ(files, all.size());
    for (const auto& base : all) {
      EXPECT_EQ(base.status, KnowledgeBaseStatus::kActive) << base.name;
      if (base.name == "kept") EXPECT_EQ(Search(base, "ice").size(), 1U);
    }
    EXPECT_TRUE(bases_->FindByName("kept", ctx_.workspace).has_value());
    CloseService();
  }

  TempFolder out_;
};

TEST_F(BaseBackupTest, WhatIsRestoredOpensWholeHoweverBasesCameAndWent) {
  const auto kept = MakeBase("kept");
  Index(kept, MakeCustom(kept), {Document("a", "Glaciers are made of ice.")});
  std::atomic<bool> enough = false;
  std::thread churn([&] { Churn(enough); });
  std::vector<std::string> backups;
  for (int i = 0; i < 6; ++i) {
    auto target = out_.path() + "/" + std::to_string(i) + (i % 2 == 0 ? "" : ".tar");
    auto done = store::Backup(data_.path(), target, BaseFiles());
    EXPECT_TRUE(done.has_value()) << done.error().message();
    if (done.has_value()) backups.push_back(std::move(target));
  }
  enough = true;
  churn.join();
  CloseService();
  for (const auto& backup : backups) ExpectWhole(backup);
}

}  // namespace
}  // namespace strata::knowledge
