#include "observe/trace_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/run_task.h"
#include "observe/trace_file.h"
#include "store/file.h"
#include "store/testing.h"

namespace strata::observe {
namespace {

using store::TempFolder;

SpanRecord MakeSpan(const ManualClock& clock, const std::string& id, const std::string& parent) {
  SpanRecord span{.span_id = id,
                  .parent_id = parent,
                  .name = "gateway.chat",
                  .start = clock.Wall(),
                  .end = clock.Wall() + std::chrono::milliseconds(5),
                  .fields = {},
                  .error = {}};
  span.fields = {{"text", std::string("caf\u00e9 \"quoted\"\n")},
                 {"count", std::int64_t{7}},
                 {"whole", 2.0},
                 {"odd", std::numeric_limits<double>::infinity()},
                 {"flag", true},
                 {"hits", JsonText{R"([{"id":1}])"}}};
  return span;
}

class Traces : public testing::Test {
 protected:
  Traces() { Reopen(); }
  void Reopen(std::size_t queue_max = 100) {
    traces_.reset();
    TraceStoreOptions options;
    options.folder = folder_.path();
    options.retention_days = 2;
    options.queue_max = queue_max;
    options.trace_bytes_max = 8192;
    traces_ = std::move(*TraceStore::Open(options, clock_));
  }
  FinishedTrace Make(const std::string& id) {
    return {.trace_id = id,
            .workspace = {"default"},
            .key = {"key_1"},
            .subject = "user-1",
            .dialect = "openai",
            .model = "m",
            .spans = {MakeSpan(clock_, "0000000000000001", "")}};
  }
  void Write(FinishedTrace trace) {
    traces_->Submit(std::move(trace));
    traces_->Flush();
  }

  TempFolder folder_;
  ManualClock clock_;
  std::unique_ptr<TraceStore> traces_;
};

// In a process of its own, where the first write throws.
void ExpectAWriteThatThrowsCostsOneTrace() {
  ::setenv("STRATA_THROW_AT", "trace.write:1", 1);
  const TempFolder folder;
  const ManualClock clock;
  TraceStoreOptions options;
  options.folder = folder.path();
  auto store = std::move(*TraceStore::Open(options, clock));
  for (const char* id : {"a", "b"}) {
    FinishedTrace trace;
    trace.trace_id = id;
    trace.spans = {MakeSpan(clock, "0000000000000001", "")};
    store->Submit(std::move(trace));
    store->Flush();
  }
  const auto counters = store->counters();
  const bool kept = !store->GetBlocking("a").has_value() && store->GetBlocking("b").has_value();
  if (counters.dropped != 1 || counters.written != 1 || !kept) std::abort();
  std::exit(0);
}

TEST(TracesDeathTest, AWriteThatThrowsCostsItsTraceAndNotTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(ExpectAWriteThatThrowsCostsOneTrace(), testing::ExitedWithCode(0), "");
}

TEST_F(Traces, ATraceComesBackWithTypesAndOrder) {
  auto made = Make("t1");
  made.spans[0].error = NotFound("model", "x");
  Write(made);
  Reopen();
  auto trace = RunTask(traces_->Get("t1"));
  ASSERT_TRUE(trace.has_value()) << trace.error().message();
  const auto& span = trace->spans.at(0);
  auto expected = made.spans[0].fields;
  expected[3].second = std::string("inf");  // JSON has no infinity
  EXPECT_EQ(span.fields, expected);
  EXPECT_EQ(span.start, made.spans[0].start);
  EXPECT_EQ(span.error->code(), Code::kNotFound);
  EXPECT_EQ(span.error->message(), made.spans[0].error->message());
  EXPECT_EQ(trace->subject, "user-1");
  EXPECT_EQ(RunTask(traces_->Get("none")).error().code(), Code::kNotFound);
}

// An upgrade leaves rows of before, and a second part may be added to one.
TEST(Spans, ObjectsOfBeforeAreReadBesideArrays) {
  auto spans = SpansFromJson(
      R"([{"id":"a1","parent":"b1","name":"provider.chat","start":1700000000000001,)"
      R"("end":1700000000000005,"fields":[["n",7],["t","x"],["j",{"json":"[1]"}]],)"
      R"("error":{"code":"not_found","message":"m","field":"f"}},)"
      R"(["a2","","server.chat",1700000000000000,9,["n",7,"r",0.5],["internal","w",""]],)"
      R"(["short"],7])");
  ASSERT_TRUE(spans.has_value());
  ASSERT_EQ(spans->size(), 3U);
  const auto& before = spans->at(0);
  EXPECT_EQ(before.parent_id, "b1");
  EXPECT_EQ(ToUnixMicros(before.end), 1'700'000'000'000'005);
  EXPECT_EQ(before.fields.at(2).second, SpanValue(JsonText{"[1]"}));
  EXPECT_EQ(before.error->field(), "f");
  const auto& now = spans->at(1);
  EXPECT_EQ(now.name, "server.chat");
  EXPECT_EQ(ToUnixMicros(now.end), 1'700'000'000'000'009);
  ASSERT_EQ(now.fields.size(), 2U);
  EXPECT_EQ(now.fields.at(1).second, SpanValue(0.5));
  EXPECT_EQ(now.error->code(), Code::kInternal);
  EXPECT_EQ(spans->at(2).span_id, "short");
  const auto again = SpansFromJson(SpansToJson(*spans));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(SpansToJson(*again), SpansToJson(*spans));
}

TEST_F(Traces, ASecondPartIsAddedToTheFirst) {
  Write(Make("t1"));
  auto second = Make("t1");
  second.spans[0].span_id = "0000000000000002";
  Write(second);
  EXPECT_EQ(traces_->GetBlocking("t1")->spans.size(), 2U);
  EXPECT_EQ(traces_->ListBlocking({})->front().span_count, 2);
}

TEST_F(Traces, AreFoundByTextModelKeyErrorAndTime) {
  Write(Make("t1"));
  clock_.Advance(std::chrono::hours(24));
  auto other = Make("t2");
  other.model = "n";
  other.spans[0].error = Internal("broke");
  other.spans[0].fields = {{"answer", std::string("50%_sure")}};
  Write(other);
  auto ids = [&](const TraceQuery& query) {
    std::string out;
    auto found = RunTask(traces_->List(query));
    for (const auto& summary : *found) out += summary.trace_id + " ";
    return out;
  };
  EXPECT_EQ(ids({}), "t2 t1 ");
  EXPECT_EQ(ids({.text = "caf\u00e9 \"quoted\""}), "t1 ");
  EXPECT_EQ(ids({.text = "0%_s"}), "t2 ");
  EXPECT_EQ(ids({.text = "%"}), "t2 ") << "no wildcard";
  EXPECT_EQ(ids({.model = "m"}), "t1 ");
  EXPECT_EQ(ids({.errors_only = true}), "t2 ");
  EXPECT_EQ(ids({.from = clock_.Wall()}), "t2 ");
  EXPECT_EQ(ids({.until = clock_.Wall()}), "t1 ");
  EXPECT_EQ(ids({.limit = 1}), "t2 ");
  EXPECT_EQ(ids({.workspace = WorkspaceId{"other"}}), "");
  EXPECT_EQ(traces_->ListBlocking({.errors_only = true})->front().error_code, "internal");
}

TEST_F(Traces, NamesThatAreNotUtf8AreReplacedAlsoInRowsOfBefore) {
  auto made = Make("t1");
  made.model = "m\xff";
  Write(made);
  Write(Make("t2"));
  auto file = OpenTraceFile(folder_.path() + "/traces-" + DayOf(clock_.Wall()) + ".db");
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(
      (*file)->Execute("UPDATE traces SET model = CAST(X'6DFF' AS TEXT), "
                       "subject = CAST(X'FE' AS TEXT) WHERE trace_id = 't2'"));
  for (const auto& summary : *traces_->ListBlocking({})) EXPECT_EQ(summary.model, "m\ufffd");
  EXPECT_EQ(traces_->GetBlocking("t2")->subject, "\ufffd");
}

TEST_F(Traces, OldFilesAreDroppedAndLateTracesToo) {
  auto old = Make("t1");
  Write(old);
  clock_.Advance(std::chrono::hours(24 * 3));
  Write(Make("t2"));
  EXPECT_EQ(*RunTask(traces_->DropExpired()), 0) << "the writer has done it within the hour";
  EXPECT_EQ(traces_->GetBlocking("t1").error().code(), Code::kNotFound);
  EXPECT_TRUE(traces_->GetBlocking("t2").has_value());
  Write(old);
  EXPECT_EQ(traces_->GetBlocking("t1").error().code(), Code::kNotFound);
  EXPECT_EQ(traces_->counters().dropped, 1U);
}

TEST_F(Traces, ErasingAPersonLeavesNoByteOfThem) {
  auto theirs = Make("t1");
  theirs.spans[0].fields = {{"text", std::string("xyzzy-personal")}};
  theirs.subject = "user-2";
  Write(theirs);
  Write(Make("t2"));
  EXPECT_EQ(*RunTask(traces_->EraseSubject("user-2", {"other"})), 0);
  EXPECT_TRUE(traces_->GetBlocking("t1").has_value());
  EXPECT_EQ(*RunTask(traces_->EraseSubject("user-2", {"default"})), 1);
  EXPECT_EQ(RunTask(traces_->EraseSubject("", {"default"})).error().field(), "subject");
  EXPECT_EQ(traces_->GetBlocking("t1").error().code(), Code::kNotFound);
  EXPECT_TRUE(traces_->GetBlocking("t2").has_value());
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    auto bytes = store::ReadWholeFile(entry.path().string(), 1 << 24);
    if (bytes->find("xyzzy-personal") != bytes->npos) found = entry.path().string();
  }
  EXPECT_EQ(found, "");
}

// As after a kill between the delete and the emptying of the log.
TEST_F(Traces, AnErasureThatWasCutShortIsFinishedByTheNextOne) {
  auto theirs = Make("t1");
  theirs.spans[0].fields = {{"text", std::string("xyzzy-personal")}};
  Write(theirs);
  const auto path = folder_.path() + "/traces-" + DayOf(clock_.Wall()) + ".db";
  {
    auto file = OpenTraceFile(path);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->Execute("PRAGMA secure_delete = ON; DELETE FROM traces"));
  }
  auto log = [&] { return *store::ReadWholeFile(path + "-wal", 1 << 24); };
  ASSERT_NE(log().find("xyzzy-personal"), std::string::npos);
  EXPECT_EQ(*RunTask(traces_->EraseSubject("user-1", {"default"})), 0);
  EXPECT_EQ(log(), "");
}

TEST_F(Traces, ALongFieldIsCutSoThatTheTraceFits) {
  auto made = Make("t1");
  made.spans[0].fields = {{"text", std::string(100'000, 'x')},
                          {"hits", JsonText{"[\"" + std::string(100'000, 'y') + "\"]"}},
                          {"count", std::int64_t{7}}};
  Write(made);
  auto trace = traces_->GetBlocking("t1");
  ASSERT_TRUE(trace.has_value());
  EXPECT_LT(std::get<std::string>(trace->spans[0].fields[0].second).size(), 8192U);
  EXPECT_EQ(trace->spans[0].fields[2].second, SpanValue(std::int64_t{7}));
}

TEST_F(Traces, AFullQueueDropsAndCounts) {
  Reopen(1);
  for (int i = 0; i < 2000; ++i) traces_->Submit(Make("t" + std::to_string(i)));
  traces_->Flush();
  auto counters = traces_->counters();
  EXPECT_EQ(counters.written + counters.dropped, 2000U);
  EXPECT_GT(counters.written, 0U);
}

}  // namespace
}  // namespace strata::observe
