// Routers as models: plans of one and of several steps, on scripted models and a real journal.

#include "gateway/routed_models.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>

#include "dialect/json_value.h"
#include "gateway/chat_service.h"
#include "gateway/meter.h"
#include "guard/word_policy.h"
#include "net/runtime.h"
#include "net/test_support.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::gateway {
namespace {

using testing::HasSubstr;

class Written final : public AnswerSink {
 public:
  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    model_id = model.id;
    co_return Result<>{};
  }
  Task<Result<>> Event(const domain::StreamEvent& event) override {
    answer.Add(event);
    co_return Result<>{};
  }
  Task<void> Fail(const Error& e) override {
    error = e;
    co_return;
  }
  std::string text() const { return domain::TextOf(answer.response().content); }

  std::string model_id;
  domain::StreamAccumulator answer;
  std::optional<Error> error;
};

// One router, whose definition a test sets.
class Book final : public RouterBook {
 public:
  Result<std::shared_ptr<const route::PolicyRouter>> Find(std::string_view,
                                                          const WorkspaceId&) const override {
    return router;
  }
  bool Has(std::string_view name) const override { return name == "mix"; }
  std::vector<std::string> Names() const override { return {"mix"}; }

  std::shared_ptr<const route::PolicyRouter> router;
};

class RoutedModels : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "strata-routed-" + NewRequestId().value;
    std::filesystem::create_directories(folder_);
    auto sink = [this](std::span<const store::CallRow> rows) -> Result<> {
      std::lock_guard lock(mutex_);
      rows_.insert(rows_.end(), rows.begin(), rows.end());
      return {};
    };
    store::JournalOptions options;
    options.folder = folder_;
    options.segment_bytes = 64 << 10;
    journal_ = store::Journal::Open(options, sink).value();
    strong = Add("strong", 100);
    middle = Add("middle", 10);
    cheap = Add("cheap", 1);
    EXPECT_TRUE(registry_
                    .Update([&](provider::RegistrySnapshot& models) -> Result<> {
                      STRATA_CHECK_OK(models.AddSource(
                          MakeRouterSource({.book = book_,
                                            .registry = registry_,
                                            .embedder = nullptr,
                                            .memory = memory_,
                                            .guardrails = [this] { return settling_; },
                                            .hooks = [this] { return hooks_; },
                                            .client = client_.get()})));
                      return models.AddAlias("auto", "router/mix");
                    })
                    .has_value());
  }
  void TearDown() override {
    journal_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::shared_ptr<fakes::FakeChatModel> Add(const std::string& id, std::int64_t price) {
    auto model = std::make_shared<fakes::FakeChatModel>(id);
    model->MutableInfo().price.input = price;
    model->MutableInfo().price.output = price;
    model->MutableInfo().can = {.chat = true, .json_schema = true};
    model->Script().Usage(100, 10);
    EXPECT_TRUE(registry_
                    .Update([&](provider::RegistrySnapshot& models) {
                      return models.AddChat(Metered(model, *journal_), WallTime{});
                    })
                    .has_value());
    return model;
  }

  void Define(std::string_view json) {
    auto tree = dialect::ParseJson(json);
    auto definition = route::DecodeDefinition(*tree);
    ASSERT_TRUE(definition.has_value()) << definition.error().message();
    book_.router = *route::PolicyRouter::Make({.name = "mix",
                                               .version = "router/mix:1",
                                               .definition = std::move(*definition),
                                               .learned = nullptr});
  }

  void Ask(Written& sink, domain::ChatRequest request) {
    ctx_ = RequestContext();
    ctx_.request_id = NewRequestId();
    ctx_.cancel = stop_.get_token();
    net::Runtime runtime;
    runtime.Run(ChatService(registry_, guardrails_).Run(std::move(request), ctx_, sink));
  }
  static domain::ChatRequest Request(std::string model = "router/mix") {
    domain::ChatRequest request;
    request.model = std::move(model);
    request.messages.push_back({.role = domain::Role::kUser, .content = {}});
    request.messages.back().content.push_back(
        domain::TextBlock{.text = "How many?", .citations = {}});
    return request;
  }

  std::vector<store::CallRow> Rows() {
    EXPECT_TRUE(journal_->Flush().has_value());
    std::lock_guard lock(mutex_);
    return rows_;
  }
  static const store::CallRow& RowOf(const std::vector<store::CallRow>& rows,
                                     std::string_view model) {
    return *std::ranges::find_if(rows, [&](const auto& r) { return r.intent.model == model; });
  }

  std::string folder_;
  std::mutex mutex_;
  std::vector<store::CallRow> rows_;
  std::unique_ptr<store::Journal> journal_;
  Book book_;
  RouterMemory memory_;
  provider::Registry registry_;
  std::shared_ptr<const guard::Guardrails> settling_;  // by which a cascade judges answers
  std::shared_ptr<const CheckHooks> hooks_;
  std::shared_ptr<net::Client> client_ = net::Client::Create(net::testing::MakeOptions());
  std::shared_ptr<fakes::FakeChatModel> strong, middle, cheap;
  guard::GuardrailsNow guardrails_;
  std::stop_source stop_;
  RequestContext ctx_;
};

constexpr std::string_view kCascade =
    R"({"candidates": ["strong", "middle", "cheap"], "cascade": {"ask": ["middle", "cheap"]}})";

TEST_F(RoutedModels, TheRowPinsTheVersionTheRoleAndTheComparison) {
  Define(R"({"candidates": ["strong", "cheap"], "objective": "cheapest"})");
  cheap->Script().Text("hi");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "hi");
  EXPECT_EQ(sink.model_id, "cheap");
  EXPECT_EQ(ctx_.answered_by, "cheap");
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome.decided_by.router, "router/mix:1");
  EXPECT_EQ(rows[0].intent.role, "answer");
  EXPECT_EQ(rows[0].intent.model_asked, "router/mix");
  EXPECT_EQ(rows[0].outcome.always_strong, domain::Money{11'000});
  EXPECT_EQ(rows[0].outcome.always_cheap, domain::Money{110});
  EXPECT_EQ(rows[0].outcome.cost, domain::Money{110});
}

TEST_F(RoutedModels, AnAliasNamesIt) {
  Define(R"({"candidates": ["strong"]})");
  Written sink;
  Ask(sink, Request("auto"));
  EXPECT_EQ(sink.model_id, "strong");
  Written unknown;
  Ask(unknown, Request("router/mux"));
  EXPECT_THAT(unknown.error->message(), HasSubstr("router/mix"));
}

TEST_F(RoutedModels, TwoThatAgreeAnswerWithoutTheStrongOne) {
  Define(kCascade);
  middle->Script().Text("The answer is 1,200");
  cheap->Script().Text("1200");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "The answer is 1,200");
  EXPECT_EQ(sink.model_id, "middle");
  EXPECT_EQ(strong->calls(), 0);
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_NE(rows[0].intent.call_number, rows[1].intent.call_number);
  for (const auto& row : rows) EXPECT_EQ(row.intent.role, "ask");
  EXPECT_EQ(RowOf(rows, "middle").outcome.always_strong, domain::Money{11'000});
  EXPECT_EQ(RowOf(rows, "cheap").outcome.always_strong, std::nullopt);
  EXPECT_EQ(ctx_.spent_picousd, 1'210);
}

TEST_F(RoutedModels, TwoThatDifferEscalateAndAllCallsArePaid) {
  Define(kCascade);
  middle->Script().Text("12");
  cheap->Script().Text("13");
  strong->Script().Text("14");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "14");
  EXPECT_EQ(sink.model_id, "strong");
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 3U);
  const auto& last = RowOf(rows, "strong");
  EXPECT_EQ(last.intent.role, "escalate");
  EXPECT_GT(last.intent.call_number, RowOf(rows, "cheap").intent.call_number);
  EXPECT_EQ(ctx_.spent_picousd, 12'210);
  EXPECT_THAT(ctx_.route, HasSubstr("their answers differ"));
}

guard::GuardrailsNow Denying(const std::string& word) {
  auto policy = guard::MakeWordPolicy({.name = "w", .words = {word}}).value();
  auto all = std::make_shared<const guard::Guardrails>(std::vector{std::move(policy)});
  return [all] { return all; };
}

TEST_F(RoutedModels, TheAnswerThatStandsIsInTheLedgerAsBlockedWhereItIs) {
  using store::CallStatus;
  Define(kCascade);
  guardrails_ = Denying("kestrel");
  middle->Script().Text("A kestrel it is");
  cheap->Script().Text("a kestrel it is");
  Written sink;
  Ask(sink, Request());
  ASSERT_TRUE(sink.error.has_value());
  EXPECT_EQ(sink.error->code(), Code::kBlocked);
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(RowOf(rows, "middle").outcome.status, CallStatus::kBlocked);
  EXPECT_EQ(RowOf(rows, "middle").outcome.usage.output_tokens, 10) << "it was paid for";
  EXPECT_EQ(RowOf(rows, "cheap").outcome.status, CallStatus::kOk) << "nobody was to get it";
  EXPECT_EQ(ctx_.spent_picousd, 1'210);
}

TEST_F(RoutedModels, AnswersThatPassTheirGuardrailsAreInTheLedgerOnce) {
  using store::CallStatus;
  Define(kCascade);
  guardrails_ = Denying("kestrel");
  middle->Script().Text("12");
  cheap->Script().Text("12");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "12");
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 2U);
  for (const auto& row : rows) EXPECT_EQ(row.outcome.status, CallStatus::kOk);
  EXPECT_EQ(ctx_.spent_picousd, 1'210);
  // The escalation is judged, and what differed was whole.
  cheap->Next().Text("13").Usage(100, 10);
  strong->Script().Text("a kestrel");
  Written escalated;
  Ask(escalated, Request());
  EXPECT_EQ(escalated.error->code(), Code::kBlocked);
  rows = Rows();
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(RowOf(rows, "strong").outcome.status, CallStatus::kBlocked);
  EXPECT_GT(ctx_.spent_picousd, 1'210) << "and what was written of it is paid for";
}

TEST_F(RoutedModels, AThirdModelBreaksTheTie) {
  Define(R"({"candidates": ["strong", "middle", "cheap", "third"],
             "cascade": {"ask": ["middle", "cheap"], "tie_break": "third"}})");
  auto third = Add("third", 2);
  middle->Script().Text("12");
  cheap->Script().Text("13");
  third->Script().Text("13");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "13");
  EXPECT_EQ(sink.model_id, "cheap");
  EXPECT_EQ(strong->calls(), 0);
  EXPECT_EQ(RowOf(Rows(), "third").intent.role, "tie_break");
}

TEST_F(RoutedModels, OneModelThatSaysTheSameTwiceIsBelieved) {
  Define(R"({"candidates": ["strong", "cheap"], "cascade": {"ask": ["cheap", "cheap"]}})");
  strong->Script().Text("14");
  cheap->Next().Text("12");
  cheap->Next().Text("The answer is 12");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.model_id, "cheap");
  ASSERT_EQ(cheap->requests().size(), 2U);
  EXPECT_FALSE(cheap->requests()[0].temperature && cheap->requests()[1].temperature)
      << "one as the caller asked";
  EXPECT_EQ(
      cheap->requests()[0].temperature.value_or(0) + cheap->requests()[1].temperature.value_or(0),
      0.7)
      << "and one that may differ";
  cheap->Next().Text("12");
  cheap->Next().Text("13");
  Written differs;
  Ask(differs, Request());
  EXPECT_EQ(differs.model_id, "strong");
}

TEST_F(RoutedModels, AnAnswerThatItsSourcesDoNotSupportEscalates) {
  Define(
      R"({"candidates": ["strong", "cheap"], "cascade": {"ask": "cheap", "check": "citations"}})");
  strong->Script().Text("It was built in 1871, of stone.");
  auto supporting = [](std::int64_t start, std::int64_t end) {
    domain::Citation citation;
    citation.answer_start = start;
    citation.answer_end = end;
    return citation;
  };
  cheap->Next().Text("It was built in 1871.").Cite(supporting(0, 21));
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "It was built in 1871.");
  EXPECT_EQ(sink.model_id, "cheap");
  cheap->Next().Text("It was built in 1871. It is blue.").Cite(supporting(0, 21));
  Written made_up;
  Ask(made_up, Request());
  EXPECT_EQ(made_up.model_id, "strong");
  EXPECT_THAT(ctx_.route, HasSubstr("escalated: 1 of its 2 sentences are supported"));
  cheap->Next().Text("I think it is blue.");
  Written silent;
  Ask(silent, Request());
  EXPECT_EQ(silent.model_id, "strong");
  Define(R"({"candidates": ["strong", "cheap"],
             "cascade": {"ask": "cheap", "check": "citations", "supported": 0.5}})");
  cheap->Next().Text("It was built in 1871. It is blue.").Cite(supporting(0, 21));
  Written half;
  Ask(half, Request());
  EXPECT_EQ(half.model_id, "cheap");
}

constexpr std::string_view kSample =
    R"x("sql": {"schema": "CREATE TABLE t(id INTEGER, name TEXT)",
                "rows": "INSERT INTO t VALUES (1, 'Kim'), (2, 'Lee')"})x";

TEST_F(RoutedModels, AStatementThatDoesNotHoldWithItsSchemaEscalates) {
  Define(fmt::format(R"({{"candidates": ["strong", "cheap"],
                        "cascade": {{"ask": "cheap", "check": "sql", {}}}}})",
                     kSample));
  strong->Script().Text("SELECT name FROM t");
  cheap->Next().Text("```sql\nSELECT name FROM t WHERE id = 2\n```");
  Written good;
  Ask(good, Request());
  EXPECT_EQ(good.model_id, "cheap");
  cheap->Next().Text("SELECT nick FROM t");
  Written wrong;
  Ask(wrong, Request());
  EXPECT_EQ(wrong.model_id, "strong");
  EXPECT_THAT(ctx_.route, HasSubstr("escalated: cheap: the answer does not run on the sample"));
  EXPECT_EQ(ctx_.route.find("nick"), std::string::npos) << "no words of the answer in the ledger";
}

TEST_F(RoutedModels, TwoStatementsAgreeByWhatTheyReturn) {
  Define(fmt::format(R"({{"candidates": ["strong", "middle", "cheap", "third"], "cascade":
      {{"ask": ["middle", "cheap"], "check": "sql", "tie_break": "third", {}}}}})",
                     kSample));
  auto third = Add("third", 2);
  strong->Script().Text("SELECT 'Kim'");
  middle->Next().Text("SELECT name FROM t WHERE id = 1");
  cheap->Next().Text("```\nSELECT min(name) FROM t\n```");
  Written same;
  Ask(same, Request());
  EXPECT_EQ(same.model_id, "middle");
  middle->Next().Text("SELECT name FROM t WHERE id = 2");
  cheap->Next().Text("SELECT name FROM t WHERE id = 1");
  third->Script().Text("SELECT name FROM t ORDER BY id LIMIT 1");
  Written tie;
  Ask(tie, Request());
  EXPECT_EQ(tie.model_id, "cheap");
  middle->Next().Text("SELECT nick FROM t");
  cheap->Next().Text("SELECT name FROM t");
  Written differ;
  Ask(differ, Request());
  EXPECT_EQ(differ.model_id, "strong");
  EXPECT_THAT(ctx_.route, HasSubstr("their answers differ; middle: the answer does not run"));
}

TEST_F(RoutedModels, AHookDecidesWhetherAnAnswerStands) {
  std::string reply = R"({"pass": true})";
  auto server = net::testing::StartServer(
      [&](net::HttpRequest& request, net::ResponseWriter& writer, std::stop_token) -> Task<void> {
        EXPECT_THAT(request.body, HasSubstr(R"("question":"How many?")"));
        auto body = reply;
        [[maybe_unused]] auto sent = co_await writer.Send(200, {}, std::move(body));
      });
  HookSpec spec;
  spec.name = "facts";
  spec.url = "http://" + server->addresses()[0] + "/";
  spec.region = "eu";
  hooks_ = MakeCheckHooks({spec}, nullptr).value();
  Define(R"({"candidates": ["strong", "cheap"],
             "cascade": {"ask": "cheap", "check": "hook", "hook": "facts"}})");
  strong->Script().Text("14");
  cheap->Script().Text("12");
  Written passes;
  Ask(passes, Request());
  EXPECT_EQ(passes.text(), "12");
  reply = R"({"pass": false, "reason": "it is 14"})";
  Written fails;
  Ask(fails, Request());
  EXPECT_EQ(fails.text(), "14");
  EXPECT_THAT(ctx_.route, HasSubstr("escalated: hook facts: it does not pass"));
  EXPECT_EQ(ctx_.route.find("it is 14"), std::string::npos);
  EXPECT_EQ(RowOf(Rows(), "strong").intent.role, "escalate");
  server->Stop(std::chrono::milliseconds(0));
  Written gone;
  Ask(gone, Request());
  EXPECT_EQ(gone.text(), "14");
  // Nobody is asked for what nobody can check.
  hooks_ = nullptr;
  const auto calls = cheap->calls();
  Written none;
  Ask(none, Request());
  EXPECT_EQ(none.text(), "14");
  EXPECT_EQ(cheap->calls(), calls);
  EXPECT_THAT(ctx_.route, HasSubstr("the configuration has no hook facts"));
}

TEST_F(RoutedModels, AnAnswerThatItsModelWasNotSureOfEscalates) {
  Define(R"({"candidates": ["strong", "cheap"],
             "cascade": {"ask": "cheap", "check": "confidence", "confidence": 0.8}})");
  strong->Script().Text("14");
  cheap->Next().Likely("1", -0.1).Likely("2", -0.2);  // e^-0.15 is 0.861
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "12");
  EXPECT_TRUE(cheap->requests().back().logprobs);
  for (const auto& block : sink.answer.response().content) {
    EXPECT_TRUE(std::get<domain::TextBlock>(block).logprobs.empty()) << "nobody asked for them";
  }
  cheap->Next().Likely("1", -0.1).Likely("2", -2);
  Written unsure;
  Ask(unsure, Request());
  EXPECT_EQ(unsure.text(), "14");
  EXPECT_THAT(ctx_.route, HasSubstr("mean probability is 0.350, below 0.800"));
  cheap->Next().Text("12");
  Written silent;
  Ask(silent, Request());
  EXPECT_EQ(silent.text(), "14");
  auto asked = Request();
  asked.logprobs = true;
  cheap->Next().Likely("12", -0.01);
  Written with;
  Ask(with, std::move(asked));
  EXPECT_EQ(std::get<domain::TextBlock>(with.answer.response().content[0]).logprobs.size(), 1U);
}

TEST_F(RoutedModels, AnAnswerThatAGuardrailBlocksSettlesNothing) {
  auto words = guard::MakeWordPolicy({.name = "w", .words = {"1200"}, .mask = "x"});
  auto guardrails = std::make_shared<const guard::Guardrails>(
      std::vector<std::shared_ptr<const guard::Policy>>{*words});
  settling_ = guardrails;
  Define(kCascade);
  middle->Next().Text("The answer is 1200");
  cheap->Next().Text("1200");
  strong->Script().Text("1201");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "1201");
  EXPECT_THAT(ctx_.route, HasSubstr("a guardrail blocks what middle says"));
}

TEST_F(RoutedModels, OneThatFailsOrIsCutEscalates) {
  Define(kCascade);
  middle->Next().Fail(Code::kUnavailable);
  cheap->Script().Text("12");
  strong->Script().Text("12");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.model_id, "strong");
  middle->Next().Text("12").Stop(domain::StopReason::kMaxTokens);
  Written cut;
  Ask(cut, Request());
  EXPECT_EQ(cut.model_id, "strong");
}

TEST_F(RoutedModels, NobodyWaitsForAnAnswerThatDecidesNothing) {
  Define(kCascade);
  fakes::Gate never;
  middle->Next().Fail(Code::kUnavailable);
  cheap->Next().Text("1").Wait(never);
  strong->Script().Text("12");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.model_id, "strong");
  EXPECT_EQ(cheap->open_streams(), 0);
  EXPECT_EQ(Rows().size(), 3U);  // also what was stopped is in the ledger
}

TEST_F(RoutedModels, TheFallbackAnswersWhereAProviderRefusesOurKey) {
  Define(R"({"candidates": ["strong", "cheap"], "objective": "cheapest"})");
  cheap->Script().Refuse(Error(Code::kPermissionDenied, "no such key").FromUpstream(401));
  strong->Script().Text("here");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.model_id, "strong");
  cheap->Next().Refuse(Error(Code::kPermissionDenied, "the caller may not"));
  Written refused;
  Ask(refused, Request());
  EXPECT_EQ(refused.error->code(), Code::kPermissionDenied);
}

TEST_F(RoutedModels, AnAnswerThatFailsItsSchemaEscalates) {
  Define(R"({"candidates": ["strong", "cheap"], "cascade": {"ask": "cheap"}})");
  auto request = Request();
  request.json_output =
      domain::JsonOutput{.name = "n", .schema = {R"({"type":"object","required":["n"]})"}};
  cheap->Next().Text(R"({"n": 1})");
  Written good;
  Ask(good, request);
  EXPECT_EQ(good.model_id, "cheap");
  cheap->Next().Text(R"({"m": 1})");
  strong->Script().Text(R"({"n": 2})");
  Written bad;
  Ask(bad, request);
  EXPECT_EQ(bad.model_id, "strong");
  EXPECT_THAT(ctx_.route, HasSubstr("the answer does not fit the schema"));
  Written plain;  // nothing to check: no cascade
  Ask(plain, Request());
  EXPECT_EQ(plain.model_id, "strong");
  EXPECT_EQ(cheap->calls(), 2);
}

TEST_F(RoutedModels, TheFallbackAnswersWhereTheChosenModelCannotBeReached) {
  Define(R"({"candidates": ["strong", "cheap"], "objective": "cheapest"})");
  cheap->Script().Refuse(Error(Code::kUnavailable, "down"));
  strong->Script().Text("here");
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.text(), "here");
  EXPECT_EQ(sink.model_id, "strong");
  EXPECT_EQ(RowOf(Rows(), "strong").intent.role, "fallback");
  cheap->Next().Refuse(Error(Code::kInvalidArgument, "the request is at fault"));
  Written refused;
  Ask(refused, Request());
  EXPECT_EQ(refused.error->code(), Code::kInvalidArgument);
}

TEST_F(RoutedModels, AClientThatLeavesEndsAllSteps) {
  Define(kCascade);
  stop_.request_stop();
  Written sink;
  Ask(sink, Request());
  EXPECT_EQ(sink.error->code(), Code::kCancelled);
  EXPECT_EQ(middle->open_streams() + cheap->open_streams(), 0);
  EXPECT_EQ(strong->calls(), 0);
}

TEST_F(RoutedModels, ARouterBehindARouterIsRefused) {
  Define(R"({"candidates": ["auto"]})");
  Written sink;
  Ask(sink, Request());
  EXPECT_THAT(sink.error->message(), HasSubstr("stands for a router"));
}

}  // namespace
}  // namespace strata::gateway
