// What a key may spend in a month, on a real ledger, journal and key store.

#include "gateway/key_budgets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/budget_error.h"
#include "base/run_task.h"
#include "gateway/meter.h"
#include "observe/ledger.h"
#include "store/testing.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::gateway {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kUsd = 1'000'000'000'000;

class KeyBudgets : public testing::Test {
 protected:
  KeyBudgets() {
    meta_ = std::move(*store::SqlFile::Open(folder_ / "meta.db", {}));
    ring_.emplace(std::move(*store::KeyRing::Load("", folder_ / "secrets")));
    keys_ = std::move(*store::KeyStore::Open(*meta_, *ring_, clock_));
    ledger_ = std::move(*observe::Ledger::Open(folder_ / "ledger.db"));
    auto sink = [this](std::span<const store::CallRow> rows) -> Result<> {
      spending_.Add(rows);
      return {};
    };
    store::JournalOptions options;
    options.folder = folder_ / "journal";
    journal_ = store::Journal::Open(options, sink).value();
    journal_->SetAdmission(MakeBudgetCheck(*keys_, spending_));
    model_ = std::make_shared<fakes::FakeChatModel>("a");
    model_->MutableInfo().price.input = kUsd;
    model_->MutableInfo().price.output = 0;
    ctx_.clock = &clock_;
  }

  void MakeKey(std::optional<domain::Money> budget) {
    store::CreateKey request;
    request.name = "app";
    request.grant.budget_month = budget;
    ctx_.key = RunTask(keys_->Create(std::move(request)))->key.id;
  }
  void LoadPast() { ASSERT_TRUE(RunTask(spending_.LoadPast(*ledger_)).has_value()); }

  // An answer to `tokens` tokens, a dollar each; the error of a call that was refused.
  std::optional<Error> Ask(std::int64_t tokens) {
    model_->Script().Text("yes").Usage(tokens, 1);
    domain::ChatRequest request;
    request.model = "a";
    request.messages.push_back({.role = domain::Role::kUser, .content = {}});
    request.messages.back().content.push_back(domain::TextBlock{.text = "hi", .citations = {}});
    auto metered = Metered(model_, *journal_);
    auto stream = RunTask(metered->Start(std::move(request), ctx_));
    if (!stream.has_value()) return std::move(stream.error());
    while (!std::holds_alternative<domain::StreamEnd>(*RunTask((*stream)->Next()))) {
    }
    EXPECT_TRUE(journal_->Flush().has_value());
    return std::nullopt;
  }

  store::TempFolder folder_;
  ManualClock clock_;
  observe::Spending spending_{clock_};
  std::unique_ptr<store::SqlFile> meta_;
  std::optional<store::KeyRing> ring_;
  std::unique_ptr<store::KeyStore> keys_;
  std::unique_ptr<observe::Ledger> ledger_;
  std::unique_ptr<store::Journal> journal_;
  std::shared_ptr<fakes::FakeChatModel> model_;
  RequestContext ctx_;
};

TEST_F(KeyBudgets, AKeyWithoutABudgetIsNotAskedWhatItSpent) {
  MakeKey(std::nullopt);
  EXPECT_FALSE(Ask(1000).has_value());
  EXPECT_FALSE(Ask(1000).has_value());
}

TEST_F(KeyBudgets, TheCallThatUsesItUpIsTheLastOfTheMonth) {
  MakeKey(domain::Money{3 * kUsd});
  LoadPast();
  EXPECT_FALSE(Ask(2).has_value());
  EXPECT_FALSE(Ask(2).has_value()) << "a dollar was left";
  const int before = model_->calls();
  auto refused = Ask(1);
  ASSERT_TRUE(refused.has_value());
  EXPECT_TRUE(IsBudgetUsedUp(*refused)) << refused->message();
  EXPECT_THAT(refused->message(), HasSubstr("'app' has spent $4.00 of the $3.00"));
  EXPECT_EQ(model_->calls(), before) << "the provider was not asked";
  ASSERT_TRUE(RunTask(keys_->SetBudget(ctx_.key, domain::Money{10 * kUsd})).has_value());
  EXPECT_FALSE(Ask(1).has_value()) << "raised";
  ASSERT_TRUE(RunTask(keys_->SetBudget(ctx_.key, domain::Money{kUsd})).has_value());
  EXPECT_TRUE(Ask(1).has_value());
  clock_.Advance(std::chrono::hours(24 * 31));
  EXPECT_FALSE(Ask(1).has_value()) << "another month";
}

TEST_F(KeyBudgets, WhatCostsNothingIsServedWithoutMoney) {
  MakeKey(domain::Money{0});
  LoadPast();
  EXPECT_TRUE(Ask(1).has_value());
  model_->MutableInfo().price.input = 0;
  EXPECT_FALSE(Ask(1).has_value());
  model_->MutableInfo().price = {};
  EXPECT_TRUE(Ask(1).has_value()) << "an unknown price may be any";
}

TEST_F(KeyBudgets, WhatAnEarlierRunSpentCountsAndUntilItIsKnownNobodySpends) {
  MakeKey(domain::Money{3 * kUsd});
  store::CallRow past;
  past.intent.request_id = {"past"};
  past.intent.time = clock_.Wall() - std::chrono::minutes(1);
  past.intent.workspace = ctx_.workspace;
  past.intent.key = ctx_.key;
  past.outcome.status = store::CallStatus::kOk;
  past.outcome.cost = domain::Money{3 * kUsd};
  ASSERT_TRUE(ledger_->Append(std::vector{past}).has_value());
  auto early = Ask(1);
  ASSERT_TRUE(early.has_value());
  EXPECT_EQ(early->code(), Code::kUnavailable);
  EXPECT_TRUE(early->retry_after().has_value());
  LoadPast();
  EXPECT_TRUE(IsBudgetUsedUp(*Ask(1)));
}

}  // namespace
}  // namespace strata::gateway
