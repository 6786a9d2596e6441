// Shadow labels on scripted models and a real journal: behind the caller's back, within the cap,
// and only where the request may go.

#include "job/shadow_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/expect_errors.h"
#include "base/run_task.h"
#include "dialect/json_value.h"
#include "gateway/collect_sink.h"
#include "gateway/meter.h"
#include "gateway/routed_models.h"
#include "job/evaluation.h"
#include "job/router_watch.h"
#include "route/outcome_rows.h"
#include "store/testing.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::job {
namespace {

using testing::HasSubstr;

class Book final : public gateway::RouterBook {
 public:
  Result<std::shared_ptr<const route::PolicyRouter>> Find(std::string_view,
                                                          const WorkspaceId&) const override {
    return router;
  }
  bool Has(std::string_view) const override { return true; }
  std::vector<std::string> Names() const override { return {"mix"}; }
  std::shared_ptr<const route::PolicyRouter> router;
};

class Labels : public testing::Test {
 protected:
  void SetUp() override {
    store::JournalOptions options;
    options.folder = folder_ / "journal";
    options.segment_bytes = 64 << 10;
    auto sink = [this](std::span<const store::CallRow> rows) -> Result<> {
      std::lock_guard lock(mutex_);
      ledger_.insert(ledger_.end(), rows.begin(), rows.end());
      return {};
    };
    journal_ = *store::Journal::Open(options, sink);
    keys_file_ = *store::SqlFile::Open(folder_ / "meta.db", {});
    ring_.emplace(*store::KeyRing::Load("", folder_ / "secrets"));
    keys_ = *store::KeyStore::Open(*keys_file_, *ring_);
    strong_ = AddModel("strong", 10);
    cheap_ = AddModel("cheap", 1);
    strong_->Script().Text("The answer is 42").Usage(9, 4);
    cheap_->Script().Text("The answer is 41").Usage(9, 4);
    Open();
    auto added = registry_.Update([&](provider::RegistrySnapshot& models) {
      return models.AddSource(gateway::MakeRouterSource({.book = book_,
                                                         .registry = registry_,
                                                         .embedder = nullptr,
                                                         .memory = memory_,
                                                         .taker = &labeler()}));
    });
    ASSERT_TRUE(added.has_value());
    Define(R"("labels": {"share": 1, "usd_per_day": 1})");
  }
  void Open() {
    evaluation_ = *Evaluation::Open(folder_ / "eval.db");
    runtime_ = std::make_unique<net::Runtime>(1);
    labeler().Start({.chat = chat_,
                     .trace_sinks = sinks_,
                     .registry = registry_,
                     .keys = *keys_,
                     .embedder = nullptr,
                     .pool = pool_,
                     .settings = [] { return CallSettings(); }},
                    *runtime_);
    Settled();  // what was kept is known
  }
  void TearDown() override {
    labeler().Stop();
    evaluation_.reset();
    runtime_.reset();
  }
  ShadowLabeler& labeler() { return evaluation_->labeler(); }

  std::shared_ptr<fakes::FakeChatModel> AddModel(const std::string& id, std::int64_t price) {
    auto model = std::make_shared<fakes::FakeChatModel>(id);
    model->MutableInfo().price.input = price * 1'000'000;
    model->MutableInfo().price.output = price * 1'000'000;
    auto added = registry_.Update([&](provider::RegistrySnapshot& models) {
      return models.AddChat(gateway::Metered(model, *journal_), WallTime{});
    });
    EXPECT_TRUE(added.has_value());
    return model;
  }
  void Define(const std::string& more) {
    auto tree =
        dialect::ParseJson(R"({"candidates": ["strong", "cheap"], "objective": "cheapest")" +
                           (more.empty() ? "" : ", " + more) + "}");
    auto definition = route::DecodeDefinition(*tree);
    ASSERT_TRUE(definition.has_value()) << definition.error().message();
    book_.router = *route::PolicyRouter::Make({.name = "mix",
                                               .version = "router/mix:1",
                                               .definition = std::move(*definition),
                                               .learned = nullptr});
  }
  // What the caller gets.
  std::string Ask(const std::function<void(RequestContext&)>& set = {}, std::string user = {}) {
    RequestContext ctx;
    ctx.request_id = NewRequestId();
    ctx.workspace = workspace_;
    ctx.span = Span(std::make_shared<Trace>("t", SystemClock(), Texts::kKept), "root");
    if (set) set(ctx);
    domain::ChatRequest request;
    request.model = "router/mix";
    request.user = std::move(user);
    request.messages.push_back({.role = domain::Role::kUser, .content = {}});
    request.messages.back().content.push_back(
        domain::TextBlock{.text = "6 x 7 = ?", .citations = {}});
    gateway::CollectSink sink;
    net::Runtime runtime;
    runtime.Run(chat_.Run(std::move(request), ctx, sink));
    EXPECT_FALSE(sink.failure) << sink.failure->message();
    return domain::TextOf(sink.answer.response().content);
  }
  std::string Lines() { return *RunTask(labeler().rows().Lines("mix", workspace_)); }
  // Waits until `count` rows are kept.
  std::string Rows(std::ptrdiff_t count) {
    while (true) {
      auto lines = Lines();
      if (std::ranges::count(lines, '\n') >= count) return lines;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  // Until what was taken is done.
  void Settled() {
    while (!labeler().idle()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  store::TempFolder folder_;
  std::mutex mutex_;
  std::vector<store::CallRow> ledger_;
  std::unique_ptr<store::Journal> journal_;
  std::unique_ptr<store::SqlFile> keys_file_;
  std::optional<store::KeyRing> ring_;
  std::unique_ptr<store::KeyStore> keys_;
  provider::Registry registry_;
  gateway::ChatService chat_{registry_};
  gateway::TraceSinks sinks_;
  gateway::RouterMemory memory_;
  Pool pool_{"test", 1, 64};
  Book book_;
  std::shared_ptr<fakes::FakeChatModel> strong_, cheap_;
  std::unique_ptr<Evaluation> evaluation_;
  std::unique_ptr<net::Runtime> runtime_;
  const WorkspaceId workspace_{"default"};
};

TEST_F(Labels, TheOtherCandidateIsAskedBehindTheCallersBack) {
  fakes::Gate gate;
  strong_->Next().Wait(gate).Text("It is 42").Usage(9, 4);
  EXPECT_EQ(Ask(), "The answer is 41") << "while the other one has not answered";
  EXPECT_EQ(Lines(), "");
  gate.Open();
  auto rows = route::ParseOutcomeRows(Rows(1), "labels", route::OutcomesAre::kRead);
  ASSERT_TRUE(rows.has_value()) << rows.error().message();
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().prompt, "6 x 7 = ?");
  EXPECT_EQ(rows->front().source, "traffic/mix");
  EXPECT_EQ(rows->front().Find("strong")->quality, 1);
  EXPECT_EQ(rows->front().Find("cheap")->quality, 0) << "they differ";
  EXPECT_NEAR(*rows->front().Find("cheap")->cost, 13e-6, 1e-9);
  Settled();
  EXPECT_NEAR(labeler().SpentToday(workspace_, "mix"), 130e-6, 1e-9);
  ASSERT_TRUE(journal_->Flush().has_value());
  std::lock_guard lock(mutex_);
  ASSERT_EQ(ledger_.size(), 2U) << "its own row, under its own request";
  EXPECT_NE(ledger_[0].intent.request_id, ledger_[1].intent.request_id);
}

TEST_F(Labels, TheSameAnswerIsWorthTheSame) {
  cheap_->Next().Text("42").Usage(9, 1);
  Ask();
  auto rows = route::ParseOutcomeRows(Rows(1), "labels", route::OutcomesAre::kRead);
  EXPECT_EQ(rows->front().Find("cheap")->quality, 1);
}

TEST_F(Labels, APersonsLabelsAreErasedWithThem) {
  Ask({}, "ada");
  Rows(1);
  Ask({}, "bob");
  Rows(2);
  Settled();
  EXPECT_EQ(RunTask(evaluation_->EraseSubject("ada", {"other"}))->labels, 0);
  EXPECT_EQ(RunTask(evaluation_->EraseSubject("ada", workspace_))->labels, 1);
  EXPECT_EQ(std::ranges::count(Lines(), '\n'), 1);
  EXPECT_EQ(RunTask(evaluation_->EraseSubject("", workspace_)).error().field(), "subject");
}

TEST_F(Labels, AModelMayJudgeBoth) {
  auto judge = AddModel("judge", 1);
  judge->Next().Text(R"({"reason":"wrong","score":1})").Usage(50, 5);
  judge->Next().Text(R"({"reason":"right","score":5})").Usage(50, 5);
  Define(R"("labels": {"share": 1, "usd_per_day": 1, "judge": "judge"})");
  Ask();
  auto rows = route::ParseOutcomeRows(Rows(1), "labels", route::OutcomesAre::kRead);
  EXPECT_EQ(rows->front().Find("cheap")->quality, 0);
  EXPECT_EQ(rows->front().Find("strong")->quality, 1);
}

TEST_F(Labels, OneThatThrowsIsNotUnderWayForEver) {
  ExpectErrors errors;
  for (std::size_t i = 0; i < ShadowLabeler::kUnderWayMax; ++i) {
    strong_->Next().Throw("slipped");
    Ask();
  }
  Settled();
  EXPECT_EQ(errors.errors(), static_cast<int>(ShadowLabeler::kUnderWayMax));
  Ask();
  Rows(1);
  Settled();
}

TEST_F(Labels, NothingIsAskedBeyondTheDaysCap) {
  // Asking the strong one is expected to cost 10 USD a million tokens: 0.0026 for 259.
  Define(R"("labels": {"share": 1, "usd_per_day": 0.002})");
  Ask();
  Settled();
  EXPECT_EQ(strong_->calls(), 0);
  Define(R"("labels": {"share": 1, "usd_per_day": 0.0027})");
  Ask();
  Rows(1);
  Settled();
  Ask();
  Settled();
  EXPECT_EQ(strong_->calls(), 1) << "the first one is counted";
}

TEST_F(Labels, ThoseUnderWayTogetherKeepTheDaysCap) {
  // 0.0026 each, so that a day has room for two.
  Define(R"("labels": {"share": 1, "usd_per_day": 0.0055})");
  fakes::Gate gate;
  strong_->Script() = fakes::ChatScript().Wait(gate).Text("It is 42").Usage(9, 4);
  for (std::size_t i = 0; i < ShadowLabeler::kUnderWayMax; ++i) Ask();
  runtime_->Run([]() -> Task<void> { co_return; }());  // each has begun
  EXPECT_EQ(strong_->calls(), 2);
  EXPECT_GT(labeler().SpentToday(workspace_, "mix"), 0.005);
  gate.Open();
  Settled();
  EXPECT_NEAR(labeler().SpentToday(workspace_, "mix"), 2 * 130e-6, 1e-9) << "what they have cost";
  Ask();
  Settled();
  EXPECT_EQ(strong_->calls(), 3);
}

TEST_F(Labels, TodaysCostAndLabelsOutliveARestart) {
  Ask();
  Rows(1);
  Settled();
  auto spent = labeler().SpentToday(workspace_, "mix");
  EXPECT_GT(spent, 0);
  TearDown();
  Open();
  EXPECT_NEAR(labeler().SpentToday(workspace_, "mix"), spent, 1e-12);
}

TEST_F(Labels, WhatMayNotLeaveIsNotAsked) {
  strong_->MutableInfo().region = "us";
  Ask([](RequestContext& ctx) { ctx.regions_allowed = {"eu", ""}; });
  Ask([](RequestContext& ctx) { ctx.span = Span(); });  // no texts are kept
  Define("");
  Ask();
  Define(R"("labels": {"share": 0, "usd_per_day": 1})");
  Ask();
  Settled();
  EXPECT_EQ(strong_->calls(), 0);
  EXPECT_EQ(cheap_->calls(), 4);
  EXPECT_EQ(Lines(), "");
}

TEST_F(Labels, WhoAnsweredIsLabelledNotWhoWasChosen) {
  auto other = AddModel("other", 1);
  other->Script().Text("41").Usage(9, 4);
  auto router = [](const std::string& more) {
    auto tree = dialect::ParseJson(
        R"({"candidates": ["strong", "cheap", "other"], "fallback": "strong",
            "labels": {"share": 1, "usd_per_day": 1})" +
        more + "}");
    return *route::PolicyRouter::Make({.name = "mix",
                                       .version = "router/mix:3",
                                       .definition = *route::DecodeDefinition(*tree),
                                       .learned = nullptr});
  };
  book_.router = router(R"(, "cascade": {"ask": ["cheap", "other"]})");
  EXPECT_EQ(Ask(), "The answer is 41") << "two cheap ones agree";
  auto rows = route::ParseOutcomeRows(Rows(1), "labels", route::OutcomesAre::kRead);
  EXPECT_EQ(rows->at(0).Find("cheap")->quality, 0) << "the strong one is asked behind it";
  EXPECT_EQ(rows->at(0).Find("strong")->quality, 1);
  EXPECT_EQ(rows->at(0).Find("other"), nullptr);
  Settled();
  // A model that cannot be reached: the fallback's answer is the fallback's.
  book_.router = router(R"(, "rules": [{"use": "cheap"}])");
  cheap_->Next().Refuse(Error(Code::kUnavailable, "down"));
  EXPECT_EQ(Ask(), "The answer is 42");
  rows = route::ParseOutcomeRows(Rows(2), "labels", route::OutcomesAre::kRead);
  EXPECT_EQ(rows->at(1).Find("strong")->quality, 1);
}

TEST_F(Labels, QualityBelowTheGuaranteeRaisesAnAlarm) {
  auto record = memory_.Of(workspace_, *book_.router);
  for (std::size_t i = 0; i < ShadowLabeler::kJudgedMin; ++i) {
    EXPECT_FALSE(QualityAlarm(*record, labeler())) << i << " labels say nothing";
    if (i % 2 == 0) cheap_->Next().Text("42").Usage(9, 1);
    Ask();
    Settled();
  }
  auto alarm = QualityAlarm(*record, labeler());
  ASSERT_TRUE(alarm.has_value());
  EXPECT_EQ(alarm->name, "quality");
  EXPECT_THAT(alarm->text, HasSubstr("30 shadow labels: 0.500"));
}

TEST_F(Labels, TheStrongOnesAnswersAreComparedToo) {
  auto tree = dialect::ParseJson(
      R"({"candidates": ["strong", "cheap"], "labels": {"share": 1, "usd_per_day": 1}})");
  book_.router = *route::PolicyRouter::Make({.name = "mix",
                                             .version = "router/mix:2",
                                             .definition = *route::DecodeDefinition(*tree),
                                             .learned = nullptr});
  EXPECT_EQ(Ask(), "The answer is 42");
  auto rows = route::ParseOutcomeRows(Rows(1), "labels", route::OutcomesAre::kRead);
  EXPECT_EQ(rows->front().Find("strong")->quality, 1);
  EXPECT_EQ(rows->front().Find("cheap")->quality, 0);
}

TEST(LabelDefinition, NeedsACap) {
  auto problem = [](std::string_view labels) {
    auto tree =
        dialect::ParseJson(R"({"candidates": ["a"], "labels": )" + std::string(labels) + "}");
    auto definition = route::DecodeDefinition(*tree);
    return definition.has_value() ? std::string()
                                  : definition.error().field() + definition.error().message();
  };
  EXPECT_THAT(problem(R"({"share": 0.1})"), HasSubstr("labels.usd_per_day"));
  EXPECT_THAT(problem(R"({"share": 2, "usd_per_day": 1})"), HasSubstr("labels.share"));
  EXPECT_THAT(problem(R"({"usd_per_day": 1, "judge": "router/x"})"), HasSubstr("labels.judge"));
  EXPECT_EQ(problem(R"({"usd_per_day": 1, "judge": "agreement"})"), "");
}

}  // namespace
}  // namespace strata::job
