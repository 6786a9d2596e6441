// Bases whose file is missing or damaged: they say so, and stand in nobody's way.

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "knowledge/base/kb_options.h"
#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FailedBaseTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    good_ = MakeBase("good");
    Index(good_, MakeCustom(good_), {Document("a", "Glaciers are made of ice.")});
    bad_ = MakeBase("bad");
    bad_source_ = MakeCustom(bad_);
    Index(bad_, bad_source_, {Document("b", "Bridges are made of steel.")});
  }
  std::string FileOf(const KnowledgeBase& base) const {
    return data_.path() + "/kb-" + base.id + ".db";
  }
  void Reopen() {
    CloseService();
    OpenService();
    const auto started = bases_->Start();
    ASSERT_TRUE(started.has_value()) << started.error().message();
  }
  void ExpectFailed(const std::string& why) {
    const auto base = *bases_->Get(bad_.id, ctx_.workspace);
    EXPECT_EQ(base.status, KnowledgeBaseStatus::kFailed);
    EXPECT_THAT(base.failure_reasons, ElementsAre(HasSubstr(why)));
    EXPECT_EQ(bases_->FindByName("bad", ctx_.workspace)->status, KnowledgeBaseStatus::kFailed);
    RetrieveRequest request;
    request.knowledge_base_id = bad_.id;
    request.query = "steel";
    EXPECT_EQ(Run(bases_->Retrieve(std::move(request), ctx_)).error().code(), Code::kCorruption);
    // The others are as they were.
    EXPECT_EQ(bases_->Get(good_.id, ctx_.workspace)->status, KnowledgeBaseStatus::kActive);
    EXPECT_THAT(Uris(Search(good_, "glaciers")), ElementsAre("a"));
  }

  KnowledgeBase good_;
  KnowledgeBase bad_;
  DataSource bad_source_;
};

TEST_F(FailedBaseTest, OneWhoseFileIsDamagedFailsAlone) {
  CloseService();
  fs::copy_file(FileOf(bad_), data_.path() + "/kept");
  data_.Write("kb-" + bad_.id + ".db", std::string(12'288, 'x'));
  Reopen();
  ExpectFailed("not a database");
  fs::copy_file(data_.path() + "/kept", FileOf(bad_), fs::copy_options::overwrite_existing);
  Reopen();
  EXPECT_EQ(bases_->Get(bad_.id, ctx_.workspace)->status, KnowledgeBaseStatus::kActive);
  EXPECT_THAT(Uris(Search(bad_, "steel")), ElementsAre("b"));
}

TEST_F(FailedBaseTest, OneWhoseFileIsGoneIsNotEmptiedButFails) {
  CloseService();
  fs::rename(FileOf(bad_), data_.path() + "/kept");
  Reopen();
  ExpectFailed("is missing");
  EXPECT_FALSE(fs::exists(FileOf(bad_)));
  // Whoever uses it once it is back finds it working.
  fs::rename(data_.path() + "/kept", FileOf(bad_));
  EXPECT_THAT(Uris(Search(bad_, "steel")), ElementsAre("b"));
  EXPECT_EQ(bases_->Get(bad_.id, ctx_.workspace)->status, KnowledgeBaseStatus::kActive);
  EXPECT_THAT(bases_->Get(bad_.id, ctx_.workspace)->failure_reasons, IsEmpty());
}

TEST_F(FailedBaseTest, OneWhoseFileIsEmptyFails) {
  CloseService();
  fs::resize_file(FileOf(bad_), 0);
  Reopen();
  ExpectFailed("is empty");
}

TEST_F(FailedBaseTest, ItCanBeDeleted) {
  CloseService();
  data_.Write("kb-" + bad_.id + ".db", std::string(12'288, 'x'));
  Reopen();
  ASSERT_TRUE(Run(bases_->Delete(bad_.id, ctx_)).has_value());
  EXPECT_FALSE(fs::exists(FileOf(bad_)));
  EXPECT_EQ(bases_->Get(bad_.id, ctx_.workspace).error().code(), Code::kNotFound);
  EXPECT_EQ(MakeBase("bad").status, KnowledgeBaseStatus::kActive);
}

TEST_F(FailedBaseTest, ABaseHasItsFileFromItsMakingOn) {
  const auto base = MakeBase("new");
  EXPECT_TRUE(fs::exists(FileOf(base)));
  const auto files = [this] {
    return std::distance(fs::directory_iterator(data_.path()), fs::directory_iterator());
  };
  const auto before = files();
  CreateKnowledgeBaseInput input;
  input.name = "new";
  EXPECT_EQ(Run(bases_->Create(std::move(input), ctx_)).error().code(), Code::kConflict);
  EXPECT_EQ(files(), before);
}

// Earlier releases made the file with the first use.
TEST_F(FailedBaseTest, BasesOfEarlierReleasesThatNobodyUsedGetTheirFile) {
  const auto unused = MakeBase("unused");
  auto back = [](store::Database& db) {
    return db.Run("UPDATE strata_schema SET version = 3 WHERE component = 'knowledge'");
  };
  ASSERT_TRUE(meta_->WriteBlocking(back).has_value());
  CloseService();
  fs::remove(FileOf(unused));
  Reopen();
  EXPECT_EQ(bases_->Get(unused.id, ctx_.workspace)->status, KnowledgeBaseStatus::kActive);
  Index(unused, MakeCustom(unused), {Document("c", "Tides follow the moon.")});
  EXPECT_THAT(Uris(Search(unused, "tides")), ElementsAre("c"));
}

TEST(OpenMax, StaysWithinTheFilesOfTheProcess) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_EQ(KbSettings::From(DefaultOptions()).open_max, 16U);
  EXPECT_EQ(KbSettings::From(OptionsWith({{"kb.open_max", {"3", "test"}}})).open_max, 3U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace strata::knowledge
