// Files of releases that took readers and labels for plain metadata, opened by this one.

#include <gmock/gmock.h>

#include "knowledge/base/kb_file.h"
#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class KbUpgradeTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    base_ = MakeBase();
    source_ = MakeCustom(base_);
  }
  // A document with what was its metadata then.
  void IndexOld(const std::string& id, std::string metadata, std::vector<std::string> allow = {}) {
    auto document = Document(id, "The glacier of " + id + " is made of ice.");
    document.access.allow = std::move(allow);
    Index(base_, source_, {document});
    old_[id] = std::move(metadata);
  }
  // As an earlier release left the file, opened again by this one.
  void Upgrade() {
    CloseService();
    {
      auto file = OpenKbFile(data_.path() + "/kb-" + base_.id + ".db");
      ASSERT_TRUE(file.has_value());
      auto age = [&](store::Database& db) -> Result<> {
        for (const auto& [id, metadata] : old_) {
          STRATA_CHECK_OK(db.Run("UPDATE documents SET metadata = ? WHERE uri = ?", metadata, id));
        }
        return db.Run("PRAGMA user_version = 4");
      };
      ASSERT_TRUE((*file)->WriteBlocking(age).has_value());
    }
    OpenService();
  }
  std::vector<std::string> Found() { return Uris(Search(base_, "glacier of ice")); }
  DocumentDetail DetailOf(std::string id) {
    return Get(bases_->GetDocuments(base_.id, source_.id, {std::move(id)}, ctx_)).at(0);
  }

  KnowledgeBase base_;
  DataSource source_;
  std::map<std::string, std::string> old_;
};

TEST_F(KbUpgradeTest, ReadersThatWerePlainMetadataHoldFromThenOn) {
  IndexOld("open", R"({"year": 2020})");
  IndexOld("board", R"({"strata_principals": ["group:board"], "year": 2021})");
  IndexOld("own", R"({"strata_mine": "a name of somebody's own"})");
  ASSERT_THAT(Found(), UnorderedElementsAre("open", "board", "own"));
  Upgrade();
  EXPECT_THAT(Found(), UnorderedElementsAre("open", "own"));
  ctx_.principals = {"group:board"};
  EXPECT_THAT(Found(), UnorderedElementsAre("open", "board", "own"));
  RetrieveRequest request;
  request.knowledge_base_id = base_.id;
  request.query = "glacier";
  request.filter = *ParseFilter(R"({"equals": {"key": "year", "value": 2021}})");
  const auto found = Get(bases_->Retrieve(request, ctx_)).results;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].metadata.text, R"({"year":2021})");
}

TEST_F(KbUpgradeTest, LabelsThatWerePlainMetadataGoAlongWithTheText) {
  IndexOld("tagged", R"({"strata_labels": ["eu-only"]})");
  Upgrade();
  const auto found = Search(base_, "glacier");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].labels.Has("eu-only"));
  EXPECT_EQ(found[0].metadata.text, "");
}

TEST_F(KbUpgradeTest, WhatCannotBeHeededIsReadByNobodyUntilItComesAgain) {
  for (const auto& [id, metadata] : std::map<std::string, std::string>{
           {"text", R"({"strata_principals": "user:7"})"},
           {"empty", R"({"strata_principals": []})"},
           {"case", R"({"Strata_Principals": ["user:7"]})"},
           {"inside", R"({"access": {"strata_principals": ["user:7"]}})"}}) {
    IndexOld(id, metadata);
  }
  Upgrade();
  ctx_.principals = {"user:7"};
  EXPECT_THAT(Found(), IsEmpty());
  EXPECT_EQ(DetailOf("text").status, DocumentStatus::kFailed);
  EXPECT_THAT(DetailOf("text").reason, HasSubstr("strata_principals"));
  auto again = Document("text", "The glacier of text is made of ice.");
  again.access.allow = {"user:7"};
  Index(base_, source_, {again});
  EXPECT_THAT(Found(), ElementsAre("text"));
}

TEST_F(KbUpgradeTest, AnAccessListBesideThemIsNotWidened) {
  IndexOld("both", R"({"strata_principals": ["user:7", "user:8"]})", {"user:8", "user:9"});
  IndexOld("neither", R"({"strata_principals": ["user:7"]})", {"user:9"});
  Upgrade();
  for (const char* principal : {"user:7", "user:9"}) {
    ctx_.principals = {principal};
    EXPECT_THAT(Found(), IsEmpty()) << principal;
  }
  ctx_.principals = {"user:8"};
  EXPECT_THAT(Found(), ElementsAre("both"));
}

TEST_F(KbUpgradeTest, PendingContentIsHeededToo) {
  ASSERT_TRUE(CreateKbFile(data_.path() + "/pending.db").has_value());
  auto file = OpenKbFile(data_.path() + "/pending.db");
  ASSERT_TRUE(file.has_value());
  const auto add = [&](const std::string& id, const std::string& metadata) {
    auto document = Document(id, "text");
    document.metadata.text = metadata;
    DocumentRow row;
    row.document_id = id;
    row.source_id = "s";
    row.uri = id;
    auto put = [&](store::Database& db) { return PutPending(db, "s", document, row, KeyId{}); };
    ASSERT_TRUE((*file)->WriteBlocking(put).has_value());
  };
  add("good", R"({"strata_principals": ["user:7"]})");
  add("bad", R"({"strata_principals": 7})");
  auto age = [](store::Database& db) { return db.Run("PRAGMA user_version = 4"); };
  ASSERT_TRUE((*file)->WriteBlocking(age).has_value());
  file->reset();
  file = OpenKbFile(data_.path() + "/pending.db");
  ASSERT_TRUE(file.has_value());
  auto look = [](store::Database& db) -> Result<> {
    STRATA_TRY(const auto first, NextPending(db, 0));
    EXPECT_EQ(first->input.id, "good");
    EXPECT_THAT(first->input.access.allow, ElementsAre("user:7"));
    STRATA_TRY(const auto second, NextPending(db, first->row));
    EXPECT_FALSE(second.has_value());
    STRATA_TRY(const auto bad, FindDocument(db, "s", "bad"));
    EXPECT_EQ(bad->status, DocumentStatus::kFailed);
    EXPECT_FALSE(MayRead(bad->access, {"user:7"}));
    EXPECT_FALSE(MayRead(bad->access, {}));
    return {};
  };
  EXPECT_TRUE((*file)->WriteBlocking(look).has_value());
}

}  // namespace
}  // namespace strata::knowledge
