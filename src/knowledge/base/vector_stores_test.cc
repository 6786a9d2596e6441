#include "knowledge/vector_stores.h"

#include <gmock/gmock.h>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VectorStoresTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    ctx_.key.value = "alice";
    OpenStores();
  }
  void TearDown() override {
    CloseStores();
    ServiceFixture::TearDown();
  }
  void OpenStores() {
    files_ = *store::FileStore::Open(data_.path() + "/files.db", {});
    auto opened = VectorStores::Open(*bases_, *meta_, *files_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    stores_ = std::move(*opened);
  }
  void CloseStores() {
    stores_.reset();
    bases_->Stop();
    files_.reset();
  }
  void Reopen() {
    CloseStores();
    CloseService();
    OpenService();
    OpenStores();
  }

  std::string Upload(std::string_view content, std::string name = "a.txt") {
    store::NewFile file{.filename = std::move(name),
                        .purpose = "assistants",
                        .content = content,
                        .lifetime = std::nullopt};
    store::FileOwner owner{.workspace = ctx_.workspace, .key = ctx_.key};
    return Get(files_->Put(std::move(owner), std::move(file))).id;
  }
  static FileToAdd File(std::string id, std::string attributes = {}) {
    return {.id = std::move(id),
            .field = "file_id",
            .attributes = {std::move(attributes)},
            .chunking = std::nullopt};
  }
  VectorStore Create(std::string name, const std::vector<std::string>& ids = {}) {
    std::vector<FileToAdd> files;
    files.reserve(ids.size());
    for (const auto& id : ids) files.push_back(File(id));
    return Get(stores_->Create(Named(std::move(name)), std::move(files), ctx_));
  }
  static StoreInput Named(std::string name) {
    StoreInput input;
    input.name = std::move(name);
    return input;
  }
  static std::string IdOf(const VectorStore& store) {
    return std::string(kVectorStorePrefix) + store.base.id;
  }
  void AwaitIdle(const std::string& id) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (Get(stores_->Get(id, ctx_)).files.in_progress > 0 &&
           std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    EXPECT_EQ(Get(stores_->Get(id, ctx_)).files.in_progress, 0);
  }
  Result<std::vector<RetrievedChunk>> Find(std::string id, std::string query,
                                           std::optional<Filter> filter = std::nullopt) {
    StoreSearch search;
    search.stores.push_back(std::move(id));
    search.queries.push_back(std::move(query));
    search.filter = std::move(filter);
    auto found = Run(stores_->Search(std::move(search), ctx_));
    if (!found.has_value()) return std::unexpected(std::move(found.error()));
    return std::move(found->passages);
  }
  std::vector<std::string> FoundFiles(std::string id, std::string query,
                                      std::optional<Filter> filter = std::nullopt) {
    auto found = Find(std::move(id), std::move(query), std::move(filter));
    EXPECT_TRUE(found.has_value()) << found.error().message();
    std::vector<std::string> out;
    if (!found.has_value()) return out;
    out.reserve(found->size());
    for (const auto& chunk : *found) {
      out.push_back(StoreFileId(chunk.location, chunk.uri, chunk.document_id));
    }
    return out;
  }
  std::vector<std::string> Listed(std::string id, FileListQuery query) {
    auto page = Get(stores_->ListFiles(std::move(id), std::move(query), ctx_));
    std::vector<std::string> out;
    out.reserve(page.items.size());
    for (auto& file : page.items) out.push_back(std::move(file.id));
    return out;
  }
  template <class T>
  Error FaultOf(Task<Result<T>> task) {
    auto result = Run(std::move(task));
    EXPECT_FALSE(result.has_value());
    return result.has_value() ? Internal("no error") : result.error();
  }

  std::unique_ptr<store::FileStore> files_;
  std::unique_ptr<VectorStores> stores_;
};

TEST_F(VectorStoresTest, AStoreIsAKnowledgeBaseWhoseFilesAreFound) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto tides = Upload("The tide turns at noon in Brest.", "tides.txt");
  const auto quays = Upload("The north quay is closed to visitors.", "quays.txt");
  const auto store = Create("Harbour FAQ!", {tides, quays});
  EXPECT_EQ(store.name, "Harbour FAQ!");
  EXPECT_EQ(store.base.name, "Harbour-FAQ");
  EXPECT_EQ(store.files.total(), 2);
  AwaitIdle(IdOf(store));

  const auto done = Get(stores_->Get(IdOf(store), ctx_));
  EXPECT_EQ(done.files.completed, 2);
  EXPECT_GT(done.bytes, 0);
  const auto found = FoundFiles(IdOf(store), "tide turns at noon in Brest");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0], tides);
  const auto file = Get(stores_->GetFile(IdOf(store), tides, ctx_));
  EXPECT_EQ(file.status, StoreFileStatus::kCompleted);
  EXPECT_EQ(file.filename, "tides.txt");
  EXPECT_THAT(Get(stores_->FileText(IdOf(store), tides, ctx_)),
              ElementsAre("The tide turns at noon in Brest."));
  // The same base under its other names.
  EXPECT_EQ(bases_->FindByName("Harbour-FAQ", ctx_.workspace)->id, store.base.id);
  for (const auto* name : {"Harbour-FAQ", "kb/Harbour-FAQ"}) {
    EXPECT_EQ(Get(stores_->Get(name, ctx_)).base.id, store.base.id);
  }
}

TEST_F(VectorStoresTest, TakenAndMissingNamesGetAnAddition) {
  EXPECT_EQ(Create("docs").base.name, "docs");
  const auto second = Create("docs");
  EXPECT_EQ(second.name, "docs");
  EXPECT_THAT(second.base.name, HasSubstr("docs-"));
  EXPECT_THAT(Create("").base.name, HasSubstr("vs-"));
  EXPECT_THAT(Create("日本").base.name, HasSubstr("vs-"));
}

TEST_F(VectorStoresTest, DocumentsOfOtherSourcesAreFilesToo) {
  const auto base = MakeBase("plain");
  const auto source = MakeCustom(base);
  auto hidden = Document("hidden", "The secret tide table.");
  hidden.access.allow.emplace_back("user:7");
  Index(base, source, {Document("open", "The open tide table."), hidden});
  const auto files = Get(stores_->ListFiles("kb/plain", {}, ctx_)).items;
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].status, StoreFileStatus::kCompleted);
  EXPECT_EQ(FoundFiles("plain", "tide table"), std::vector<std::string>{files[0].id});
  EXPECT_EQ(Get(stores_->GetFile("plain", files[0].id, ctx_)).id, files[0].id);

  ctx_.principals = {"user:7"};
  const auto all = Listed("plain", {});
  ASSERT_EQ(all.size(), 2u);
  const auto secret = all[0] == files[0].id ? all[1] : all[0];
  EXPECT_THAT(Get(stores_->FileText("plain", secret, ctx_)), ElementsAre("The secret tide table."));
  ctx_.principals.clear();
  EXPECT_EQ(FaultOf(stores_->FileText("plain", secret, ctx_)).code(), Code::kNotFound);
  EXPECT_EQ(FaultOf(stores_->RemoveFile("plain", secret, ctx_)).code(), Code::kNotFound);
}

TEST_F(VectorStoresTest, WhoMayNotUseTheBaseFindsNothing) {
  const auto file = Upload("The tide turns at noon.");
  const auto store = Create("harbour", {file});
  ctx_.models_allowed = {"kb/other"};
  EXPECT_THAT(Get(stores_->List({}, ctx_)).items, IsEmpty());
  for (const auto& name : {IdOf(store), store.base.id, std::string("kb/harbour")}) {
    const auto error = FaultOf(stores_->Get(name, ctx_));
    EXPECT_EQ(error.code(), Code::kNotFound);
    EXPECT_EQ(error.field(), "vector_store_id");
    EXPECT_EQ(Find(name, "tide").error().code(), Code::kNotFound);
  }
  EXPECT_EQ(FaultOf(stores_->Delete(IdOf(store), ctx_)).code(), Code::kNotFound);
  EXPECT_EQ(FaultOf(stores_->Create(Named("mine"), {}, ctx_)).code(), Code::kPermissionDenied);
  ctx_.models_allowed.clear();
  ctx_.workspace.value = "elsewhere";
  EXPECT_EQ(FaultOf(stores_->Get(IdOf(store), ctx_)).code(), Code::kNotFound);
}

TEST_F(VectorStoresTest, AnotherKeysFileCannotBeAdded) {
  const auto file = Upload("The tide turns at noon.");
  const auto store = Create("harbour");
  ctx_.key.value = "bob";
  auto add = File(file);
  add.field = "file_ids[0]";
  const auto error = FaultOf(stores_->AddFile(IdOf(store), add, ctx_));
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_EQ(error.field(), "file_ids[0]");
  EXPECT_EQ(FaultOf(stores_->Create(Named("bobs"), {add}, ctx_)).code(), Code::kNotFound);
  // Nothing was made on the way.
  EXPECT_FALSE(bases_->FindByName("bobs", ctx_.workspace).has_value());
}

TEST_F(VectorStoresTest, AttributesFilterAndChangeAtOnce) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto store = Create("years");
  const auto a = Upload("The tide of one year.");
  const auto b = Upload("The tide of another year.");
  Get(stores_->AddFile(IdOf(store), File(a, R"({"year":2023})"), ctx_));
  Get(stores_->AddFile(IdOf(store), File(b, R"({"year":2024})"), ctx_));
  AwaitIdle(IdOf(store));
  Filter is_2024{.op = Filter::Op::kEquals, .key = "year", .value = 2024.0, .members = {}};
  EXPECT_EQ(FoundFiles(IdOf(store), "tide", is_2024), std::vector<std::string>{b});
  const auto changed = Get(stores_->SetAttributes(IdOf(store), b, {R"({"year":2025})"}, ctx_));
  EXPECT_EQ(changed.attributes.text, R"({"year":2025})");
  EXPECT_THAT(FoundFiles(IdOf(store), "tide", is_2024), IsEmpty());
}

TEST_F(VectorStoresTest, AttributesSayWhoMayReadAFile) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto store = Create("readers");
  const auto id = IdOf(store);
  const auto file = Upload("The tide is secret.");
  const auto closed = R"({"strata_principals":["group:board"],"strata_labels":["pii"]})";
  EXPECT_EQ(Run(stores_->AddFile(id, File(file, closed), ctx_)).error().field(),
            "attributes.strata_principals");
  EXPECT_FALSE(Run(stores_->AddFile(id, File(file, R"({"strata_reader":"x"})"), ctx_)).has_value());
  ctx_.principals = {"group:board"};
  const auto added = Get(stores_->AddFile(id, File(file, closed), ctx_));
  EXPECT_EQ(added.attributes.text, "");
  AwaitIdle(id);
  EXPECT_EQ(FoundFiles(id, "tide"), std::vector<std::string>{file});
  Get(stores_->SetAttributes(id, file, {R"({"year":2025})"}, ctx_));
  ctx_.principals = {"user:7"};
  EXPECT_THAT(FoundFiles(id, "tide"), IsEmpty());
  ctx_.principals = {"group:board", "user:7"};
  Get(stores_->SetAttributes(id, file, {R"({"strata_principals":["user:7"]})"}, ctx_));
  EXPECT_EQ(FoundFiles(id, "tide"), std::vector<std::string>{file});
  ctx_.principals = {"group:board"};
  EXPECT_THAT(FoundFiles(id, "tide"), IsEmpty());
}

TEST_F(VectorStoresTest, AttributesThatChangeWhileTheFileIsIndexedStand) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto store = Create("slow");
  const auto file = Upload("HELD The tide.", "held.md");
  Get(stores_->AddFile(IdOf(store), File(file, R"({"v":1})"), ctx_));
  parser_.gate.AwaitArrival();
  const auto changed = Get(stores_->SetAttributes(IdOf(store), file, {R"({"v":2})"}, ctx_));
  EXPECT_EQ(changed.status, StoreFileStatus::kInProgress);
  EXPECT_EQ(changed.attributes.text, R"({"v":2})");
  parser_.gate.Open();
  AwaitIdle(IdOf(store));
  const auto done = Get(stores_->GetFile(IdOf(store), file, ctx_));
  EXPECT_EQ(done.status, StoreFileStatus::kCompleted);
  EXPECT_EQ(done.attributes.text, R"({"v":2})");
}

TEST_F(VectorStoresTest, ACancelledBatchLeavesOutWhatWasNotIndexed) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto store = Create("batch");
  const auto held = Upload("HELD The tide.", "held.md");
  const auto later = Upload("The tide comes later.");
  auto batch = Get(stores_->AddBatch(IdOf(store), {File(held), File(later)}, ctx_));
  EXPECT_EQ(batch.files.in_progress, 2);
  parser_.gate.AwaitArrival();
  batch = Get(stores_->CancelBatch(IdOf(store), batch.id, ctx_));
  EXPECT_TRUE(batch.cancelled);
  EXPECT_EQ(batch.files.cancelled, 2);
  parser_.gate.Open();
  // Behind the cancelled ones in the queue.
  const auto after = Upload("The tide goes out.");
  Get(stores_->AddFile(IdOf(store), File(after), ctx_));
  AwaitIdle(IdOf(store));
  EXPECT_EQ(FoundFiles(IdOf(store), "tide"), std::vector<std::string>{after});
  EXPECT_EQ(Get(stores_->GetFile(IdOf(store), held, ctx_)).status, StoreFileStatus::kCancelled);
  FileListQuery cancelled;
  cancelled.status = StoreFileStatus::kCancelled;
  EXPECT_EQ(Listed(IdOf(store), cancelled).size(), 2u);
  FileListQuery in_batch;
  in_batch.batch = batch.id;
  EXPECT_EQ(Listed(IdOf(store), in_batch).size(), 2u);
  EXPECT_EQ(FaultOf(stores_->GetBatch(IdOf(store), "vsfb_none", ctx_)).field(), "batch_id");
}

TEST_F(VectorStoresTest, ABatchThatHasEndedIsNotCancelled) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto store = Create("batch");
  auto batch = Get(stores_->AddBatch(IdOf(store), {File(Upload("The tide."))}, ctx_));
  AwaitIdle(IdOf(store));
  batch = Get(stores_->CancelBatch(IdOf(store), batch.id, ctx_));
  EXPECT_FALSE(batch.cancelled);
  EXPECT_EQ(batch.files.completed, 1);
}

TEST_F(VectorStoresTest, AFileThatABatchWasCancelledOfKeepsItsReaders) {
  const auto store = Create("batch");
  const auto id = IdOf(store);
  const auto closed = Upload("The salaries of all.", "salaries.txt");
  const auto open = Upload("The tide comes later.");
  ctx_.principals = {"group:board"};
  const auto batch = Get(stores_->AddBatch(
      id, {File(closed, R"({"strata_principals":["group:board"]})"), File(open)}, ctx_));
  Get(stores_->CancelBatch(id, batch.id, ctx_));
  EXPECT_EQ(Listed(id, {}).size(), 2u);
  const std::vector<std::vector<std::string>> others = {{}, {"user:7"}};
  for (const auto& principals : others) {
    ctx_.principals = principals;
    EXPECT_THAT(Listed(id, {}), ElementsAre(open));
    EXPECT_EQ(FaultOf(stores_->GetFile(id, closed, ctx_)).code(), Code::kNotFound);
  }
}

TEST_F(VectorStoresTest, ADocumentThatItsSourceSkipsIsNamedToItsReadersOnly) {
  source_options_.file_bytes_max = 40;
  Reopen();
  TempFolder folder;
  const auto readers = R"({"metadataAttributes":{"strata_principals":["group:board"]}})";
  folder.Write("pay.md", "The salaries of all.");
  folder.Write("pay.md.metadata.json", readers);
  const auto base = MakeBase("plain");
  const auto source = MakeFolder(base, folder.path());
  const auto seen_by = [&](std::vector<std::string> principals) {
    Get(bases_->Sync(base.id, source.id, nullptr, ctx_));
    RequestContext reader;
    reader.principals = std::move(principals);
    std::vector<std::string> names;
    for (const auto& file : Get(stores_->ListFiles("plain", {}, reader)).items) {
      names.push_back(file.filename);
    }
    std::ranges::sort(names);
    return names;
  };
  EXPECT_THAT(seen_by({}), IsEmpty());
  EXPECT_THAT(seen_by({"group:board"}), ElementsAre("pay.md"));
  folder.Write("pay.md", std::string(50, 'x'));  // too large now
  EXPECT_THAT(seen_by({}), IsEmpty());
  EXPECT_THAT(seen_by({"user:7"}), IsEmpty());
  EXPECT_THAT(seen_by({"group:board"}), ElementsAre("pay.md"));
  // Of these nobody can say any more who may know of them.
  folder.Write("pay.md.metadata.json", "{");
  folder.Write("new.md", "A new one.");
  folder.Write("new.md.metadata.json", "{");
  EXPECT_THAT(seen_by({}), IsEmpty());
  EXPECT_THAT(seen_by({"group:board"}), ElementsAre("pay.md"));
  folder.Write("new.md.metadata.json", readers);
  EXPECT_THAT(seen_by({}), IsEmpty());
  EXPECT_THAT(seen_by({"group:board"}), ElementsAre("new.md", "pay.md"));
}

TEST_F(VectorStoresTest, WhatWasAcknowledgedIsIndexedByTheNextProcess) {
  // Nobody works yet: as if the process had died right after its answer.
  const auto file = Upload("The tide turns at noon.");
  auto input = Named("durable");
  input.metadata.text = R"({"team":"blue"})";
  input.expires_days = 3;
  const auto store = Get(stores_->Create(std::move(input), {File(file)}, ctx_));
  Reopen();
  ASSERT_TRUE(bases_->Start().has_value());
  AwaitIdle(IdOf(store));
  const auto again = Get(stores_->Get(IdOf(store), ctx_));
  EXPECT_EQ(again.files.completed, 1);
  EXPECT_EQ(again.metadata.text, R"({"team":"blue"})");
  EXPECT_EQ(again.expires_days, 3);
  EXPECT_EQ(FoundFiles(IdOf(store), "tide"), std::vector<std::string>{file});
}

TEST_F(VectorStoresTest, AFileThatCannotBeReadSaysWhy) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto file = Upload("BROKEN", "broken.md");
  const auto store = Create("broken", {file});
  AwaitIdle(IdOf(store));
  const auto failed = Get(stores_->GetFile(IdOf(store), file, ctx_));
  EXPECT_EQ(failed.status, StoreFileStatus::kFailed);
  EXPECT_THAT(failed.error, HasSubstr("broken"));
  EXPECT_EQ(Get(stores_->Get(IdOf(store), ctx_)).files.failed, 1);
}

TEST_F(VectorStoresTest, AnExpiredStoreIsRefusedUntilItIsModified) {
  ManualClock clock;
  ctx_.clock = &clock;
  auto input = Named("short");
  input.expires_days = 2;
  const auto store = Get(stores_->Create(std::move(input), {}, ctx_));
  clock.Advance(std::chrono::hours(47));
  EXPECT_TRUE(Find(IdOf(store), "tide").has_value());  // a use
  clock.Advance(std::chrono::hours(47));
  EXPECT_FALSE(Get(stores_->Get(IdOf(store), ctx_)).expired);
  clock.Advance(std::chrono::hours(1));
  EXPECT_TRUE(Get(stores_->Get(IdOf(store), ctx_)).expired);
  EXPECT_EQ(Find(IdOf(store), "tide").error().code(), Code::kConflict);
  const auto file = Upload("x");
  EXPECT_EQ(FaultOf(stores_->AddFile(IdOf(store), File(file), ctx_)).code(), Code::kConflict);
  StoreChange change;
  change.expires_days = 0;
  EXPECT_FALSE(Get(stores_->Modify(IdOf(store), std::move(change), ctx_)).expired);
  EXPECT_TRUE(Find(IdOf(store), "tide").has_value());
}

TEST_F(VectorStoresTest, AFileHasOneWayOfBeingCut) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto store = Create("cuts");
  std::string text;
  for (int i = 0; i < 40; ++i) text += "This is sentence number " + std::to_string(i) + " of it. ";
  const auto file = Upload(text);
  Get(stores_->AddFile(IdOf(store), File(file), ctx_));
  AwaitIdle(IdOf(store));
  EXPECT_FALSE(Get(stores_->GetFile(IdOf(store), file, ctx_)).chunking.has_value());
  const auto before = Get(stores_->FileText(IdOf(store), file, ctx_)).size();
  auto again = File(file);
  again.chunking = StaticChunking{.tokens_max = 100, .overlap = 50};
  Get(stores_->AddFile(IdOf(store), again, ctx_));
  AwaitIdle(IdOf(store));
  EXPECT_EQ(Get(stores_->GetFile(IdOf(store), file, ctx_)).chunking, again.chunking);
  EXPECT_GT(Get(stores_->FileText(IdOf(store), file, ctx_)).size(), before);
  EXPECT_EQ(Listed(IdOf(store), {}).size(), 1u);
}

TEST_F(VectorStoresTest, ADeletedFileLeavesEveryStore) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto file = Upload("The tide turns at noon.");
  const auto one = Create("one", {file});
  const auto two = Create("two", {file});
  AwaitIdle(IdOf(one));
  AwaitIdle(IdOf(two));
  Get(stores_->GetFile(IdOf(one), file, ctx_));
  ctx_.key.value = "bob";
  EXPECT_EQ(FaultOf(stores_->ForgetFile(file, ctx_)).code(), Code::kNotFound);
  ctx_.key.value = "alice";
  EXPECT_TRUE(Run(stores_->ForgetFile(file, ctx_)).has_value());
  for (const auto& store : {one, two}) {
    EXPECT_THAT(FoundFiles(IdOf(store), "tide"), IsEmpty());
    EXPECT_EQ(Get(stores_->Get(IdOf(store), ctx_)).files.total(), 0);
  }
}

TEST_F(VectorStoresTest, ARemovedFileIsGoneFromSearchAndStaysUploaded) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto file = Upload("The tide turns at noon.");
  const auto store = Create("one", {file});
  AwaitIdle(IdOf(store));
  EXPECT_TRUE(Run(stores_->RemoveFile(IdOf(store), file, ctx_)).has_value());
  EXPECT_THAT(FoundFiles(IdOf(store), "tide"), IsEmpty());
  EXPECT_EQ(FaultOf(stores_->GetFile(IdOf(store), file, ctx_)).field(), "file_id");
  Get(stores_->AddFile(IdOf(store), File(file), ctx_));
}

TEST_F(VectorStoresTest, ListsGoForwardsAndBackwards) {
  const auto store = Create("list");
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(Upload("x"));
    Get(stores_->AddFile(IdOf(store), File(ids.back()), ctx_));
  }
  FileListQuery query;
  query.range = {.after = {}, .before = {}, .limit = 2, .ascending = false};
  EXPECT_THAT(Listed(IdOf(store), query), ElementsAre(ids[4], ids[3]));
  query.range.after = ids[3];
  EXPECT_THAT(Listed(IdOf(store), query), ElementsAre(ids[2], ids[1]));
  query.range = {.after = {}, .before = ids[1], .limit = 2, .ascending = false};
  EXPECT_THAT(Listed(IdOf(store), query), ElementsAre(ids[3], ids[2]));
  query.range = {.after = ids[0], .before = {}, .limit = 10, .ascending = true};
  const auto page = Get(stores_->ListFiles(IdOf(store), query, ctx_));
  EXPECT_EQ(page.items.size(), 4u);
  EXPECT_FALSE(page.more);
  query.range = {.after = "file-none", .before = {}, .limit = 2, .ascending = false};
  EXPECT_EQ(FaultOf(stores_->ListFiles(IdOf(store), query, ctx_)).field(), "after");
}

TEST_F(VectorStoresTest, StoresAreListedByAge) {
  ManualClock clock;
  ctx_.clock = &clock;
  std::vector<std::string> ids;
  for (const auto* name : {"a", "b", "c"}) {
    clock.Advance(std::chrono::seconds(1));
    ids.push_back(IdOf(Create(name)));
  }
  auto list = [&](ListRange range) {
    const auto page = Get(stores_->List(std::move(range), ctx_));
    std::vector<std::string> out;
    out.reserve(page.items.size());
    for (const auto& store : page.items) out.push_back(IdOf(store));
    return out;
  };
  EXPECT_THAT(list({}), ElementsAre(ids[2], ids[1], ids[0]));
  EXPECT_THAT(list({.after = ids[2], .before = {}, .limit = 1}), ElementsAre(ids[1]));
  EXPECT_THAT(list({.after = {}, .before = ids[0], .limit = 1}), ElementsAre(ids[1]));
  EXPECT_THAT(list({.after = {}, .before = {}, .limit = 2, .ascending = true}),
              ElementsAre(ids[0], ids[1]));
}

TEST_F(VectorStoresTest, SeveralStoresAndQueriesGiveOneList) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto tides = Upload("The tide turns at noon.");
  const auto quays = Upload("The quay is closed at night.");
  const auto one = Create("one", {tides});
  const auto two = Create("two", {quays});
  AwaitIdle(IdOf(one));
  AwaitIdle(IdOf(two));
  StoreSearch search;
  search.stores = {IdOf(one), IdOf(two), "kb/one"};
  search.queries = {"When does the tide turn?", "Is the quay closed?"};
  search.results = 10;
  auto found = Get(stores_->Search(search, ctx_)).passages;
  ASSERT_EQ(found.size(), 2u);
  EXPECT_GE(found[0].score, found[1].score);
  search.results = 1;
  EXPECT_EQ(Get(stores_->Search(search, ctx_)).passages.size(), 1u);
  search.score_min = 1.01;
  EXPECT_THAT(Get(stores_->Search(search, ctx_)).passages, IsEmpty());
  search.stores.emplace_back("vs_NOBODY0000");
  EXPECT_EQ(FaultOf(stores_->Search(search, ctx_)).field(), "vector_store_id");
}

TEST_F(VectorStoresTest, AMisspeltWordOfAnyQueryFindsWhatItMeansAndIsToldOnce) {
  ASSERT_TRUE(bases_->Start().has_value());
  const auto file = Upload("The glacier lies in Valais.");
  const auto store = Create("ice", {file});
  AwaitIdle(IdOf(store));
  StoreSearch search;
  search.stores = {IdOf(store)};
  search.queries = {"glaceir", "where is the glaceir"};
  search.mode = SearchMode::kLexical;
  const auto found = Get(stores_->Search(search, ctx_));
  EXPECT_EQ(found.passages.size(), 1U);
  ASSERT_EQ(found.corrected.size(), 1U);
  EXPECT_EQ(found.corrected[0].instead, "glacier");
}

TEST_F(VectorStoresTest, WhatIsLeftOfADeletedBaseIsForgotten) {
  const auto file = Upload("x");
  const auto store = Create("gone", {file});
  EXPECT_EQ(Get(stores_->Delete(IdOf(store), ctx_)), IdOf(store));
  EXPECT_EQ(FaultOf(stores_->Get(IdOf(store), ctx_)).code(), Code::kNotFound);
  const auto other = Create("other", {file});
  ASSERT_TRUE(Run(bases_->Delete(other.base.id, ctx_)).has_value());
  Reopen();
  auto left = meta_->ReadBlocking(
      [](store::Database& db) { return db.Integer("SELECT count(*) FROM vector_store_files"); });
  EXPECT_EQ(left->value_or(-1), 0);
}

TEST_F(VectorStoresTest, OneWhoseFileIsDamagedIsListedAndCanBeDeleted) {
  const auto good = Create("good");
  const auto bad = Create("bad");
  CloseStores();
  CloseService();
  data_.Write("kb-" + bad.base.id + ".db", std::string(12'288, 'x'));
  OpenService();
  OpenStores();
  const auto page = Get(stores_->List({}, ctx_));
  EXPECT_EQ(page.items.size(), 2U);
  Get(stores_->Delete(IdOf(bad), ctx_));
  EXPECT_EQ(Get(stores_->List({}, ctx_)).items.size(), 1U);
}

}  // namespace
}  // namespace strata::knowledge
