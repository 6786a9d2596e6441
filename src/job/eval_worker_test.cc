// Evaluation runs on scripted models and a real journal: every case once, also over a restart.

#include "job/eval_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/expect_errors.h"
#include "base/run_task.h"
#include "gateway/meter.h"
#include "job/eval_history.h"
#include "job/evaluation.h"
#include "store/testing.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::job {
namespace {

using testing::HasSubstr;

class Worker : public testing::Test {
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
    Open();
  }
  void TearDown() override { Close(); }

  void Open() {
    jobs_ = *store::JobQueue::Open(folder_ / "jobs.db");
    evaluation_ = *Evaluation::Open(folder_ / "eval.db");
    evaluation_->MakeWorker(*jobs_,
                            {.chat = chat_,
                             .trace_sinks = sinks_,
                             .registry = registry_,
                             .keys = *keys_,
                             .embedder = nullptr,
                             .pool = pool_,
                             .settings = [] { return CallSettings(); }},
                            std::chrono::milliseconds(0));
    runtime_ = std::make_unique<net::Runtime>(1);
    evaluation_->worker().Start(*runtime_);
  }
  // As at the end of a process: the files' threads resume coroutines, so the runtime ends last.
  void Close() {
    if (evaluation_) evaluation_->worker().Stop();
    evaluation_.reset();
    jobs_.reset();
    runtime_.reset();
  }

  std::shared_ptr<fakes::FakeChatModel> AddModel(const std::string& id) {
    auto model = std::make_shared<fakes::FakeChatModel>(id);
    model->MutableInfo().price.input = 1'000'000;
    model->MutableInfo().price.output = 2'000'000;
    auto added = registry_.Update([&](provider::RegistrySnapshot& models) {
      return models.AddChat(gateway::Metered(model, *journal_), WallTime{});
    });
    EXPECT_TRUE(added.has_value());
    return model;
  }
  void AddRows(std::size_t count, const std::vector<GradedAnswer>& graded = {},
               const std::vector<std::string>& labels = {}) {
    job::AddRows add;
    add.set = "sums";
    for (std::size_t i = 0; i < count; ++i) {
      EvalRow row;
      row.id = "r" + std::to_string(i);
      row.messages.push_back({.role = EvalMessage::Role::kUser, .text = "6 x 7 = ?"});
      row.expected = {"42"};
      row.labels = labels;
      row.graded = graded;
      add.rows.push_back(std::move(row));
    }
    ASSERT_TRUE(RunTask(evaluation_->sets().Add(std::move(add), workspace_)).has_value());
  }
  Result<EvalRun> Begin(EvalPlan plan) {
    plan.set = "sums";
    if (plan.judges.empty()) plan.judges = {*ParseJudge("exact")};
    RequestFacts asker;
    asker.workspace = workspace_;
    asker.key = KeyId{"k"};
    asker.regions_allowed = regions_;
    return RunTask(evaluation_->worker().Submit(std::move(plan), asker));
  }
  EvalRun Ended(const std::string& id) {
    while (true) {
      auto run = RunTask(evaluation_->runs().Get(id, workspace_));
      EXPECT_TRUE(run.has_value());
      if (!run.has_value() || run->state != EvalState::kRunning) return run.value_or(EvalRun());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  std::vector<EvalCase> Cases(const std::string& id) {
    return *RunTask(evaluation_->runs().Cases(id));
  }

  std::vector<std::string> regions_;  // that the request which begins a run allows
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
  Pool pool_{"test", 1, 64};
  std::unique_ptr<store::JobQueue> jobs_;
  std::unique_ptr<Evaluation> evaluation_;
  std::unique_ptr<net::Runtime> runtime_;
  const WorkspaceId workspace_{"default"};
};

TEST_F(Worker, ARunIsComparedWithTheOneBeforeIt) {
  auto model = AddModel("m/kb");
  model->Script().Text("42").Usage(9, 4);
  AddRows(8);
  EvalPlan plan;
  plan.targets = {"m/kb"};
  auto first = Begin(plan);
  ASSERT_TRUE(first.has_value());
  const auto before = Ended(first->id);
  EXPECT_TRUE(RunTask(ChangesSince(evaluation_->runs(), pool_, before))->empty());

  model->Script().Text("41").Usage(9, 4);
  auto second = Begin(plan);
  ASSERT_TRUE(second.has_value());
  auto changes = RunTask(ChangesSince(evaluation_->runs(), pool_, Ended(second->id)));
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 1U);
  EXPECT_EQ(changes->front().before, first->id);
  EXPECT_EQ(changes->front().paired, 8U);
  EXPECT_DOUBLE_EQ(changes->front().quality_before, 1);
  EXPECT_DOUBLE_EQ(changes->front().quality, 0);
  EXPECT_TRUE(changes->front().fell());

  plan.judges = {*ParseJudge("contains")};  // other judges measure something else
  auto third = Begin(plan);
  EXPECT_TRUE(RunTask(ChangesSince(evaluation_->runs(), pool_, Ended(third->id)))->empty());
}

TEST_F(Worker, AFewWorseRowsAreNoFall) {
  auto model = AddModel("m/kb");
  model->Script().Text("42").Usage(9, 4);
  AddRows(2);
  EvalPlan plan;
  plan.targets = {"m/kb"};
  auto first = Begin(plan);
  ASSERT_TRUE(first.has_value());
  Ended(first->id);

  model->Script().Text("41").Usage(9, 4);
  auto second = Begin(plan);
  ASSERT_TRUE(second.has_value());
  auto changes = RunTask(ChangesSince(evaluation_->runs(), pool_, Ended(second->id)));
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 1U);
  EXPECT_EQ(changes->front().paired, 2U);
  EXPECT_LT(changes->front().difference.high, 0);
  EXPECT_FALSE(changes->front().fell());
}

TEST_F(Worker, EveryTargetAnswersEveryRowAndIsJudged) {
  AddModel("m/right")->Script().Text("The answer is 42").Usage(9, 4);
  AddModel("m/wrong")->Script().Text("41").Usage(9, 1);
  AddRows(3);
  EvalPlan plan;
  plan.targets = {"m/right", "m/wrong"};
  auto run = Begin(std::move(plan));
  ASSERT_TRUE(run.has_value()) << run.error().message();
  EXPECT_EQ(Ended(run->id).state, EvalState::kDone);
  auto cases = Cases(run->id);
  ASSERT_EQ(cases.size(), 6);
  for (const auto& c : cases) EXPECT_EQ(c.quality, c.target == 0 ? 1 : 0) << c.answer;
  EXPECT_EQ(cases[0].cost_picousd, 9 * 1'000'000 + 4 * 2'000'000);
  EXPECT_EQ(cases[0].input_tokens, 9);
  journal_->Flush().value();
  ASSERT_EQ(ledger_.size(), 6);
  EXPECT_EQ(ledger_[0].intent.tags.at("eval"), run->id);
  EXPECT_EQ(ledger_[0].intent.key.value, "k");
}

TEST_F(Worker, ARunThatIsTakenUpAgainRepeatsNothing) {
  auto model = AddModel("m/slow");
  fakes::Gate gate;
  model->Next().Text("42");
  model->Next().Text("42").Wait(gate);  // under way when the process ends
  model->Script().Text("42");
  AddRows(4);
  EvalPlan plan;
  plan.targets = {"m/slow"};
  plan.at_once = 1;
  auto run = Begin(std::move(plan));
  gate.AwaitArrival();
  Close();
  Open();
  EXPECT_EQ(Ended(run->id).state, EvalState::kDone);
  EXPECT_EQ(Cases(run->id).size(), 4);
  EXPECT_EQ(model->calls(), 5) << "only the one under way is asked again";
}

TEST_F(Worker, AnAnswerThatFailsIsACaseWithoutQuality) {
  AddModel("m/broken")->Script().Refuse(InvalidArgument("messages", "too odd"));
  AddRows(1);
  EvalPlan plan;
  plan.targets = {"m/broken"};
  auto run = Begin(std::move(plan));
  Ended(run->id);
  auto cases = Cases(run->id);
  EXPECT_THAT(cases.at(0).error, HasSubstr("too odd"));
  EXPECT_EQ(cases.at(0).quality, 0);
}

TEST_F(Worker, ARowGoesToNobodyWhoIsNotClearedForItsLabels) {
  auto model = AddModel("m/a");
  AddRows(1, {}, {"secret"});
  EvalPlan plan;
  plan.targets = {"m/a"};
  auto run = Begin(std::move(plan));
  Ended(run->id);
  EXPECT_THAT(Cases(run->id).at(0).error, HasSubstr("secret"));
  EXPECT_EQ(model->calls(), 0);
}

TEST_F(Worker, WhatTheRequestForbadeItsRunMayNotDo) {
  auto model = AddModel("m/far");
  model->MutableInfo().region = "us-east";
  AddRows(1);
  regions_ = {"eu-central"};
  EvalPlan plan;
  plan.targets = {"m/far"};
  auto run = Begin(std::move(plan));
  ASSERT_TRUE(run.has_value()) << run.error().message();
  EXPECT_EQ(Ended(run->id).constraints.regions, regions_) << "kept with the run";
  ASSERT_EQ(Cases(run->id).size(), 1U);
  EXPECT_THAT(Cases(run->id)[0].error, testing::HasSubstr("us-east"));
  EXPECT_EQ(model->calls(), 0);
}

TEST_F(Worker, AModelJudgesAnswersAndThoseThatPeopleJudged) {
  AddModel("m/a")->Script().Text("fourty-two").Usage(9, 4);
  auto judge = AddModel("m/judge");
  judge->Script().Text(R"({"reason":"a typo","score":4})").Usage(100, 10);
  AddRows(2, {{.answer = "42", .score = 1}});
  EvalPlan plan;
  plan.targets = {"m/a"};
  plan.judges = {*ParseJudge("model:m/judge"), *ParseJudge("exact")};
  auto run = Begin(std::move(plan));
  Ended(run->id);
  auto cases = Cases(run->id);
  ASSERT_EQ(cases.size(), 2);
  EXPECT_EQ(cases[0].quality, 0.75);
  EXPECT_EQ(cases[0].scores[1], 0);
  EXPECT_EQ(cases[0].reasons[0], "a typo");
  EXPECT_EQ(cases[0].judge_picousd, 100 * 1'000'000 + 10 * 2'000'000);
  auto checks = RunTask(evaluation_->runs().Checks(run->id));
  ASSERT_EQ(checks->size(), 2);
  EXPECT_EQ(checks->at(0).model, 0.75);
  EXPECT_EQ(judge->calls(), 4);
}

TEST_F(Worker, ARunThatThrowsHasFailedAndTheNextOneRuns) {
  ExpectErrors errors;
  auto buggy = AddModel("m/buggy");
  buggy->Script().Throw("slipped");
  AddModel("m/right")->Script().Text("42").Usage(9, 4);
  AddRows(20);
  EvalPlan plan;
  plan.targets = {"m/buggy"};
  plan.at_once = 2;
  // More than loops: all of them still run.
  for (std::size_t i = 0; i <= EvalWorker::kRunsAtOnce; ++i) {
    auto run = Begin(plan);
    ASSERT_TRUE(run.has_value());
    const auto ended = Ended(run->id);
    EXPECT_EQ(ended.state, EvalState::kFailed);
    EXPECT_THAT(ended.error, HasSubstr("internal error"));
  }
  EXPECT_LE(buggy->calls(), 2 * (static_cast<int>(EvalWorker::kRunsAtOnce) + 1))
      << "one bug ends the run";
  plan.targets = {"m/right"};
  auto run = Begin(plan);
  EXPECT_EQ(Ended(run->id).state, EvalState::kDone);
  evaluation_->worker().Stop();
}

TEST_F(Worker, NoCaseBeginsOnceTheMoneyIsSpent) {
  auto model = AddModel("m/dear");
  model->Script().Text("42").Usage(1'000'000, 0);  // one dollar
  AddRows(20);
  EvalPlan plan;
  plan.targets = {"m/dear"};
  plan.at_once = 1;
  plan.usd_max = 2.5;
  auto run = Begin(std::move(plan));
  EXPECT_EQ(Ended(run->id).state, EvalState::kOutOfMoney);
  EXPECT_EQ(model->calls(), 3);
}

TEST_F(Worker, ACancelledRunKeepsWhatItHas) {
  auto model = AddModel("m/slow");
  fakes::Gate gate;
  model->Next().Text("42").Wait(gate);
  model->Script().Text("42");
  AddRows(50);
  EvalPlan plan;
  plan.targets = {"m/slow"};
  plan.at_once = 1;
  auto run = Begin(std::move(plan));
  gate.AwaitArrival();
  ASSERT_TRUE(RunTask(evaluation_->worker().Cancel(run->id, workspace_)).has_value());
  gate.Open();
  EXPECT_EQ(Ended(run->id).state, EvalState::kCancelled);
  EXPECT_LT(Cases(run->id).size(), 50);
  EXPECT_EQ(RunTask(evaluation_->worker().Cancel(run->id, workspace_)).error().code(),
            Code::kConflict);
}

TEST_F(Worker, APlanThatCannotBeRunIsRefusedAtOnce) {
  AddModel("m/a");
  AddRows(1);
  auto problem = [&](EvalPlan plan) { return Begin(std::move(plan)).error().message(); };
  EvalPlan plan;
  EXPECT_THAT(problem(plan), HasSubstr("targets"));
  plan.targets = {"m/b"};
  EXPECT_THAT(problem(plan), HasSubstr("m/b"));
  plan.targets = {"m/a", "m/a"};
  EXPECT_THAT(problem(plan), HasSubstr("twice"));
  plan.targets = {"m/a"};
  plan.judges = {*ParseJudge("model:m/b")};
  EXPECT_THAT(problem(plan), HasSubstr("m/b"));
  plan.judges = {*ParseJudge("exact")};
  plan.version = 7;
  EXPECT_THAT(problem(plan), HasSubstr("sums:7"));
}

TEST_F(Worker, APromptThatDoesNotFitIsACaseAndOneThatIsNotThereNoRun) {
  Close();
  jobs_ = *store::JobQueue::Open(folder_ / "jobs.db");
  evaluation_ = *Evaluation::Open(folder_ / "eval.db");
  auto as_prompt = [](domain::ChatRequest& request, const EvalRow& row,
                      const WorkspaceId&) -> Result<> {
    if (request.model == "m/gone") return Fail(NotFound("prompt", "gone"));
    if (!row.variables.contains("tone")) return Fail(InvalidArgument("variables", "no tone"));
    request.temperature = 0.5;
    return {};
  };
  evaluation_->MakeWorker(*jobs_,
                          {.chat = chat_,
                           .trace_sinks = sinks_,
                           .registry = registry_,
                           .keys = *keys_,
                           .embedder = nullptr,
                           .pool = pool_,
                           .settings = [] { return CallSettings(); },
                           .as_prompt = as_prompt},
                          std::chrono::milliseconds(0));
  runtime_ = std::make_unique<net::Runtime>(1);
  evaluation_->worker().Start(*runtime_);
  auto model = AddModel("m/prompt");
  AddModel("m/gone");
  model->Script().Text("42").Usage(9, 4);
  AddRows(1);
  EvalPlan gone;
  gone.targets = {"m/prompt", "m/gone"};
  EXPECT_EQ(Begin(std::move(gone)).error().code(), Code::kNotFound);
  EvalPlan plan;
  plan.targets = {"m/prompt"};
  auto run = Begin(plan);
  ASSERT_TRUE(run.has_value()) << run.error().message();
  EXPECT_EQ(Ended(run->id).state, EvalState::kDone);
  EXPECT_THAT(Cases(run->id).at(0).error, HasSubstr("no tone"));
  EXPECT_EQ(model->calls(), 0);
  job::AddRows add;
  add.set = "sums";
  add.rows.push_back(*ParseEvalRow(
      R"({"id":"r0","question":"6 x 7 = ?","expected":"42","variables":{"tone":"brief"}})"));
  ASSERT_TRUE(RunTask(evaluation_->sets().Add(std::move(add), workspace_)).has_value());
  auto again = Begin(plan);
  EXPECT_EQ(Ended(again->id).state, EvalState::kDone);
  EXPECT_EQ(Cases(again->id).at(0).quality, 1);
  EXPECT_EQ(model->requests().back().temperature, 0.5);
}

TEST_F(Worker, APersonsRowsAndAnswersAreErasedAndTheirsAlone) {
  AddModel("m/right")->Script().Text("42").Usage(9, 4);
  job::AddRows add;
  add.set = "sums";
  for (const char* subject : {"ada", "bob"}) {
    EvalRow row;
    row.id = subject;
    row.subject = subject;
    row.messages.push_back({.role = EvalMessage::Role::kUser, .text = "6 x 7 = ?"});
    row.expected = {"42"};
    add.rows.push_back(std::move(row));
  }
  ASSERT_TRUE(RunTask(evaluation_->sets().Add(std::move(add), workspace_)).has_value());
  EvalPlan plan;
  plan.targets = {"m/right"};
  auto run = Begin(std::move(plan));
  EXPECT_EQ(Ended(run->id).state, EvalState::kDone);
  EXPECT_EQ(RunTask(evaluation_->EraseSubject("ada", {"other"}))->set_rows, 0);
  auto erased = RunTask(evaluation_->EraseSubject("ada", workspace_));
  ASSERT_TRUE(erased.has_value()) << erased.error().message();
  EXPECT_EQ(erased->set_rows, 1);
  EXPECT_EQ(erased->cases, 1);
  auto cases = Cases(run->id);
  ASSERT_EQ(cases.size(), 1);
  EXPECT_EQ(cases[0].row, "bob");
  auto set = RunTask(evaluation_->sets().Get("sums", workspace_));
  EXPECT_EQ(set->rows, 1);
  EXPECT_EQ(set->versions.at(0).rows, 1);
}

}  // namespace
}  // namespace strata::job
