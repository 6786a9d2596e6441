// Hooks: what they are sent, and that nothing but their yes is a yes.

#include "gateway/check_hooks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/json_value.h"
#include "guard/only_providers.h"
#include "net/runtime.h"
#include "net/test_support.h"

namespace strata::gateway {
namespace {

using testing::HasSubstr;

domain::ChatResponse Answer(std::string text) {
  domain::ChatResponse answer;
  answer.content.emplace_back(domain::TextBlock{.text = std::move(text), .citations = {}});
  answer.content.emplace_back(
      domain::ToolUseBlock{.id = "t", .name = "look", .input = {R"({"at": 1})"}});
  answer.content.emplace_back(domain::ToolUseBlock{.id = "u", .name = "broken", .input = {"{"}});
  return answer;
}

class Hooks : public testing::Test {
 protected:
  void SetUp() override {
    server_ =
        net::testing::StartServer([this](net::HttpRequest& request, net::ResponseWriter& writer,
                                         std::stop_token gone) -> Task<void> {
          asked_.push_back(request);
          if (silent_) [[maybe_unused]]
            auto waited = co_await net::Sleep(std::chrono::minutes(1), gone);
          auto body = reply_;
          [[maybe_unused]] auto sent = co_await writer.Send(status_, {}, std::move(body));
        });
    spec_.name = "facts";
    spec_.url = "http://" + server_->addresses()[0] + "/check?v=1";
    spec_.region = "eu";
    ctx_.request_id = {"r-1"};
  }
  void TearDown() override { server_->Stop(std::chrono::milliseconds(0)); }

  CheckHook::Verdict Ask() {
    auto secrets = provider::ReadSecretsFrom(
        [](std::string_view name) { return name == "TOKEN" ? "hush" : ""; });
    auto hook = CheckHook::Make(spec_, secrets).value();
    const CheckHook::Question question{
        .router = "router/mix:1", .model = "cheap", .question = "How many?", .answer = answer_};
    return net::Runtime().Run(hook->Ask(*client_, question, ctx_));
  }

  std::vector<net::HttpRequest> asked_;
  int status_ = 200;
  std::string reply_ = R"({"pass": true, "reason": "in the book", "score": 1})";
  bool silent_ = false;
  std::unique_ptr<net::Server> server_;
  std::shared_ptr<net::Client> client_ = net::Client::Create(net::testing::MakeOptions());
  HookSpec spec_;
  domain::ChatResponse answer_ = Answer("Twelve \"apples\"");
  RequestContext ctx_;
};

TEST_F(Hooks, GetsTheAnswerAndWhoGaveIt) {
  spec_.secret = "env:TOKEN";
  auto verdict = Ask();
  EXPECT_TRUE(verdict.passes) << verdict.why.whole();
  EXPECT_EQ(verdict.why.whole(), "hook facts: it passes");
  EXPECT_EQ(verdict.reason, "in the book");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].method, "POST");
  EXPECT_EQ(asked_[0].target, "/check?v=1");
  EXPECT_EQ(asked_[0].headers.Get("authorization"), "Bearer hush");
  auto tree = dialect::ParseJson(asked_[0].body);
  ASSERT_TRUE(tree.has_value()) << asked_[0].body;
  std::string text;
  tree->AppendTo(text);
  EXPECT_EQ(text,
            R"({"router":"router/mix:1","request_id":"r-1","model":"cheap","question":"How many?",)"
            R"("answer":{"text":"Twelve \"apples\"","tool_calls":[{"name":"look","arguments":)"
            R"({"at":1}},{"name":"broken","arguments":"{"}]}})");
}

TEST_F(Hooks, WhatIsNotAYesIsNoPass) {
  reply_ = R"({"pass": false, "reason": "nobody knows"})";
  auto no = Ask();
  EXPECT_FALSE(no.passes);
  EXPECT_EQ(no.why.whole(), "hook facts: it does not pass");
  EXPECT_EQ(no.reason, "nobody knows");
  for (std::string wrong : {R"({"pass": "true"})", R"({"passed": true})", "true", "", "[",
                            R"({"pass": true, "reason": 7})"}) {
    reply_ = wrong;
    auto verdict = Ask();
    EXPECT_FALSE(verdict.passes) << wrong;
    EXPECT_THAT(verdict.why.whole(), HasSubstr("it gave no verdict")) << wrong;
  }
  reply_ = R"({"pass": true, "reason": ")" + std::string(70'000, 'x') + "\"}";
  EXPECT_FALSE(Ask().passes) << "longer than may be read";
  reply_ = R"({"pass": true})";
  status_ = 302;
  EXPECT_EQ(Ask().why.whole(), "hook facts: it answered with status 302");
}

TEST_F(Hooks, OneThatCannotBeReachedOrIsSilentIsNoPass) {
  silent_ = true;
  spec_.timeout = std::chrono::milliseconds(30);
  auto late = Ask();
  EXPECT_FALSE(late.passes);
  EXPECT_THAT(late.why.whole(), HasSubstr("hook facts: "));
  server_->Stop(std::chrono::milliseconds(0));
  auto gone = Ask();
  EXPECT_FALSE(gone.passes);
  answer_ = Answer(std::string(2 << 20, 'x'));
  EXPECT_THAT(Ask().why.whole(), HasSubstr("the answer is larger than"));
}

TEST_F(Hooks, NothingIsSentWhereItMayNotGo) {
  ctx_.regions_allowed = {"us"};
  EXPECT_THAT(Ask().why.whole(), HasSubstr("may only use regions us; hook/facts runs in eu"));
  ctx_.regions_allowed = {"eu"};
  EXPECT_TRUE(Ask().passes);
  ctx_.retention_max = Retention();
  EXPECT_THAT(Ask().why.whole(), HasSubstr("retention"));
  ctx_.retention_max.reset();
  ctx_.labels.Add("pii");
  EXPECT_THAT(Ask().why.whole(), HasSubstr("label 'pii' forbids hook/facts"));
  spec_.clearance.Add("pii");
  EXPECT_TRUE(Ask().passes);
  spec_.cleared_for_all_labels = true;
  ctx_.labels.Add(guard::OnlyProviders({"up"}));
  EXPECT_FALSE(Ask().passes);
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(Hooks, TheReasonIsInTheTraceWhereTextsMayBe) {
  for (bool capture : {true, false}) {
    auto trace =
        std::make_shared<Trace>("t", SystemClock(), capture ? Texts::kKept : Texts::kDropped);
    ctx_.span = Span(trace, "root");
    Ask();
    int reasons = 0;
    for (const auto& span : trace->TakeEnded()) {
      for (const auto& field : span.fields) reasons += field.first == "hook_reason" ? 1 : 0;
    }
    EXPECT_EQ(reasons, capture ? 1 : 0);
  }
}

TEST(HookSpec, WhatIsWrongIsNamed) {
  HookSpec spec;
  spec.name = "A b";
  spec.url = "ftp://x";
  spec.timeout = std::chrono::milliseconds(0);
  std::string fields;
  for (const auto& error : HookProblems(spec)) fields += error.field() + " ";
  EXPECT_EQ(fields, "name url timeout_ms ");
  spec = {.name = "a",
          .url = "https://x/y",
          .secret = "env:NO_SUCH_THING",
          .region = {},
          .clearance = {},
          .retention = {}};
  EXPECT_TRUE(HookProblems(spec).empty());
  auto made =
      MakeCheckHooks({spec}, provider::ReadSecretsFrom([](std::string_view) { return ""; }));
  EXPECT_THAT(made.error().message(), HasSubstr("hook a"));
}

}  // namespace
}  // namespace strata::gateway
