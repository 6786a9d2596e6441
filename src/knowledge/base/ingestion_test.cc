#include <gmock/gmock.h>
#include <zlib.h>

#include <iterator>
#include <set>
#include <span>

#include "base/ids.h"
#include "gateway/meter.h"
#include "knowledge/base/service_fixture.h"
#include "knowledge/base/sync.h"
#include "knowledge/corpus.h"
#include "store/journal.h"

namespace strata::knowledge {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

domain::SourceItem Item(std::string uri, std::string version) {
  domain::SourceItem item;
  item.uri = std::move(uri);
  item.version = std::move(version);
  return item;
}

KnownDocument Known(std::string version, std::string recipe = "r") {
  KnownDocument known;
  known.version = std::move(version);
  known.recipe = std::move(recipe);
  known.status = DocumentStatus::kIndexed;
  return known;
}

const SyncMarks kMarks{.indexed = "r", .refused = "refused"};

std::vector<std::string> Uris(const std::vector<SyncPlan::Index>& entries) {
  std::vector<std::string> uris;
  for (const auto& entry : entries) uris.push_back(entry.item.uri);
  return uris;
}

TEST(PlanSync, IndexesWhatIsNewChangedFailedOrCutByAnotherRecipe) {
  SourceListing listing;
  listing.items = {Item("changed", "2"), Item("failed", "1"), Item("new", "1"), Item("recipe", "1"),
                   Item("same", "1")};
  KnownMap known;
  known.emplace("changed", Known("1"));
  known.emplace("failed", Known("1"));
  known.at("failed").status = DocumentStatus::kFailed;
  known.emplace("recipe", Known("1", "older"));
  known.emplace("same", Known("1"));
  known.emplace("gone", Known("1"));
  const auto plan = PlanSync(listing, known, kMarks);
  EXPECT_THAT(Uris(plan.index),
              ::testing::UnorderedElementsAre("changed", "failed", "new", "recipe"));
  EXPECT_THAT(plan.removed, ElementsAre("gone"));
  EXPECT_THAT(plan.facts, IsEmpty());
}

TEST(PlanSync, WhatWasRefusedIsNotReadAgainUntilItOrTheParserChanges) {
  SourceListing listing;
  listing.items = {Item("changed", "9-2.0"), Item("older", "1-1.0"), Item("same", "1-1.0"),
                   Item("sidecar", "9-1.0"), Item("touched", "9-1.0")};
  listing.items[3].principals = {"user:7"};
  KnownMap known;
  for (const auto& item : listing.items) {
    known.emplace(item.uri, Known("1-1.0", item.uri == "older" ? "refused before" : "refused"));
    known.at(item.uri).status = DocumentStatus::kFailed;
  }
  const auto plan = PlanSync(listing, known, kMarks);
  EXPECT_THAT(Uris(plan.index), ::testing::UnorderedElementsAre("changed", "older", "sidecar"));
  EXPECT_THAT(plan.again, ::testing::UnorderedElementsAre("same", "touched"));
  EXPECT_EQ(plan.touched.size(), 1U);
  EXPECT_THAT(plan.facts, IsEmpty());
}

TEST(PlanSync, ChangedReadersOrMetadataNeedNoParsing) {
  SourceListing listing;
  listing.items = {Item("a", "1")};
  listing.items[0].principals = {"user:7"};
  KnownMap known;
  known.emplace("a", Known("1"));
  const auto plan = PlanSync(listing, known, kMarks);
  EXPECT_THAT(plan.index, IsEmpty());
  ASSERT_EQ(plan.facts.size(), 1U);
}

TEST(PlanSync, SkippedDocumentsAreIgnoredNotServed) {
  SourceListing listing;
  const std::vector<std::string> everybody;
  listing.skipped = {{.uri = "a", .reason = "too large", .principals = everybody},
                     {.uri = "b", .reason = "too large", .principals = everybody}};
  KnownMap known;
  known.emplace("a", Known("1"));
  known.emplace("b", Known("1"));
  known.at("b").status = DocumentStatus::kIgnored;
  known.at("b").reason = "too large";
  const auto plan = PlanSync(listing, known, kMarks);
  ASSERT_EQ(plan.ignored.size(), 1U);
  EXPECT_EQ(plan.ignored[0].uri, "a");
  EXPECT_THAT(plan.again, ElementsAre("b"));
  EXPECT_THAT(plan.removed, IsEmpty());
}

TEST(PendingContent, GivenAnewWhileItsOldVersionIsIndexedIsNotLost) {
  TempFolder folder;
  ASSERT_TRUE(CreateKbFile(folder.path() + "/kb.db").has_value());
  auto file = OpenKbFile(folder.path() + "/kb.db");
  ASSERT_TRUE(file.has_value());
  auto steps = [](store::Database& db) -> Result<> {
    DocumentInput input;
    input.id = "d";
    input.content = "old";
    DocumentRow row;
    row.document_id = DocumentIdOf("s", "d");
    row.source_id = "s";
    row.uri = "d";
    STRATA_CHECK_OK(PutPending(db, "s", input, row, {}));
    STRATA_TRY(const auto old, NextPending(db, 0));
    input.content = "new";
    STRATA_CHECK_OK(PutPending(db, "s", input, row, {}));
    JobTally tally;
    tally.pending_row = old->row;
    row.status = DocumentStatus::kFailed;
    STRATA_CHECK_OK(PutDocumentState(db, row, tally));  // void
    STRATA_TRY(const auto now, NextPending(db, old->row));
    EXPECT_TRUE(now && now->input.content == "new");
    STRATA_TRY(const auto document, FindDocument(db, "s", "d"));
    EXPECT_EQ(document->status, DocumentStatus::kPending);
    // Deleted while it is indexed: it does not come back.
    STRATA_CHECK_OK(RemoveDocument(db, "s", "d", {}));
    tally.pending_row = now->row;
    STRATA_CHECK_OK(PutDocumentState(db, row, tally));
    STRATA_TRY(const auto gone, FindDocument(db, "s", "d"));
    EXPECT_FALSE(gone.has_value());
    return {};
  };
  const auto done = (*file)->WriteBlocking(steps);
  EXPECT_TRUE(done.has_value()) << done.error().message();
}

class IngestionTest : public ServiceFixture {
 protected:
  IngestionJob Sync(const KnowledgeBase& base, const DataSource& source) {
    return Get(bases_->Sync(base.id, source.id, nullptr, ctx_));
  }
};

// With a real meter and journal, as it is the ledger that counts.
class IngestionLedgerTest : public IngestionTest {
 protected:
  void SetUp() override {
    store::JournalOptions options;
    options.folder = journal_folder_.path();
    auto sink = [this](std::span<const store::CallRow> rows) -> Result<> {
      rows_.insert(rows_.end(), rows.begin(), rows.end());
      return {};
    };
    journal_ = *store::Journal::Open(std::move(options), std::move(sink));
    metered_ = gateway::Metered(embedder_, *journal_);
    IngestionTest::SetUp();
    ctx_.request_id = NewRequestId();
    ctx_.key = {"key_ann"};
  }

  // One row a call, each of a number of its own, of that base and key.
  void ExpectRows(const std::string& key) {
    ASSERT_TRUE(journal_->Flush().has_value());
    std::set<std::pair<std::string, std::uint32_t>> numbers;
    for (const auto& row : rows_) {
      numbers.emplace(row.intent.request_id.value, row.intent.call_number);
      EXPECT_EQ(row.intent.kb, "docs");
      EXPECT_EQ(row.intent.key.value, key);
    }
    EXPECT_EQ(rows_.size(), static_cast<std::size_t>(embedder_->calls()));
    EXPECT_EQ(numbers.size(), rows_.size());
  }
  // Until the worker has ended all jobs.
  void WaitFor(const KnowledgeBase& base, const DataSource& source, const std::string& job) {
    for (int i = 0; i < 2000; ++i) {
      const auto now = Get(bases_->GetIngestion(base.id, source.id, job, ctx_));
      if (IsFinal(now.status)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << "the job did not end";
  }

  TempFolder journal_folder_;
  std::unique_ptr<store::Journal> journal_;
  std::vector<store::CallRow> rows_;
};

TEST_F(IngestionLedgerTest, EveryCallOfASyncStandsThereOnceWithItsBaseAndKey) {
  TempFolder folder;
  for (int i = 0; i < 7; ++i) {
    folder.Write(std::to_string(i) + ".md", "Glacier " + std::to_string(i) + " is of ice.");
  }
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto here = Sync(base, source);
  EXPECT_EQ(here.statistics.added, 7);
  EXPECT_EQ(embedder_->calls(), 7);
  ExpectRows("key_ann");
  folder.Write("7.md", "A job of the queue.");
  folder.Write("8.md", "It has two documents.");
  ASSERT_TRUE(bases_->Start().has_value());
  const auto queued = Get(bases_->StartIngestion(base.id, source.id, "", ctx_));
  WaitFor(base, source, queued.id);
  EXPECT_EQ(embedder_->calls(), 9);
  ExpectRows("key_ann");
}

TEST_F(IngestionLedgerTest, PendingDocumentsAreChargedToTheKeyThatBroughtThem) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  Get(bases_->IngestDocuments(base.id, source.id, {Document("a", "ice"), Document("b", "steel")},
                              ctx_));
  ctx_.key = {"key_other"};
  ASSERT_TRUE(bases_->Start().has_value());
  for (int i = 0; i < 2000 && embedder_->calls() < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  bases_->Stop();
  ExpectRows("key_ann");
}

TEST_F(IngestionTest, WorkOfAKeyThatIsNoLongerValidFailsAndSaysSo) {
  CloseService();
  grant_ = [](const KeyId& key, RequestContext&) -> Result<> {
    if (key.value != "gone") return {};
    return Fail(Code::kPermissionDenied, "the key that started this is no longer valid");
  };
  OpenService();
  TempFolder folder;
  folder.Write("a.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto custom = MakeCustom(base);
  ctx_.key = {"gone"};
  const auto job = Get(bases_->StartIngestion(base.id, source.id, "", ctx_));
  Get(bases_->IngestDocuments(base.id, custom.id, {Document("d", "ice")}, ctx_));
  ctx_.key = {"stays"};
  Get(bases_->IngestDocuments(base.id, custom.id, {Document("e", "steel")}, ctx_));
  ASSERT_TRUE(bases_->Start().has_value());
  std::vector<DocumentDetail> documents;
  for (int i = 0; i < 2000; ++i) {
    documents = Get(bases_->GetDocuments(base.id, custom.id, {"d", "e"}, ctx_));
    if (documents.at(1).status == DocumentStatus::kIndexed) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(documents.at(0).status, DocumentStatus::kFailed);
  EXPECT_THAT(documents.at(0).reason, HasSubstr("no longer valid"));
  EXPECT_EQ(documents.at(1).status, DocumentStatus::kIndexed);
  const auto ended = Get(bases_->GetIngestion(base.id, source.id, job.id, ctx_));
  EXPECT_EQ(ended.status, JobStatus::kFailed);
  EXPECT_THAT(ended.failure_reasons, ElementsAre(HasSubstr("no longer valid")));
}

TEST_F(IngestionTest, AFileOfTheSameSizeAndTimeIsSeenToHaveChanged) {
  TempFolder folder;
  const auto path = folder.Write("a.md", "Glaciers are made of ice.");
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24);
  std::filesystem::last_write_time(path, old);
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  EXPECT_EQ(Sync(base, source).statistics.added, 1);
  folder.Write("a.md", "Glaciers are made of icy.");
  std::filesystem::last_write_time(path, old);
  EXPECT_EQ(Sync(base, source).statistics.modified, 1);
}

TEST_F(IngestionTest, TextOfAnyEncodingIsIndexedAndBinaryFilesAreNot) {
  TempFolder folder;
  folder.Write("utf16.txt",
               std::string_view("\xFF\xFEI\0c\0e\0 \0i\0s\0 \0g\0r\0\xFC\0n\0.\0", 26));
  folder.Write("latin.txt",
               "Das Caf\xE9 liegt am Fluss und ist f\xFCr alle ge\xF6"
               "ffnet.");
  folder.Write("program.txt", std::string_view("\x7f"
                                               "ELF\0\0\0\0 ice",
                                               12));
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto job = Sync(base, source);
  EXPECT_EQ(job.statistics.added, 2);
  EXPECT_EQ(job.statistics.failed, 1);
  std::string reasons;
  for (const auto& reason : job.failure_reasons) reasons += reason + "\n";
  EXPECT_THAT(reasons, ::testing::HasSubstr("program.txt: it is binary"));
  EXPECT_EQ(job.failure_reasons.size(), 1U) << reasons;
  ASSERT_EQ(job.warnings.size(), 1U);
  EXPECT_THAT(job.warnings[0], ::testing::HasSubstr("latin.txt: it is not UTF-8"));
  const auto found = Search(base, "Ice is grün.");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].text, "Ice is grün.");
}

TEST_F(IngestionTest, WhatAProviderSaysOfOurAccountIsNotAFailureReason) {
  TempFolder folder;
  folder.Write("a.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  embedder_->FailWith(
      Error(Code::kPermissionDenied, "User: arn:aws:iam::123456789012:user/ops is not authorized")
          .FromUpstream(403));
  const auto job = Sync(base, source);
  EXPECT_EQ(job.status, JobStatus::kFailed);
  ASSERT_EQ(job.failure_reasons.size(), 1U);
  EXPECT_THAT(job.failure_reasons[0], ::testing::HasSubstr("refused this server's credentials"));
  EXPECT_THAT(job.failure_reasons[0], ::testing::Not(::testing::HasSubstr("arn:")));
}

TEST_F(IngestionTest, AModelThatIsNotSetUpIsNoDocumentsFault) {
  TempFolder folder;
  folder.Write("a.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  Sync(base, source);
  folder.Write("a.md", "Bridges are made of steel.");
  embedder_->FailWith(
      Error(Code::kPermissionDenied, "provider dim is not set up").AtField("model"));
  const auto job = Sync(base, source);
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_EQ(job.statistics.failed, 0);
  EXPECT_THAT(job.failure_reasons, ElementsAre(HasSubstr("provider dim is not set up")));
  EXPECT_FALSE(Search(base, "glaciers", SearchMode::kLexical).empty())
      << "the version before stays";
}

TEST_F(IngestionTest, ASyncParsesOnlyWhatChanged) {
  TempFolder folder;
  folder.Write("a.md", "Glaciers are made of ice.");
  folder.Write("b.md", "Bridges are made of steel.");
  folder.Write("c.md", "This one is BROKEN.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto first = Sync(base, source);
  EXPECT_EQ(first.status, JobStatus::kComplete);
  EXPECT_EQ(first.statistics.scanned, 3);
  EXPECT_EQ(first.statistics.added, 2);
  EXPECT_EQ(first.statistics.failed, 1);
  ASSERT_EQ(first.failure_reasons.size(), 1U);
  EXPECT_THAT(first.failure_reasons[0], ::testing::HasSubstr("c.md"));
  EXPECT_THAT(first.failure_reasons[0], ::testing::HasSubstr("is broken"));
  folder.Write("b.md", "Bridges are made of wood and of stone.");
  folder.Write("d.md", "Dams are made of concrete.");
  std::filesystem::remove(folder.path() + "/a.md");
  parser_.calls = 0;
  const auto second = Sync(base, source);
  EXPECT_EQ(second.statistics.added, 1);
  EXPECT_EQ(second.statistics.modified, 1);
  EXPECT_EQ(second.statistics.deleted, 1);
  EXPECT_EQ(parser_.calls, 2);  // b and d; c is refused again unread
  EXPECT_EQ(second.statistics.failed, 1);
  EXPECT_EQ(second.failure_reasons, first.failure_reasons);
  EXPECT_THAT(Search(base, "glaciers ice", SearchMode::kLexical), IsEmpty());
  EXPECT_FALSE(Search(base, "stone", SearchMode::kLexical).empty());
}

TEST_F(IngestionTest, WhatASourceSkipsIsCountedAndNamedInEverySync) {
  TempFolder folder, elsewhere;
  folder.Write("a.md", "Glaciers are made of ice.");
  elsewhere.Write("secret.md", "Bridges are made of steel.");
  std::filesystem::create_symlink(elsewhere.path() + "/secret.md", folder.path() + "/link.md");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  for (int i = 0; i < 2; ++i) {
    const auto job = Sync(base, source);
    EXPECT_EQ(job.statistics.scanned, 2);
    EXPECT_EQ(job.statistics.skipped, 1);
    EXPECT_EQ(job.statistics.failed, 0);
    EXPECT_THAT(job.failure_reasons, IsEmpty());
    EXPECT_THAT(job.warnings, ElementsAre(AllOf(HasSubstr("skipped: file://"),
                                                HasSubstr("/link.md: a symbolic link"))));
  }
  EXPECT_THAT(Search(base, "bridges", SearchMode::kLexical), IsEmpty());
}

TEST_F(IngestionTest, PagesWithoutTextAreAWarning) {
  TempFolder folder;
  folder.Write("plain.md", "Glaciers are made of ice.");
  folder.Write("scan.pdf", "Bridges are made of steel.\f\f");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto job = Sync(base, source);
  EXPECT_EQ(job.statistics.added, 2);
  EXPECT_THAT(job.failure_reasons, IsEmpty());
  EXPECT_THAT(job.warnings, ElementsAre(AllOf(HasSubstr("/scan.pdf: "),
                                              HasSubstr("pages without text: 2 of 3"))));
  // Nothing of it is read again, but it is as it was.
  EXPECT_EQ(Sync(base, source).warnings, job.warnings);
  const auto documents = Get(bases_->ListDocuments(base.id, source.id, PageRequest(), ctx_)).items;
  ASSERT_EQ(documents.size(), 2U);
  for (const auto& document : documents) {
    EXPECT_EQ(document.status, DocumentStatus::kIndexed);
    EXPECT_EQ(document.reason.empty(), document.id.ends_with("plain.md")) << document.id;
  }
}

TEST_F(IngestionTest, AnotherParserReadsWhatWasRefused) {
  TempFolder folder;
  folder.Write("c.md", "This one is BROKEN.");
  folder.Write("slow.md", "This one is SLOW.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  EXPECT_EQ(Sync(base, source).statistics.failed, 2);
  parser_.calls = 0;
  EXPECT_EQ(Sync(base, source).statistics.failed, 2);
  EXPECT_EQ(parser_.calls, 1);  // time may suffice now
  parser_.version = "2";
  EXPECT_EQ(Sync(base, source).statistics.failed, 2);
  EXPECT_EQ(parser_.calls, 3);
}

TEST_F(IngestionTest, ADocumentWithoutATitleIsCalledAfterItsFile) {
  TempFolder folder;
  folder.Write("the plan 2.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  Sync(base, MakeFolder(base, folder.path()));
  Index(base, MakeCustom(base), {Document("memo", "Bridges are made of steel.")});
  EXPECT_EQ(Search(base, "glaciers").at(0).title, "the plan 2.md");
  EXPECT_EQ(Search(base, "bridges").at(0).title, "memo");
}

TEST(KbFile, AFileOfTheFirstReleaseIsBroughtUpToDate) {
  TempFolder folder;
  const auto path = folder.path() + "/kb.db";
  ASSERT_TRUE(CreateKbFile(path).has_value());
  {
    auto file = OpenKbFile(path);
    ASSERT_TRUE(file.has_value());
    auto back = [](store::Database& db) -> Result<> {
      for (const char* undo :
           {"ALTER TABLE ingestions DROP COLUMN warnings", "ALTER TABLE ingestions DROP COLUMN key",
            "ALTER TABLE pending DROP COLUMN key", "DROP INDEX documents_status",
            "DROP INDEX documents_batch", "ALTER TABLE documents DROP COLUMN created",
            "ALTER TABLE documents DROP COLUMN batch", "DROP TABLE file_batches",
            "PRAGMA user_version = 1"}) {
        STRATA_CHECK_OK(db.Run(undo));
      }
      return db.Run(
          "INSERT INTO ingestions (job_id, source_id, description, status, reasons, started, "
          "updated) VALUES ('j', 's', '', 0, '[\"x\"]', 0, 0)");
    };
    ASSERT_TRUE((*file)->WriteBlocking(back).has_value());
  }
  auto file = OpenKbFile(path);
  ASSERT_TRUE(file.has_value()) << file.error().message();
  auto use = [](store::Database& db) -> Result<> {
    STRATA_CHECK_OK(AddIngestionWarning(db, "j", "guessed"));
    STRATA_TRY(const auto row, FindIngestion(db, "j"));
    EXPECT_THAT(row->job.warnings, ElementsAre("guessed"));
    EXPECT_THAT(row->job.failure_reasons, ElementsAre("x"));
    return {};
  };
  const auto done = (*file)->WriteBlocking(use);
  EXPECT_TRUE(done.has_value()) << done.error().message();
}

TEST_F(IngestionTest, AVanishedFolderDeletesNothing) {
  auto folder = std::make_unique<TempFolder>();
  folder->Write("a.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder->path());
  Sync(base, source);
  folder.reset();
  const auto job = Sync(base, source);
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_FALSE(job.failure_reasons.empty());
  EXPECT_FALSE(Search(base, "glaciers").empty());
}

TEST_F(IngestionTest, TheWorkerRunsJobsAndPendingDocuments) {
  TempFolder folder;
  folder.Write("a.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto custom = MakeCustom(base);
  ASSERT_TRUE(bases_->Start().has_value());
  const auto job = Get(bases_->StartIngestion(base.id, source.id, "first", ctx_));
  EXPECT_EQ(job.status, JobStatus::kStarting);
  const auto details = Get(bases_->IngestDocuments(
      base.id, custom.id, {Document("x", "Bridges are made of steel.")}, ctx_));
  EXPECT_EQ(details[0].status, DocumentStatus::kPending);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  bool done = false;
  while (!done && std::chrono::steady_clock::now() < until) {
    const auto now = Get(bases_->GetIngestion(base.id, source.id, job.id, ctx_));
    const auto document = Get(bases_->GetDocuments(base.id, custom.id, {"x"}, ctx_));
    done = now.status == JobStatus::kComplete && document[0].status == DocumentStatus::kIndexed;
    std::this_thread::yield();
  }
  EXPECT_TRUE(done);
  bases_->Stop();
  EXPECT_FALSE(Search(base, "steel", SearchMode::kLexical).empty());
}

TEST_F(IngestionTest, WhatAnEarlierProcessAcceptedIsDoneByTheNext) {
  TempFolder folder;
  folder.Write("a.md", "Glaciers are made of ice.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto custom = MakeCustom(base);
  const auto job = Get(bases_->StartIngestion(base.id, source.id, "", ctx_));
  Get(bases_->IngestDocuments(base.id, custom.id, {Document("x", "Steel bridges.")}, ctx_));
  CloseService();  // the worker never ran
  OpenService();
  ASSERT_TRUE(bases_->Start().has_value());
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    const auto now = Get(bases_->GetIngestion(base.id, source.id, job.id, ctx_));
    const auto document = Get(bases_->GetDocuments(base.id, custom.id, {"x"}, ctx_));
    if (IsFinal(now.status) && document[0].status == DocumentStatus::kIndexed) break;
    std::this_thread::yield();
  }
  bases_->Stop();
  EXPECT_EQ(Get(bases_->GetIngestion(base.id, source.id, job.id, ctx_)).status,
            JobStatus::kComplete);
  EXPECT_EQ(Get(bases_->GetDocuments(base.id, custom.id, {"x"}, ctx_))[0].status,
            DocumentStatus::kIndexed);
}

TEST_F(IngestionTest, OneJobAtATimeAndQueuedOnesCanBeStopped) {
  TempFolder folder;
  folder.Write("a.md", "x");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto job = Get(bases_->StartIngestion(base.id, source.id, "", ctx_));
  auto second = Run(bases_->StartIngestion(base.id, source.id, "", ctx_));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kConflict);
  const auto stopped = Get(bases_->StopIngestion(base.id, source.id, job.id, ctx_));
  EXPECT_EQ(stopped.status, JobStatus::kStopped);
  EXPECT_THAT(stopped.failure_reasons, ElementsAre(HasSubstr("by a stop command")));
  EXPECT_EQ(Run(bases_->StopIngestion(base.id, source.id, job.id, ctx_)).error().code(),
            Code::kConflict);
  const auto page = Get(bases_->ListIngestions(base.id, source.id, {}, ctx_));
  ASSERT_EQ(page.items.size(), 1U);
}

TEST_F(IngestionTest, ARunningJobIsBackgroundWorkAndWhenStoppedKeepsWhatItIndexed) {
  TempFolder folder;
  folder.Write("a.md", "Glaciers are made of ice.");
  folder.Write("b.md", "HELD bridges are made of steel.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  ASSERT_TRUE(bases_->Start().has_value());
  const auto job = Get(bases_->StartIngestion(base.id, source.id, "", ctx_));
  parser_.gate.AwaitArrival();
  EXPECT_EQ(parser_.urgency, Urgency::kBackground);

  Get(bases_->StopIngestion(base.id, source.id, job.id, ctx_));
  const auto ended = AwaitEnd(job);
  bases_->Stop();
  EXPECT_EQ(ended.status, JobStatus::kStopped);
  EXPECT_THAT(ended.failure_reasons, ElementsAre(HasSubstr("by a stop command")));
  EXPECT_EQ(ended.statistics.added, 1);
  EXPECT_FALSE(Search(base, "glaciers", SearchMode::kLexical).empty());
  EXPECT_TRUE(Search(base, "steel", SearchMode::kLexical).empty());
}

TEST_F(IngestionTest, ListsComeInPages) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  std::vector<DocumentInput> documents;
  for (int i = 0; i < 5; ++i) documents.push_back(Document("d" + std::to_string(i), "Text here."));
  Index(base, source, std::move(documents));
  PageRequest page{.max_results = 2, .next_token = {}};
  std::vector<std::string> ids;
  int pages = 0;
  do {
    const auto list = Get(bases_->ListDocuments(base.id, source.id, page, ctx_));
    for (const auto& item : list.items) ids.push_back(item.id);
    page.next_token = list.next_token;
    ++pages;
  } while (!page.next_token.empty() && pages < 10);
  EXPECT_THAT(ids, ElementsAre("d0", "d1", "d2", "d3", "d4"));
  EXPECT_EQ(pages, 3);
  page.next_token = "x";
  EXPECT_EQ(Run(bases_->ListDocuments(base.id, source.id, page, ctx_)).error().field(),
            "nextToken");
}

TEST_F(IngestionTest, DeletingASourceTakesItsDocumentsUnlessRetained) {
  const auto base = MakeBase();
  const auto gone = MakeCustom(base, "gone");
  CreateDataSourceInput input;
  input.name = "kept";
  input.delete_documents_with_source = false;
  const auto kept = Get(bases_->CreateSource(base.id, std::move(input), ctx_));
  Index(base, gone, {Document("a", "Glaciers are made of ice.")});
  Index(base, kept, {Document("b", "Glaciers are cold.")});
  ASSERT_TRUE(Run(bases_->DeleteSource(base.id, gone.id, ctx_)).has_value());
  ASSERT_TRUE(Run(bases_->DeleteSource(base.id, kept.id, ctx_)).has_value());
  const auto found = Search(base, "glaciers", SearchMode::kLexical);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].uri, "b");
}

TEST_F(IngestionTest, CorporaAreImportedOnceAndRunsAreScored) {
  TempFolder files;
  const auto corpus = files.Write("corpus.jsonl",
                                  "{\"_id\": \"1\", \"title\": \"Ice\", \"text\": \"Glaciers are "
                                  "made of ice.\", \"year\": 2020}\n\n"
                                  "{\"_id\": \"2\", \"title\": \"Steel\", \"text\": \"Bridges are "
                                  "made of steel.\"}\n");
  const auto queries =
      files.Write("queries.jsonl", "{\"_id\": \"q1\", \"text\": \"what are bridges made of\"}\n");
  const auto base = MakeBase();
  EXPECT_EQ(Get(ImportCorpus(*bases_, base.id, corpus, nullptr, ctx_)).indexed, 2);
  EXPECT_EQ(Get(ImportCorpus(*bases_, base.id, corpus, nullptr, ctx_)).unchanged, 2);
  RunInput run;
  run.knowledge_base_id = base.id;
  run.queries_path = queries;
  run.out_path = files.path() + "/run.tsv";
  EXPECT_EQ(Get(RunQueries(*bases_, run, nullptr, ctx_)), 1);
  std::ifstream in(run.out_path);
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(line.substr(0, 5), "q1\t2\t");
  run.form = RunInput::Form::kSpans;
  Get(RunQueries(*bases_, run, nullptr, ctx_));
  std::ifstream spans(run.out_path);
  ASSERT_TRUE(std::getline(spans, line));
  EXPECT_EQ(line.substr(0, 36), R"({"_id": "q1", "chunks": [[0, 26], [0)");
}

TEST_F(IngestionTest, RunsFindAsManyDocumentsAsAskedWhenOneFillsTheTop) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  std::string large;
  for (int i = 0; i < 60; ++i) {
    for (int word = 0; word < 150; ++word) large += "glacier ";
    large += "\n\n";
  }
  std::vector<DocumentInput> documents = {Document("large", large)};
  for (int i = 0; i < 4; ++i) {
    const auto number = std::to_string(i);
    documents.push_back(Document("small" + number, "Of " + number + " things one is a glacier."));
  }
  ASSERT_EQ(Index(base, source, std::move(documents)).indexed, 5);
  TempFolder files;
  RunInput run;
  run.knowledge_base_id = base.id;
  run.queries_path = files.Write("q.jsonl", R"({"_id": "q", "text": "glacier"})");
  run.out_path = files.path() + "/run.tsv";
  run.depth = 5;
  run.mode = SearchMode::kLexical;
  EXPECT_EQ(Get(RunQueries(*bases_, run, nullptr, ctx_)), 1);
  std::ifstream in(run.out_path);
  const std::vector<std::string> lines{std::istream_iterator<std::string>(in), {}};
  EXPECT_EQ(lines.size(), 5U * 3U);
}

TEST_F(IngestionTest, ReservedAttributesSayWhoReadsADocument) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  auto closed = Document("closed", "Glaciers are made of ice.");
  closed.metadata.text =
      R"({"year":2020,"strata_principals":["group:red"],"strata_labels":["pii"]})";
  Index(base, source, {closed, Document("open", "Glaciers are cold.")});
  EXPECT_EQ(Search(base, "glaciers", SearchMode::kLexical).size(), 1U);
  ctx_.principals = {"group:red"};
  const auto found = Search(base, "made of ice", SearchMode::kLexical);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].metadata.text, R"({"year":2020})");
  EXPECT_TRUE(found[0].labels.Has("pii"));
  closed.metadata.text = R"({"strata_principals":[]})";
  const auto refused = Run(bases_->IngestDocuments(base.id, source.id, {closed}, ctx_));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().field(), "documents[0].metadata.strata_principals");
  closed.metadata.text = R"({"strata_principals":["group:red"]})";
  closed.access.allow = {"user:7"};
  EXPECT_FALSE(Run(bases_->IngestDocuments(base.id, source.id, {closed}, ctx_)).has_value());
}

TEST_F(IngestionTest, ABadCorpusLineFailsAlone) {
  TempFolder files;
  std::string lines;
  for (const char* line : {
           R"({"_id": "1", "title": null, "text": "Glaciers are made of ice."})",
           R"({"_id": "2"})",
           R"({"_id": 3, "text": "Bridges are made of steel."})",
           R"({"_id": "4", "text": "cut \ud800 off"})",
           R"({"_id": "a\tb", "text": "x"})",
           R"({"_id": "5", "title": "Marzipan", "text": ""})",
           R"({"_id": "6", "text": "x", "strata_principals": "group:red"})",
       }) {
    lines += std::string(line) + "\n";
  }
  lines += R"({"_id": "7", "text": ")" + std::string(kCorpusLineBytesMax, 'x') + "\"}\n";
  lines += R"({"_id": "8", "text": "Boats are made of wood."})";
  const auto corpus = files.Write("corpus.jsonl", lines);
  const auto base = MakeBase();
  const auto done = Get(ImportCorpus(*bases_, base.id, corpus, nullptr, ctx_));
  EXPECT_EQ(done.lines, 9);
  EXPECT_EQ(done.indexed, 4);
  EXPECT_EQ(done.failed, 5);
  const auto line = [](std::string_view rest) {
    return ::testing::HasSubstr("corpus.jsonl:" + std::string(rest));
  };
  EXPECT_THAT(done.failures,
              ::testing::UnorderedElementsAre(line("2: text: missing"), line("4: not JSON"),
                                              line("5: _id: holds a tab"),
                                              line("7: '6': strata_principals: must be a list"),
                                              line("8: the line is longer than")));
  EXPECT_EQ(Search(base, "steel", SearchMode::kLexical).at(0).uri, "3");
  EXPECT_EQ(Search(base, "marzipan", SearchMode::kLexical).at(0).uri, "5");
  EXPECT_EQ(Search(base, "boats", SearchMode::kLexical).at(0).uri, "8");
}

TEST_F(IngestionTest, AQueryThatStandsTwiceIsNamed) {
  TempFolder files;
  RunInput run;
  run.knowledge_base_id = MakeBase().id;
  run.queries_path = files.Write(
      "q.jsonl", "{\"_id\": 1, \"text\": \"ice\"}\n\n{\"_id\": \"1\", \"text\": \"steel\"}\n");
  run.out_path = files.path() + "/run.tsv";
  const auto result = Run(RunQueries(*bases_, run, nullptr, ctx_));
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message(),
              ::testing::HasSubstr("q.jsonl:3: _id: '1' stands in line 1 already"));
  EXPECT_FALSE(std::filesystem::exists(run.out_path));
  run.queries_path = files.path();
  EXPECT_EQ(Run(RunQueries(*bases_, run, nullptr, ctx_)).error().code(), Code::kInvalidArgument);
}

TEST_F(IngestionTest, ALineThatStandsTwiceInACorpusCountsOnce) {
  TempFolder files;
  const std::string first = "{\"_id\": \"1\", \"text\": \"Glaciers are made of ice.\"}\n";
  const std::string other = "{\"_id\": \"1\", \"text\": \"Bridges are made of steel.\"}\n";
  const auto corpus = files.Write("corpus.jsonl", "\xef\xbb\xbf" + first + first + other);
  const auto base = MakeBase();
  for (const int round : {1, 2}) {
    const auto done = Get(ImportCorpus(*bases_, base.id, corpus, nullptr, ctx_));
    EXPECT_EQ(done.lines, 3);
    EXPECT_EQ(done.indexed, round == 1 ? 1 : 0);
    EXPECT_EQ(done.unchanged, round == 1 ? 0 : 1);
    EXPECT_EQ(done.duplicates, 1);
    EXPECT_EQ(done.failed, 1);
    ASSERT_EQ(done.failures.size(), 1U);
    EXPECT_THAT(done.failures[0],
                ::testing::HasSubstr("corpus.jsonl:3: _id: '1' stands in line 1 already"));
  }
  EXPECT_EQ(Search(base, "glaciers", SearchMode::kLexical).size(), 1U);
  EXPECT_EQ(Search(base, "bridges", SearchMode::kLexical).size(), 0U);
}

// `text` as a gzip stream.
std::string Gzipped(const TempFolder& files, const std::string& text) {
  const auto path = files.path() + "/whole.gz";
  gzFile out = gzopen(path.c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(IngestionTest, AGzipStreamThatIsCutOrBrokenIsSaidToBe) {
  TempFolder files;
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += "{\"_id\": \"" + std::to_string(i) + "\", \"text\": \"" +
            std::to_string(i * 7919 % 3001) + " glaciers\"}\n";
  }
  const auto whole = Gzipped(files, text);
  const auto base = MakeBase();
  auto error_of = [&](const std::string& name, std::string bytes) {
    const auto path = files.Write(name, std::move(bytes));
    auto done = Run(ImportCorpus(*bases_, base.id, path, nullptr, ctx_));
    EXPECT_FALSE(done.has_value());
    return done.has_value() ? std::string() : done.error().message();
  };
  EXPECT_THAT(error_of("cut.jsonl.gz", whole.substr(0, 200)),
              ::testing::ContainsRegex("cut.jsonl.gz:[0-9]+: the gzip stream is cut"));
  auto broken = whole;
  broken[broken.size() - 6] = static_cast<char>(broken[broken.size() - 6] ^ 0x55);  // its checksum
  EXPECT_THAT(error_of("broken.jsonl.gz", broken.substr(0, 300) + broken.substr(310)),
              ::testing::ContainsRegex("broken.jsonl.gz:[0-9]+: the gzip stream is (broken|cut)"));
  EXPECT_THAT(error_of("plain.jsonl.gz", "{}\n"), ::testing::HasSubstr("it is no gzip file"));
}

}  // namespace
}  // namespace strata::knowledge
