// Routers in meta.db: versions, roll-back, what is refused; and YAML as JSON.

#include "server/routers/router_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/rng.h"
#include "base/run_task.h"
#include "guard/model_access.h"
#include "server/routers/dry_run.h"
#include "server/routers/yaml_json.h"
#include "store/testing.h"

namespace strata::server {
namespace {

using testing::HasSubstr;

std::shared_ptr<const vector::StaticEmbedder> Embedder(const std::string& path) {
  vector::StaticRecipe recipe;
  recipe.teacher = "teacher";
  recipe.vocabulary = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "is", "of", "what"};
  recipe.teacher_dimensions = 8;
  recipe.dimensions = 4;
  Rng rng(1);
  recipe.token_vectors.resize(recipe.vocabulary.size() * 8);
  for (float& x : recipe.token_vectors) x = static_cast<float>(rng.Gaussian());
  EXPECT_TRUE(vector::DistillStaticEmbedder(recipe, path).has_value());
  return *vector::StaticEmbedder::Open(path);
}

class Routers : public testing::Test {
 protected:
  void SetUp() override {
    file_ = *store::SqlFile::Open(folder_ / "meta.db", {});
    embedder_ = Embedder(folder_ / "e.bin");
    Open();
  }
  void Open() { store_ = std::move(*RouterStore::Open(*file_, embedder_)); }

  Result<StoredRouter> Put(const std::string& name, const std::string& definition,
                           const std::string& workspace = "default") {
    PutRouter put;
    put.name = name;
    put.definition = definition;
    return RunTask(store_->Put(std::move(put), WorkspaceId{workspace}, pool_));
  }

  store::TempFolder folder_;
  Pool pool_{"test", 1, 16};
  std::unique_ptr<store::SqlFile> file_;
  std::shared_ptr<const vector::StaticEmbedder> embedder_;
  std::unique_ptr<RouterStore> store_;
  const WorkspaceId default_{"default"};
};

constexpr const char* kOne = "candidates: [a, b]  # the strong one first\n";
constexpr const char* kTwo = "candidates: [b]\nrules:\n  - {when: {needs: tools}, use: b}\n";

TEST_F(Routers, EveryPutIsAVersionAndEachCanBeNamed) {
  ASSERT_EQ(Put("mix", kOne)->current, 1);
  auto second = Put("mix", kTwo);
  ASSERT_TRUE(second.has_value()) << second.error().message();
  EXPECT_EQ(second->current, 2);
  EXPECT_EQ(second->Find(1)->definition, kOne);
  EXPECT_EQ((*store_->Find("mix", default_))->version(), "router/mix:2");
  EXPECT_EQ((*store_->Find("mix:1", default_))->version(), "router/mix:1");
  EXPECT_EQ((*store_->Find(second->id, default_))->name(), "mix");
  EXPECT_EQ((*store_->Find(second->Arn(), default_))->name(), "mix");
  EXPECT_EQ(store_->Find("mix:3", default_).error().code(), Code::kNotFound);
  EXPECT_EQ(store_->Find("mix:x", default_).error().code(), Code::kNotFound);
}

TEST_F(Routers, AnAllowListMeansEveryFormOfARouter) {
  auto mix = *Put("mix", kOne);
  Put("mix", kTwo);
  auto other = *Put("other", kOne);
  auto foreign = *Put("mix", kOne, "elsewhere");
  auto may = [&](std::string entry, const std::string& model) {
    RequestContext ctx;
    ctx.models_allowed = {std::move(entry), "openai/*"};
    store_->AddForms(ctx.models_allowed, default_);
    return guard::CheckModelAllowed(model, ctx).has_value();
  };
  const auto by_id = "router/" + mix.id;
  for (const auto& entry :
       {std::string("router/mix"), by_id, mix.Arn(), std::string("router/mi*")}) {
    for (const auto& model :
         {std::string("router/mix"), std::string("router/mix:1"), by_id, by_id + ":2"}) {
      EXPECT_TRUE(may(entry, model)) << entry << " and " << model;
    }
    for (const auto& model :
         {std::string("router/other"), "router/" + other.id, "router/" + foreign.id}) {
      EXPECT_FALSE(may(entry, model)) << entry << " and " << model;
    }
  }
  EXPECT_FALSE(may("router/mix", "router/mixture"));
  EXPECT_TRUE(may("router/mix:1", by_id + ":1"));
  EXPECT_TRUE(may(by_id + ":1", "router/mix:1"));
  EXPECT_FALSE(may("router/mix:1", "router/mix"));
  EXPECT_FALSE(may("router/mix:1", by_id + ":2"));
  EXPECT_FALSE(may("openai/*", "router/mix"));
  // A pattern speaks of names: an id that begins alike is no way in.
  EXPECT_FALSE(may("router/" + other.id.substr(0, 6) + "*", "router/" + other.id));
  EXPECT_FALSE(may("router/none*", "router/mix"));
  EXPECT_FALSE(may("router/none*", "anything/else"));
  EXPECT_TRUE(may("router/*", "router/" + other.id + ":1"));
}

TEST_F(Routers, ARollBackSurvivesARestart) {
  Put("mix", kOne);
  Put("mix", kTwo);
  EXPECT_EQ(RunTask(store_->Roll("mix", 1, default_))->current, 1);
  EXPECT_EQ(RunTask(store_->Roll("mix", 9, default_)).error().code(), Code::kNotFound);
  Open();
  EXPECT_EQ((*store_->Find("mix", default_))->version(), "router/mix:1");
  EXPECT_EQ(Put("mix", kOne)->current, 3);  // numbers are never used twice
}

TEST_F(Routers, WorkspacesDoNotSeeEachOthers) {
  Put("mix", kOne);
  EXPECT_EQ(Put("mix", kTwo, "other")->current, 1);
  EXPECT_EQ(store_->Get("mix", default_)->Current().definition, kOne);
  EXPECT_FALSE(RunTask(store_->Delete("nix", default_)).has_value());
  EXPECT_TRUE(RunTask(store_->Delete("mix", default_)).has_value());
  EXPECT_FALSE(store_->Find("mix", default_).has_value());
  EXPECT_TRUE(store_->Find("mix", WorkspaceId{"other"}).has_value());
  EXPECT_TRUE(store_->Has("mix"));
}

TEST_F(Routers, ATestSplitsTrafficByUnitAndPinsBothVersions) {
  Put("mix", kOne);
  Put("mix", kTwo);
  RouterTest test;
  test.b = 1;
  test.share = 0.25;
  auto started = RunTask(store_->StartTest("mix", test, default_));
  ASSERT_TRUE(started.has_value()) << started.error().message();
  EXPECT_EQ(started->Running()->a, 2) << "the one in force";
  Open();  // it outlives a restart
  std::size_t on_trial = 0;
  constexpr std::size_t kUsers = 4000;
  for (std::size_t i = 0; i < kUsers; ++i) {
    RequestContext ctx;
    ctx.subject = "user-" + std::to_string(i);
    auto first = *store_->Assign("mix", ctx);
    ctx.request_id = NewRequestId();
    EXPECT_EQ(store_->Assign("mix", ctx)->arm, first.arm) << "who has one keeps it";
    EXPECT_EQ(first.router->version(), first.arm == "b" ? "router/mix:1" : "router/mix:2");
    EXPECT_EQ(first.unit.size(), 16U);
    on_trial += first.arm == "b" ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(on_trial) / kUsers, 0.25, 0.03);
  RequestContext ctx;
  EXPECT_TRUE(store_->Assign("mix:2", ctx)->arm.empty()) << "a version is named outright";
  EXPECT_EQ(store_->Assign("mix:2", ctx)->router->version(), "router/mix:2");
}

TEST_F(Routers, WhileATestRunsNothingElseComesIntoForce) {
  Put("mix", kOne);
  Put("mix", kTwo);
  RouterTest test;
  test.b = 2;
  EXPECT_EQ(RunTask(store_->StartTest("mix", test, default_)).error().field(), "b")
      << "against itself";
  test.b = 7;
  EXPECT_EQ(RunTask(store_->StartTest("mix", test, default_)).error().code(), Code::kNotFound);
  test.b = 1;
  ASSERT_TRUE(RunTask(store_->StartTest("mix", test, default_)).has_value());
  EXPECT_EQ(RunTask(store_->StartTest("mix", test, default_)).error().code(), Code::kConflict);
  EXPECT_EQ(RunTask(store_->Roll("mix", 1, default_)).error().code(), Code::kConflict);
  auto third = Put("mix", kOne);
  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(third->current, 2) << "it is only kept";
  EXPECT_EQ(third->versions.back().number, 3);
  EXPECT_EQ(RunTask(store_->StopTest("mix", 3, default_)).error().field(), "keep");
  auto stopped = RunTask(store_->StopTest("mix", 1, default_));
  ASSERT_TRUE(stopped.has_value()) << stopped.error().message();
  EXPECT_EQ(stopped->current, 1);
  EXPECT_EQ(stopped->Running(), nullptr);
  EXPECT_TRUE(stopped->tests.front().ended);
  RequestContext ctx;
  ctx.subject = "somebody";
  EXPECT_TRUE(store_->Assign("mix", ctx)->test.empty());
  EXPECT_EQ(RunTask(store_->StopTest("mix", 0, default_)).error().code(), Code::kNotFound);
  EXPECT_TRUE(RunTask(store_->Roll("mix", 3, default_)).has_value());
  EXPECT_TRUE(RunTask(store_->Delete("mix", default_)).has_value());
}

TEST(RouterTestArms, TheUnitIsTheSessionTheUserOrTheKey) {
  RouterTest test;
  test.id = "t";
  RequestContext ctx;
  ctx.key = KeyId{"k"};
  auto by_key = test.Of(ctx).unit;
  ctx.subject = "u";
  auto by_user = test.Of(ctx).unit;
  ctx.session = "s";
  EXPECT_NE(test.Of(ctx).unit, by_user);
  EXPECT_NE(by_user, by_key);
  test.unit = TestUnit::kUser;
  EXPECT_EQ(test.Of(ctx).unit, by_user);
  test.unit = TestUnit::kKey;
  EXPECT_EQ(test.Of(ctx).unit, by_key);
  test.id = "another";
  EXPECT_NE(test.Of(ctx).unit, by_key) << "the units of one test are not those of the next";
}

TEST_F(Routers, WhatIsWrongIsRefusedWholeAndNamed) {
  auto wrong = Put("mix", "candidates: [a]\nrules: [{when: {taks: code}, use: a}]\n");
  EXPECT_THAT(wrong.error().field(), HasSubstr("rules[0].when.taks"));
  EXPECT_THAT(Put("mix", "candidates: [a\n").error().message(), HasSubstr("line "));
  EXPECT_FALSE(Put("a/b", kOne).has_value());
  EXPECT_TRUE(store_->List(default_).empty());
  PutRouter put;
  put.name = "mix";
  put.definition = kOne;
  put.learned = PutRouter::Learned::kReplace;
  put.learned_bytes = "not a router";
  auto broken = RunTask(store_->Put(std::move(put), default_, pool_));
  EXPECT_EQ(broken.error().code(), Code::kCorruption);
}

TEST(YamlJson, PlainScalarsHaveTheirTypesAndQuotedOnesAreTexts) {
  EXPECT_EQ(ParseYaml("{a: 1.5, b: '1.5', c: true, d: ~, e: [x, -2], f: 1e3, g: 1.2.3}")->Dump(),
            R"({"a":1.5,"b":"1.5","c":true,"d":null,"e":["x",-2],"f":1e3,"g":"1.2.3"})");
  EXPECT_EQ(ParseYaml(R"({"a": {"b": ["c"]}})")->Dump(), R"({"a":{"b":["c"]}})");
  EXPECT_THAT(ParseYaml("a: 1\na: 2").error().message(), HasSubstr("line 2"));
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'l'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) bomb += std::string("*") + static_cast<char>(c - 1) + ",";
    bomb += "]\n";
  }
  EXPECT_EQ(ParseYaml(bomb).error().code(), Code::kTooLarge);
}

TEST(DryRun, ReadsPromptsAndChatCompletions) {
  EXPECT_EQ(domain::LastUserText(DecodeSample(R"({"id":"1","prompt":"Hi","x":2})")->request), "Hi");
  auto chat = DecodeSample(R"({"model":"m","messages":[{"role":"user","content":"Ho"}]})");
  ASSERT_TRUE(chat.has_value()) << chat.error().message();
  EXPECT_EQ(chat->request.model, "m");
  EXPECT_EQ(domain::LastUserText(chat->request), "Ho");
  EXPECT_FALSE(DecodeSample(R"({"text":"Hi"})").has_value());
}

}  // namespace
}  // namespace strata::server
