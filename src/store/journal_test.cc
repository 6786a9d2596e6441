#include "store/journal.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "base/encoding.h"
#include "base/expect_errors.h"
#include "base/log.h"
#include "store/file.h"
#include "store/journal/segment.h"
#include "store/testing.h"

namespace strata::store {
namespace {

// Keeps rows as a ledger does: the first of each (request, call) counts.
class FakeLedger {
 public:
  CallSink Sink() {
    return [this](std::span<const CallRow> rows) -> Result<> {
      std::lock_guard lock(mutex_);
      if (failing_) return Fail(Code::kUnavailable, "disk full");
      for (const auto& row : rows) {
        ++seen_;
        rows_.emplace(row.intent.request_id.value + "/" + std::to_string(row.intent.call_number),
                      row);
      }
      return {};
    };
  }
  void SetFailing(bool failing) {
    std::lock_guard lock(mutex_);
    failing_ = failing;
  }
  std::map<std::string, CallRow> rows() const {
    std::lock_guard lock(mutex_);
    return rows_;
  }
  int seen() const { return seen_; }

 private:
  mutable std::mutex mutex_;
  bool failing_ = false;
  int seen_ = 0;
  std::map<std::string, CallRow> rows_;
};

JournalOptions Small(const TempFolder& folder) {
  JournalOptions options;
  options.folder = folder / "journal";
  options.segment_bytes = 64 << 10;
  options.bytes_max = 4 << 20;
  options.drain_every = std::chrono::hours(1);  // tests flush
  return options;
}

std::unique_ptr<Journal> OpenJournal(const JournalOptions& options, FakeLedger& ledger) {
  auto journal = Journal::Open(options, ledger.Sink());
  EXPECT_TRUE(journal.has_value()) << journal.error().message();
  return std::move(*journal);
}

CallIntent Intent(const std::string& id, std::uint32_t call = 0) {
  CallIntent intent;
  intent.request_id = {id};
  intent.call_number = call;
  intent.model = "m";
  intent.estimate.output_tokens = 100;
  intent.estimate_cost = domain::Money{5};
  return intent;
}

std::size_t SegmentFiles(const JournalOptions& options) {
  auto names = ListFolder(options.folder);
  return names.has_value() ? names->size() : 0;
}

// What kill -9 leaves: the journal's files as they are, copied to where a new process looks.
JournalOptions AfterKill(const JournalOptions& options, const TempFolder& folder) {
  auto copy = options;
  copy.folder = folder / "after";
  std::filesystem::copy(options.folder, copy.folder);
  return copy;
}

TEST(Journal, AFinishedCallReachesTheLedgerOnce) {
  TempFolder folder;
  FakeLedger ledger;
  auto journal = OpenJournal(Small(folder), ledger);
  auto call = journal->Begin(Intent("a"));
  ASSERT_TRUE(call.has_value());
  EXPECT_TRUE(call->recording());
  call->outcome().usage.output_tokens = 7;
  ASSERT_TRUE(call->Finish(CallStatus::kOk));
  ASSERT_TRUE(call->Finish(CallStatus::kError)) << "the second does nothing";
  ASSERT_TRUE(journal->Flush());
  ASSERT_TRUE(journal->Flush());
  ASSERT_EQ(ledger.rows().size(), 1U);
  EXPECT_EQ(ledger.seen(), 1);
  EXPECT_EQ(ledger.rows().at("a/0").outcome.status, CallStatus::kOk);
  EXPECT_EQ(ledger.rows().at("a/0").outcome.usage.output_tokens, 7);
}

TEST(Journal, AnOpenCallIsNotInTheLedger) {
  TempFolder folder;
  FakeLedger ledger;
  auto journal = OpenJournal(Small(folder), ledger);
  auto call = journal->Begin(Intent("a"));
  ASSERT_TRUE(journal->Flush());
  EXPECT_TRUE(ledger.rows().empty());
  ASSERT_TRUE(call->Finish(CallStatus::kOk));
}

TEST(Journal, ACallThatIsDroppedIsInterruptedAndChargedWhatIsKnown) {
  TempFolder folder;
  FakeLedger ledger;
  auto journal = OpenJournal(Small(folder), ledger);
  {
    auto call = journal->Begin(Intent("estimate"));
  }
  {
    auto call = journal->Begin(Intent("used"));
    call->outcome().usage.output_tokens = 3;
    call->outcome().status = CallStatus::kCancelled;
  }
  ASSERT_TRUE(journal->Flush());
  auto rows = ledger.rows();
  EXPECT_EQ(rows.at("estimate/0").outcome.status, CallStatus::kInterrupted);
  EXPECT_EQ(rows.at("estimate/0").outcome.usage.output_tokens, 100);
  EXPECT_EQ(rows.at("estimate/0").outcome.cost, domain::Money{5});
  EXPECT_EQ(rows.at("used/0").outcome.status, CallStatus::kCancelled);
  EXPECT_EQ(rows.at("used/0").outcome.usage.output_tokens, 3);
}

TEST(Journal, AKilledProcessLosesNothingItAcknowledged) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  auto open = journal->Begin(Intent("open", 2));
  auto done = journal->Begin(Intent("done"));
  ASSERT_TRUE(done->Finish(CallStatus::kOk));

  FakeLedger after;
  auto copy = AfterKill(options, folder);
  auto recovered = OpenJournal(copy, after);
  auto rows = after.rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows.at("done/0").outcome.status, CallStatus::kOk);
  EXPECT_EQ(rows.at("open/2").outcome.status, CallStatus::kInterrupted);
  EXPECT_EQ(rows.at("open/2").outcome.cost, domain::Money{5});
  EXPECT_EQ(SegmentFiles(copy), 0U) << "what is in the ledger is removed";
  EXPECT_EQ(recovered->counters().recovered, 3U);
  ASSERT_TRUE(open->Finish(CallStatus::kOk));
}

TEST(Journal, RecoveryKeepsTheFilesWhenTheLedgerRefuses) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  ASSERT_TRUE(journal->Begin(Intent("a"))->Finish(CallStatus::kOk));
  auto copy = AfterKill(options, folder);
  FakeLedger after;
  after.SetFailing(true);
  EXPECT_EQ(Journal::Open(copy, after.Sink()).error().code(), Code::kUnavailable);
  after.SetFailing(false);
  auto recovered = OpenJournal(copy, after);
  EXPECT_EQ(after.rows().size(), 1U);
}

// Makes the last record of the folder's first segment one of no known kind, with a right checksum.
void SpoilLastRecord(const std::string& folder) {
  auto names = ListFolder(folder);
  ASSERT_FALSE(names->empty());
  const auto path = folder + "/" + names->front();
  auto bytes = ReadWholeFile(path, 1 << 20);
  auto scan = ScanSegment(*bytes);
  ASSERT_FALSE(scan->payloads.empty());
  const auto last = scan->payloads.back();
  const auto at = static_cast<std::size_t>(last.data() - bytes->data());
  (*bytes)[at] = 9;
  const auto length = std::string_view(*bytes).substr(at - 8, 4);
  const auto checksum = Crc32(std::string_view(*bytes).substr(at, last.size()), Crc32(length));
  for (std::size_t i = 0; i < 4; ++i) {
    (*bytes)[at - 4 + i] = static_cast<char>(checksum >> (8 * i));
  }
  // In place: a journal that is open has the file mapped.
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at - 8));
  file.write(bytes->data() + at - 8, static_cast<std::streamsize>(last.size() + 8));
}

TEST(Journal, RecordsThatCannotBeReadAreCounted) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  ASSERT_TRUE(journal->Begin(Intent("a"))->Finish(CallStatus::kOk));
  ASSERT_TRUE(journal->Begin(Intent("b"))->Finish(CallStatus::kOk));
  SpoilLastRecord(options.folder);
  auto copy = AfterKill(options, folder);
  SetLogSink([](Level, std::string_view, std::string_view) {});
  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(journal->counters().lost, 1U);
  EXPECT_EQ(ledger.rows().size(), 1U);

  FakeLedger after;
  auto recovered = OpenJournal(copy, after);
  SetLogSink(nullptr);
  EXPECT_EQ(recovered->counters().lost, 1U);
  EXPECT_EQ(after.rows().at("b/0").outcome.status, CallStatus::kInterrupted);
}

TEST(Journal, ATornTailIsDroppedAndWhatStandsBeforeItIsKept) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  ASSERT_TRUE(journal->Begin(Intent("a"))->Finish(CallStatus::kOk));
  ASSERT_TRUE(journal->Begin(Intent("b"))->Finish(CallStatus::kOk));
  auto copy = AfterKill(options, folder);
  auto names = ListFolder(copy.folder);
  ASSERT_FALSE(names->empty());
  auto path = copy.folder + "/" + names->front();
  auto bytes = ReadWholeFile(path, 1 << 20);
  auto scan = ScanSegment(*bytes);
  ASSERT_EQ(scan->payloads.size(), 4U);
  auto last = scan->payloads.back();
  auto at = static_cast<std::size_t>(last.data() - bytes->data()) + last.size() / 2;
  (*bytes)[at] = static_cast<char>((*bytes)[at] ^ 1);
  ASSERT_TRUE(WriteFileAtomic(path, *bytes));

  FakeLedger after;
  auto recovered = OpenJournal(copy, after);
  EXPECT_EQ(recovered->counters().torn_segments, 1U);
  EXPECT_EQ(after.rows().at("a/0").outcome.status, CallStatus::kOk);
  EXPECT_EQ(after.rows().at("b/0").outcome.status, CallStatus::kInterrupted);
}

TEST(Journal, SegmentsRotateAndGoAwayWhenTheLedgerHasThem) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  constexpr int kCalls = 8000;
  auto journal = OpenJournal(options, ledger);
  auto held = journal->Begin(Intent("long"));
  for (int i = 0; i < kCalls; ++i) {
    auto call = journal->Begin(Intent("r" + std::to_string(i)));
    ASSERT_TRUE(call.has_value()) << call.error().message();
    ASSERT_TRUE(call->Finish(CallStatus::kOk));
  }
  EXPECT_GT(SegmentFiles(options), 8U);
  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(ledger.rows().size(), std::size_t{kCalls});
  EXPECT_LE(SegmentFiles(options), 3U) << "the first (its call is open), the current, a spare";
  EXPECT_GE(SegmentFiles(options), 2U);
  ASSERT_TRUE(held->Finish(CallStatus::kOk));
  ASSERT_TRUE(journal->Flush());
  journal.reset();
  EXPECT_EQ(SegmentFiles(options), 0U);
  EXPECT_EQ(ledger.rows().size(), std::size_t{kCalls} + 1);
}

TEST(Journal, AFullJournalRefusesNewCallsAndLetsOpenOnesEnd) {
  TempFolder folder;
  FakeLedger ledger;
  ledger.SetFailing(true);
  auto options = Small(folder);
  options.bytes_max = 128 << 10;
  auto journal = OpenJournal(options, ledger);
  std::vector<CallRecord> open;
  Error refusal = Internal("none");
  for (int i = 0; i < 1000; ++i) {
    auto call = journal->Begin(Intent("r" + std::to_string(i)));
    if (!call.has_value()) {
      refusal = call.error();
      break;
    }
    open.push_back(std::move(*call));
  }
  EXPECT_EQ(refusal.code(), Code::kUnavailable);
  EXPECT_TRUE(refusal.retry_after().has_value());
  ASSERT_GT(open.size(), 10U);
  for (auto& call : open) EXPECT_TRUE(call.Finish(CallStatus::kOk)) << "its room was kept";
  EXPECT_EQ(journal->counters().refused, 1U);

  ledger.SetFailing(false);
  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(ledger.rows().size(), open.size());
  EXPECT_TRUE(journal->Begin(Intent("again"))->Finish(CallStatus::kOk)) << "it has room again";
}

TEST(Journal, AFullJournalMayGoOnUnrecorded) {
  TempFolder folder;
  FakeLedger ledger;
  ledger.SetFailing(true);
  auto options = Small(folder);
  options.bytes_max = 64 << 10;
  options.when_full = WhenFull::kGoUnrecorded;
  auto journal = OpenJournal(options, ledger);
  std::vector<CallRecord> calls;
  for (int i = 0; i < 200; ++i) {
    auto call = journal->Begin(Intent("r" + std::to_string(i)));
    ASSERT_TRUE(call.has_value());
    calls.push_back(std::move(*call));
  }
  EXPECT_FALSE(calls.back().recording());
  EXPECT_TRUE(calls.back().Finish(CallStatus::kOk));
  EXPECT_GT(journal->counters().unrecorded, 0U);
  calls.clear();
  ledger.SetFailing(false);
  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(ledger.rows().size() + journal->counters().unrecorded, 200U);
}

TEST(Journal, ACallMayEndOnAnotherThreadThanItBegan) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  for (int i = 0; i < 100; ++i) {
    auto call = journal->Begin(Intent("r" + std::to_string(i)));
    ASSERT_TRUE(call.has_value());
    std::thread([&] { EXPECT_TRUE(call->Finish(CallStatus::kOk)); }).join();
  }
  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(ledger.rows().size(), 100U);
  journal.reset();
  EXPECT_EQ(SegmentFiles(options), 0U);
}

TEST(Journal, ACallWhoseEndIsReadBeforeItsBeginningIsWhole) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  // This thread's file is the first.
  ASSERT_TRUE(journal->Begin(Intent("own"))->Finish(CallStatus::kOk));
  std::optional<CallRecord> crossed;
  std::thread([&] { crossed = std::move(*journal->Begin(Intent("crossed"))); }).join();
  crossed->outcome().usage.output_tokens = 7;
  ASSERT_TRUE(crossed->Finish(CallStatus::kOk));

  FakeLedger after;
  auto copy = AfterKill(options, folder);
  auto recovered = OpenJournal(copy, after);
  EXPECT_EQ(recovered->counters().interrupted, 0U);
  EXPECT_EQ(after.rows().at("crossed/0").outcome.usage.output_tokens, 7);
  EXPECT_EQ(after.rows().at("crossed/0").intent.model, "m");

  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(ledger.rows().at("crossed/0").outcome.usage.output_tokens, 7);
  EXPECT_EQ(ledger.rows().at("crossed/0").intent.model, "m");
  journal.reset();
  EXPECT_EQ(SegmentFiles(options), 0U);
}

// Files are removed one by one, so a process that dies in between leaves ends without beginnings.
TEST(Journal, AnEndWhoseBeginningIsGoneIsInTheLedgerAlready) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  auto held = journal->Begin(Intent("held"));
  for (int i = 0; SegmentFiles(options) < 2; ++i) {
    ASSERT_TRUE(journal->Begin(Intent("r" + std::to_string(i)))->Finish(CallStatus::kOk));
  }
  ASSERT_TRUE(held->Finish(CallStatus::kOk));
  auto copy = AfterKill(options, folder);
  ASSERT_TRUE(RemoveFile(copy.folder + "/" + ListFolder(copy.folder)->front()));

  FakeLedger after;
  auto recovered = OpenJournal(copy, after);
  EXPECT_FALSE(after.rows().contains("held/0"));
  EXPECT_EQ(recovered->counters().interrupted, 0U);
  EXPECT_EQ(SegmentFiles(copy), 0U);
}

TEST(Journal, ARefusingLedgerKeepsBothPartsOfACall) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  auto held = journal->Begin(Intent("held"));
  for (int i = 0; SegmentFiles(options) < 3; ++i) {
    ASSERT_TRUE(journal->Begin(Intent("r" + std::to_string(i)))->Finish(CallStatus::kOk));
  }
  ASSERT_TRUE(journal->Flush());
  ledger.SetFailing(true);
  ASSERT_TRUE(held->Finish(CallStatus::kOk));
  EXPECT_FALSE(journal->Flush().has_value());

  FakeLedger after;
  auto recovered = OpenJournal(AfterKill(options, folder), after);
  EXPECT_EQ(after.rows().at("held/0").outcome.status, CallStatus::kOk);
  ledger.SetFailing(false);
  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(ledger.rows().at("held/0").outcome.status, CallStatus::kOk);
  journal.reset();
  EXPECT_EQ(SegmentFiles(options), 0U);
}

TEST(Journal, ALedgerThatThrowsGetsTheRowsAgain) {
  TempFolder folder;
  FakeLedger ledger;
  bool throws = true;
  auto sink = [&, to = ledger.Sink()](std::span<const CallRow> rows) -> Result<> {
    if (std::exchange(throws, false)) throw std::bad_alloc();
    return to(rows);
  };
  auto journal = std::move(*Journal::Open(Small(folder), sink));
  ASSERT_TRUE(journal->Begin(Intent("a"))->Finish(CallStatus::kOk));
  const ExpectErrors expected;
  EXPECT_FALSE(journal->Flush().has_value());
  EXPECT_EQ(expected.errors(), 1);
  ASSERT_TRUE(journal->Begin(Intent("b"))->Finish(CallStatus::kOk)) << "it goes on";
  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(ledger.rows().size(), 2U);
}

// In a process of its own, where the drain throws in the middle of its accounts.
void ExpectABrokenDrainRefusesAndLosesNothing() {
  ::setenv("STRATA_THROW_AT", "journal.drain.before_sink:1", 1);
  auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  const ExpectErrors expected;
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  auto journal = OpenJournal(options, ledger);
  auto open = journal->Begin(Intent("open"));
  require(journal->Begin(Intent("done"))->Finish(CallStatus::kOk).has_value());
  require(!journal->Flush().has_value() && expected.errors() == 1);
  const auto refused = journal->Begin(Intent("refused"));
  require(!refused.has_value() && refused.error().code() == Code::kUnavailable);
  require(journal->backlog().full && !journal->Flush().has_value());
  require(open->Finish(CallStatus::kOk).has_value());
  journal.reset();
  require(ledger.rows().empty() && SegmentFiles(options) > 0);
  journal = OpenJournal(options, ledger);
  require(ledger.rows().size() == 2 &&
          ledger.rows().at("open/0").outcome.status == CallStatus::kOk);
  std::exit(0);
}

TEST(JournalDeathTest, ABrokenDrainRefusesCallsUntilARestartThatRecoversAll) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(ExpectABrokenDrainRefusesAndLosesNothing(), testing::ExitedWithCode(0), "");
}

TEST(Journal, ManyThreadsAppendWhileTheDrainRuns) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  options.drain_every = std::chrono::milliseconds(1);
  options.fsync_every = std::chrono::milliseconds(1);
  auto journal = OpenJournal(options, ledger);
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 500; ++i) {
        auto call = journal->Begin(Intent("t" + std::to_string(t), i));
        ASSERT_TRUE(call.has_value());
        if (i % 7 != 0) EXPECT_TRUE(call->Finish(CallStatus::kOk));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(journal->Flush());
  EXPECT_EQ(ledger.rows().size(), 2000U);
  EXPECT_EQ(ledger.seen(), 2000);
}

TEST(Journal, AFileThatIsNoJournalIsSetAside) {
  std::vector<std::string> errors;
  SetLogSink([&](Level level, std::string_view event, std::string_view) {
    if (level == Level::kError) errors.emplace_back(event);
  });
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  ASSERT_TRUE(MakeFolder(options.folder));
  ASSERT_TRUE(WriteFileAtomic(options.folder + "/0000-1.seg", std::string(100, 'x')));
  ASSERT_TRUE(WriteFileAtomic(options.folder + "/0000-2.seg", std::string(100, '\0')));
  {
    auto journal = OpenJournal(options, ledger);
  }
  SetLogSink(nullptr);
  EXPECT_EQ(errors, std::vector<std::string>{"journal.file.unreadable"});
  EXPECT_EQ(*ListFolder(options.folder), std::vector<std::string>{"0000-1.seg.bad"});
}

TEST(Journal, AJournalOfANewerFormatIsRefused) {
  TempFolder folder;
  FakeLedger ledger;
  auto options = Small(folder);
  ASSERT_TRUE(MakeFolder(options.folder));
  ASSERT_TRUE(WriteFileAtomic(options.folder + "/0000-1.seg", "STRJRNL2" + std::string(60, 'x')));
  EXPECT_EQ(Journal::Open(options, ledger.Sink()).error().code(), Code::kUnsupported);
}

TEST(Journal, AnyCutOfAFileIsReadUpToTheLastWholeRecord) {
  TempFolder folder;
  auto segment = Segment::Create(folder.path(), 0, 1, 8192);
  ASSERT_TRUE(segment.has_value()) << segment.error().message();
  for (int i = 0; i < 3; ++i) (*segment)->Append(std::string(100 + i, 'a'), "x", "y");
  auto whole = (*segment)->bytes();
  for (std::size_t size = 0; size <= 600; ++size) {
    auto scan = ScanSegment(whole.substr(0, size));
    if (size > 0 && size < kSegmentHeaderBytes) {
      EXPECT_FALSE(scan.has_value()) << size;
      continue;
    }
    ASSERT_TRUE(scan.has_value());
    auto records = size < 64 + 108               ? 0U
                   : size < 64 + 112 + 109       ? 1U
                   : size < 64 + 112 + 112 + 110 ? 2U
                                                 : 3U;
    EXPECT_EQ(scan->payloads.size(), records) << size;
  }
}

TEST(Journal, OptionsMakeWholePages) {
  OptionTable table = Journal::JournalOptionTable();
  auto options =
      Options::Build(std::span(&table, 1), {{"journal.segment_bytes", {"70000", "test:1"}},
                                            {"journal.when_full", {"unrecorded", "test:2"}}});
  ASSERT_TRUE(options.has_value()) << options.error().message();
  auto made = JournalOptionsOf(*options, "f");
  EXPECT_EQ(made.segment_bytes, 69632U);
  EXPECT_EQ(made.when_full, WhenFull::kGoUnrecorded);
  EXPECT_EQ(made.drain_every, std::chrono::milliseconds(200));
}

}  // namespace
}  // namespace strata::store
