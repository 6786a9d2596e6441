// Routers as callers name them: hard limits, rules, predictions, sessions, cascades.

#include "route/policy_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "dialect/json_value.h"
#include "route/made_up_rows.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::route {
namespace {

using testing::HasSubstr;

class FixedClock final : public Clock {
 public:
  explicit FixedClock(WallTime now) : now_(now) {}
  WallTime Wall() const override { return now_; }
  SteadyTime Steady() const override { return {}; }

 private:
  WallTime now_;
};

domain::ChatRequest Says(std::string text) {
  domain::ChatRequest request;
  request.messages.push_back({.role = domain::Role::kUser, .content = {}});
  request.messages.back().content.push_back(
      domain::TextBlock{.text = std::move(text), .citations = {}});
  return request;
}

class Routers : public testing::Test {
 protected:
  void SetUp() override {
    Add("strong", 10'000'000);
    Add("middle", 1'000'000);
    Add("cheap", 100'000);
  }

  domain::ModelInfo& Add(const std::string& id, std::int64_t price) {
    auto model = std::make_shared<fakes::FakeChatModel>(id);
    auto& info = model->MutableInfo();
    info.price.input = price;
    info.price.output = 4 * price;
    info.can = {.chat = true,
                .tools = true,
                .images = true,
                .documents = true,
                .json_schema = true,
                .reasoning = true};
    info.context_tokens = 200'000;
    info.region = "eu";
    info.cleared_for_all_labels = true;
    EXPECT_TRUE(models_.AddChat(model, WallTime{}).has_value());
    return info;
  }
  domain::ModelInfo& Info(const std::string& id) {
    return std::dynamic_pointer_cast<fakes::FakeChatModel>(*models_.Chat(id))->MutableInfo();
  }

  static std::shared_ptr<const PolicyRouter> Make(std::string_view json,
                                                  std::shared_ptr<const Router> learned = nullptr) {
    auto tree = dialect::ParseJson(json);
    EXPECT_TRUE(tree.has_value());
    auto definition = DecodeDefinition(*tree);
    EXPECT_TRUE(definition.has_value()) << definition.error().message();
    auto made = PolicyRouter::Make({.name = "mix",
                                    .version = "router/mix:1",
                                    .definition = std::move(*definition),
                                    .learned = std::move(learned)});
    EXPECT_TRUE(made.has_value()) << made.error().message();
    return *made;
  }

  Result<Plan> Choose(const PolicyRouter& router, const domain::ChatRequest& request,
                      const SessionMemory* session = nullptr) {
    Signals signals(request, ctx_);
    return router.Choose(models_, signals, session);
  }
  // The same while each model has that share of its quota left.
  Result<Plan> ChooseWithQuotas(const PolicyRouter& router, const domain::ChatRequest& request,
                                ShadowPrices& prices, std::map<std::string, double> left) {
    Signals signals(request, ctx_);
    Capacity capacity{
        .prices = prices, .learns = &prices, .headroom = [&](provider::ChatModel& model) {
          auto at = left.find(model.Info().id);
          return at == left.end() ? Headroom{} : Headroom{.quota_left = at->second};
        }};
    return router.Choose(models_, signals, nullptr, &capacity);
  }
  // The same while each model's answers of 1 to 100 tokens have taken so many seconds.
  Result<Plan> ChooseAtSpeeds(const PolicyRouter& router, const domain::ChatRequest& request,
                              const std::map<std::string, double>& seconds) {
    observe::Latencies latencies;
    for (const auto& [model, took] : seconds) {
      store::CallRow call;
      call.intent.model = model;
      call.intent.operation = "chat";
      call.outcome.status = store::CallStatus::kOk;
      call.outcome.latency_ms = static_cast<std::int64_t>(1000 * took);
      for (int i = 0; i < observe::Latencies::kCallsMin; ++i) {
        call.outcome.usage.output_tokens = 100 * (i % 2);
        latencies.Add(std::span(&call, 1));
      }
    }
    Signals signals(request, ctx_);
    ShadowPrices prices(router.definition().candidates.size());
    Capacity capacity{.prices = prices,
                      .learns = nullptr,
                      .headroom = [](provider::ChatModel&) { return Headroom{}; },
                      .latencies = &latencies};
    return router.Choose(models_, signals, nullptr, &capacity);
  }
  std::string ModelOf(std::string_view json, const domain::ChatRequest& request) {
    auto plan = Choose(*Make(json), request);
    EXPECT_TRUE(plan.has_value()) << plan.error().message();
    return plan.has_value() ? plan->decision->model() : "";
  }

  provider::RegistrySnapshot models_;
  RequestContext ctx_;
};

TEST_F(Routers, TheFirstRuleThatFixesAModelDecides) {
  constexpr std::string_view kRules = R"({"candidates": ["strong", "middle", "cheap"], "rules": [
      {"name": "tools", "when": {"needs": "tools"}, "use": "middle"},
      {"when": {"all": [{"keyword": ["refund", "past due"]}, {"not": {"language": "de"}}]},
       "use": "cheap"},
      {"when": {"prompt_tokens": {"min": 1000}}, "exclude": ["strong"]}]})";
  auto with_tools = Says("Book it");
  with_tools.tools.push_back({.name = "book", .description = "", .input_schema = {"{}"}});
  EXPECT_EQ(ModelOf(kRules, with_tools), "middle");
  EXPECT_EQ(ModelOf(kRules, Says("My invoice is PAST-DUE, what now?")), "cheap");
  EXPECT_EQ(ModelOf(kRules, Says("Unrefundable?")), "strong");  // whole words only
  EXPECT_EQ(
      ModelOf(kRules,
              Says("Ich habe die Rechnung nicht bekommen, und der refund ist noch nicht auf dem "
                   "Konto; das ist für mich ein Problem, was kann ich mit der Bank tun?")),
      "strong");
  EXPECT_EQ(ModelOf(kRules, Says(std::string(8000, 'x'))), "middle");
}

TEST_F(Routers, RulesLookAtWhatGuardrailsFoundAndAtWhatWasSpent) {
  constexpr std::string_view kRules = R"({"candidates": ["strong", "middle", "cheap"], "rules": [
      {"when": {"guardrail": ["people", "attacks"]}, "use": "middle"},
      {"name": "dear", "when": {"spent": {"of": "key", "during": "day", "usd": 0.25}},
       "use": "cheap"},
      {"when": {"guardrail": "*"}, "exclude": "strong"}]})";
  ctx_.workspace = {"default"};
  ctx_.key = {"key_7"};
  ctx_.decided_by.guardrail = "people,attacks";
  EXPECT_EQ(ModelOf(kRules, Says("Hello")), "strong") << "they judged, and found nothing";
  ctx_.decided_by.guardrail = "people=mask,attacks";
  EXPECT_EQ(ModelOf(kRules, Says("Hello")), "middle");
  ctx_.decided_by.guardrail = "people,attacks,others=note";
  EXPECT_EQ(ModelOf(kRules, Says("Hello")), "middle") << "any has, so the strong one is out";

  ctx_.decided_by.guardrail = "";
  observe::Spending spending;
  auto router = Make(kRules);
  auto chosen = [&] {
    auto request = Says("Hello");
    Signals signals(request, ctx_, &spending, "router/mix");
    return router->Choose(models_, signals);
  };
  EXPECT_EQ(chosen()->decision->model(), "strong");
  store::CallRow call;
  call.intent.time = SystemClock().Wall() + std::chrono::milliseconds(1);
  call.intent.workspace = ctx_.workspace;
  call.intent.key = ctx_.key;
  call.outcome.cost = domain::Money{250'000'000'000};
  spending.Add(std::vector{call});
  auto plan = chosen();
  EXPECT_EQ(plan->decision->model(), "cheap");
  EXPECT_THAT(plan->reason, HasSubstr("'dear' says cheap"));
  EXPECT_THAT(DecisionJson(*plan->decision).text, HasSubstr(R"("spent_usd":{"key today":0.25)"));
  ctx_.key = {"key_8"};
  EXPECT_EQ(chosen()->decision->model(), "strong") << "another key's money";
}

TEST_F(Routers, AListOfARuleGoesOnWhereAQuotaIsUsedUp) {
  auto router = Make(R"({"candidates": ["strong", "middle", "cheap"], "rules": [
      {"when": {"keyword": "one"}, "use": "cheap"}, {"use": ["cheap", "middle"]}]})");
  ShadowPrices prices(3);
  auto model = [&](const char* text, std::map<std::string, double> left) {
    return (*ChooseWithQuotas(*router, Says(text), prices, std::move(left))).decision->model();
  };
  EXPECT_EQ(model("Hello", {{"cheap", 0.01}}), "cheap");
  EXPECT_EQ(model("Hello", {{"cheap", 0}}), "middle");
  EXPECT_EQ(model("Hello", {{"cheap", 0}, {"middle", 0}}), "cheap");
  EXPECT_EQ(model("Only one", {{"cheap", 0}}), "cheap") << "it names no other";
}

TEST_F(Routers, RulesLookAtKeyLabelsTagsHeadersAndTheHour) {
  constexpr std::string_view kRules = R"({"candidates": ["strong", "middle", "cheap"], "rules": [
      {"when": {"any": [{"key": "key_7"}, {"label": "legal"}]}, "use": "middle"},
      {"when": {"tag": {"team": ["red", "blue"]}, "header": {"x-plan": "free"}}, "use": "cheap"},
      {"when": {"hours": {"from": "22:00", "until": "06:00"}, "days": ["sat"]}, "use": "cheap"}]})";
  FixedClock noon(FromUnixMicros(1'764'331'200'000'000));  // Friday 28 November 2025, 12:00
  ctx_.clock = &noon;
  EXPECT_EQ(ModelOf(kRules, Says("hi")), "strong");
  ctx_.tags["team"] = "blue";
  EXPECT_EQ(ModelOf(kRules, Says("hi")), "strong");  // both members must hold
  ctx_.header = [](std::string_view name) {
    return name == "x-plan" ? std::string_view("free") : std::string_view();
  };
  EXPECT_EQ(ModelOf(kRules, Says("hi")), "cheap");
  ctx_.labels.Add("legal");
  EXPECT_EQ(ModelOf(kRules, Says("hi")), "middle");
  ctx_ = RequestContext();
  FixedClock night(FromUnixMicros(1'764'370'800'000'000));  // Friday 28 November 2025, 23:00
  ctx_.clock = &night;
  EXPECT_EQ(ModelOf(kRules, Says("hi")), "strong");
  FixedClock next(FromUnixMicros(1'764'457'200'000'000));
  ctx_.clock = &next;
  EXPECT_EQ(ModelOf(kRules, Says("hi")), "cheap");
}

TEST_F(Routers, WhoCannotServeIsLeftOutAndTheErrorNamesWhoCould) {
  auto router = Make(R"({"candidates": ["middle", "cheap"]})");
  Info("middle").can.images = false;
  Info("cheap").context_tokens = 10;
  auto with_image = Says("What is this?");
  with_image.messages.back().content.push_back(
      domain::ImageBlock{.format = "png", .bytes = "x", .url = ""});
  auto refused = Choose(*router, with_image);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr("middle: cannot see images"));
  EXPECT_THAT(refused.error().message(), HasSubstr("cheap: holds 10 tokens"));
  EXPECT_THAT(refused.error().message(), HasSubstr("could is 'strong'"));
  auto plan = Choose(*router, Says("hello"));
  EXPECT_EQ(plan->decision->model(), "middle");

  ctx_.regions_allowed = {"us"};
  auto outbound = Choose(*router, Says("hello"));
  EXPECT_EQ(outbound.error().code(), Code::kPermissionDenied);
  Info("cheap").region = "us";
  EXPECT_EQ(Choose(*router, Says("hello"))->decision->model(), "cheap");
}

TEST_F(Routers, WithoutEvidenceTheFallbackAnswersUnlessTheCheapestIsAskedFor) {
  EXPECT_EQ(ModelOf(R"({"candidates": ["strong", "cheap"]})", Says("hi")), "strong");
  EXPECT_EQ(ModelOf(R"({"candidates": ["strong", "cheap"], "fallback": "cheap"})", Says("hi")),
            "cheap");
  EXPECT_EQ(ModelOf(R"({"candidates": ["strong", "cheap"], "objective": "cheapest"})", Says("hi")),
            "cheap");
}

std::shared_ptr<const Router> Learned() {
  static const auto kRouter = [] {
    auto state = TrainOn(Rows(1500, 1), {.models = {"strong", "cheap"}, .pair = true});
    EXPECT_TRUE(state.has_value());
    return *Router::Make(std::move(*state), Embedder());
  }();
  return kRouter;
}

TEST_F(Routers, ALearnedRouterSendsEasyRequestsToTheCheapModel) {
  auto router = Make(R"({"candidates": ["strong", "cheap"], "tolerance": 0.05})", Learned());
  Rng rng(7);
  int right = 0;
  for (int i = 0; i < 50; ++i) {
    auto plan = Choose(*router, Says(Prompt(rng, i % 2 == 0 ? kHardWords : kEasyWords)));
    right += plan->decision->model() == (i % 2 == 0 ? "strong" : "cheap") ? 1 : 0;
    EXPECT_TRUE(plan->decision->candidates[1].quality.has_value());
    EXPECT_EQ(plan->decision->nearest.size(), 3U);
  }
  EXPECT_GE(right, 45);
  auto strange = Choose(*router, Says("zzyx qwrt bnmk plok; plok zzyx"));
  EXPECT_EQ(strange->decision->model(), "strong");
  EXPECT_EQ(strange->decision->decided_by, "fallback");
  EXPECT_THAT(strange->decision->reason, HasSubstr("unfamiliar"));
}

TEST_F(Routers, TheSameAnswersAsPredictGives) {
  auto router = Make(R"({"candidates": ["strong", "cheap"], "tolerance": 0.05})", Learned());
  Rng rng(8);
  for (int i = 0; i < 30; ++i) {
    auto prompt = Prompt(rng, i % 2 == 0 ? kHardWords : kEasyWords);
    auto predicted = Learned()->Predict(prompt);
    auto plan = Choose(*router, Says(prompt));
    EXPECT_EQ(plan->decision->model(),
              Learned()->state().candidates[predicted.decisions.back()].name);
  }
}

TEST_F(Routers, InShadowItOnlyAdvises) {
  auto router = Make(R"({"candidates": ["strong", "cheap"], "tolerance": 0.05,
                         "learned": "shadow"})",
                     Learned());
  Rng rng(9);
  int advised = 0;
  for (int i = 0; i < 20; ++i) {
    auto plan = Choose(*router, Says(Prompt(rng, kEasyWords)));
    EXPECT_EQ(plan->decision->model(), "strong");
    advised += plan->decision->advised == "cheap" ? 1 : 0;
  }
  EXPECT_GE(advised, 15);
}

TEST_F(Routers, AnExcludedModelIsNotChosenByPrediction) {
  auto router = Make(R"({"candidates": ["strong", "cheap"], "tolerance": 0.05, "rules": [
      {"when": {"keyword": "garden"}, "exclude": "cheap"}]})",
                     Learned());
  auto plan = Choose(*router, Says("What is the garden apple house river summer colour?"));
  EXPECT_EQ(plan->decision->model(), "strong");
  EXPECT_THAT(plan->decision->candidates[1].left_out, HasSubstr("rule '1'"));
}

TEST_F(Routers, AScarceQuotaGoesToTheRequestsThatGainMostFromIt) {
  auto router = Make(R"({"candidates": ["strong", "middle", "cheap"], "objective": "cheapest"})");
  ShadowPrices prices(3);
  // Answers of at most 10 and of 400 tokens: per token the short ones save less.
  auto one = Says(std::string(4000, 'x'));
  one.max_tokens = 10;
  auto other = Says(std::string(40, 'x'));
  other.max_tokens = 400;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ChooseWithQuotas(*router, i % 2 == 0 ? one : other, prices, {{"cheap", 1}})
                  ->decision->model(),
              "cheap")
        << "a quota that is whole costs nothing";
  }
  std::set<std::string> by_one, by_other;
  int apart = 0;
  for (double left = 1; left > 0; left -= 0.05) {
    auto a = ChooseWithQuotas(*router, one, prices, {{"cheap", left}});
    auto b = ChooseWithQuotas(*router, other, prices, {{"cheap", left}});
    if (a->decision->model() != "cheap" && b->decision->model() == "cheap") {
      ++apart;
      EXPECT_EQ(a->decision->instead_of, "cheap");
      EXPECT_THAT(a->decision->reason, HasSubstr("in place of cheap, whose quota is short"));
      EXPECT_GT(*a->decision->candidates[2].quota_price, 0);
      EXPECT_NEAR(*a->decision->candidates[2].quota_left, left, 1e-9);
      EXPECT_THAT(DecisionJson(*a->decision).text, HasSubstr("\"quota_price\":"));
      // What it is compared with has no prices of quotas in it.
      EXPECT_EQ(a->decision->cheap, std::optional<std::size_t>(2));
    }
    by_one.insert(a->decision->model());
    by_other.insert(b->decision->model());
  }
  EXPECT_GE(apart, 3);
  EXPECT_EQ(by_one, (std::set<std::string>{"cheap", "middle"})) << "never the dearest";
  EXPECT_EQ(by_other, (std::set<std::string>{"cheap", "middle"}));
}

TEST_F(Routers, WhoIsExpectedToCostOrTakeTooMuchTakesNoPart) {
  auto router = Make(R"({"candidates": ["strong", "middle", "cheap"], "objective": "cheapest",
                         "limits": {"seconds": 5, "usd": 0.005}})");
  auto plan = ChooseAtSpeeds(*router, Says("Hello"), {{"cheap", 9}, {"middle", 2}});
  EXPECT_EQ(plan->decision->model(), "middle");
  EXPECT_THAT(plan->decision->candidates[2].left_out, HasSubstr("9.0 s, the limit is 5.0"));
  // 10 USD a million tokens in, 40 out, 256 of them expected: a cent.
  EXPECT_THAT(plan->decision->candidates[0].left_out, HasSubstr("expected to cost 0.01"));
  EXPECT_NEAR(*plan->decision->candidates[1].seconds, 2, 0.01);
  EXPECT_THAT(DecisionJson(*plan->decision).text, HasSubstr("\"seconds\":2.0"));
  auto none = ChooseAtSpeeds(*router, Says("Hello"), {{"cheap", 9}, {"middle", 8}});
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(none.error().message(), HasSubstr("middle: is expected to take 8.0 s"));
}

// Serves one model whose provider cannot be reached now.
class Away final : public provider::ModelSource {
 public:
  const std::string& name() const override { return name_; }
  Result<std::shared_ptr<provider::ChatModel>> Chat(std::string_view) override {
    return Fail(Code::kUnavailable, "the provider cannot be reached");
  }
  Result<std::shared_ptr<provider::Embedder>> Embed(std::string_view) override {
    return Fail(Code::kUnavailable, "the provider cannot be reached");
  }
  std::vector<provider::ListedModel> Models() const override { return {}; }
  bool Has(std::string_view) const override { return false; }
  provider::ProviderStatus Status() const override { return {}; }

 private:
  const std::string name_ = "away";
};

TEST_F(Routers, TheErrorSaysWhetherAskingAgainCanHelp) {
  ASSERT_TRUE(models_.AddSource(std::make_shared<Away>()).has_value());
  Info("middle").can.images = false;
  Info("cheap").region = "us";
  ctx_.regions_allowed = {"eu"};
  auto request = Says("What is this?");
  request.messages.back().content.push_back(
      domain::ImageBlock{.format = "png", .bytes = "x", .url = ""});
  auto code = [&](const std::string& candidates, const std::string& more = "") {
    auto plan = Choose(*Make(R"({"candidates": [)" + candidates + "]" + more + "}"), request);
    EXPECT_FALSE(plan.has_value());
    return plan.has_value() ? Code::kInternal : plan.error().code();
  };
  const std::string excluded = R"(, "rules": [{"exclude": ["strong"]}])";
  EXPECT_EQ(code(R"("nobody", "nothing")"), Code::kNotFound);
  EXPECT_EQ(code(R"("strong")", excluded), Code::kPermissionDenied);
  EXPECT_EQ(code(R"("strong", "nobody")", excluded), Code::kPermissionDenied);
  EXPECT_EQ(code(R"("cheap", "nobody")"), Code::kPermissionDenied);
  EXPECT_EQ(code(R"("middle", "cheap", "nobody")"), Code::kInvalidArgument);
  EXPECT_EQ(code(R"("strong")", R"(, "limits": {"usd": 0.000001})"), Code::kInvalidArgument);
  EXPECT_EQ(code(R"("away/m")"), Code::kUnavailable);
  EXPECT_EQ(code(R"("middle", "cheap", "strong", "away/m")", excluded), Code::kUnavailable);
}

TEST_F(Routers, QualityIsWeighedAgainstMoneyAndTime) {
  auto model = [&](const std::string& weights, const std::map<std::string, double>& seconds) {
    auto router = Make(
        R"({"candidates": ["strong", "cheap"], "objective": "quality")" + weights + "}", Learned());
    auto plan = ChooseAtSpeeds(
        *router, Says("What is the tensor lemma quark enzyme torque cohort?"), seconds);
    return plan->decision->model();
  };
  EXPECT_EQ(model("", {}), "strong") << "hard questions are the strong one's";
  EXPECT_EQ(model(R"(, "weights": {"per_usd": 1000})", {}), "cheap");
  EXPECT_EQ(model(R"(, "weights": {"per_second": 0.01})", {{"strong", 3}, {"cheap", 1}}), "strong");
  EXPECT_EQ(model(R"(, "weights": {"per_second": 0.9})", {{"strong", 3}, {"cheap", 1}}), "cheap");
}

TEST_F(Routers, PricesMoveNobodyToAModelThatIsNotGoodEnough) {
  auto router = Make(R"({"candidates": ["strong", "cheap"], "tolerance": 0.05})", Learned());
  Rng rng(10);
  int stayed = 0, moved = 0;
  for (int i = 0; i < 40; ++i) {
    auto request = Says(Prompt(rng, i % 2 == 0 ? kHardWords : kEasyWords));
    auto free = Choose(*router, request)->decision->model();
    auto scarce = free == "strong" ? std::map<std::string, double>{{"strong", 0}}
                                   : std::map<std::string, double>{{"cheap", 0}};
    ShadowPrices prices(2);
    prices.Learn(0, 1);  // a dollar a token: more than anything could save
    prices.Learn(1, 1);
    auto plan = ChooseWithQuotas(*router, request, prices, scarce);
    EXPECT_EQ(plan->decision->model(), "strong") << plan->decision->reason;
    (free == "strong" ? stayed : moved) += 1;
  }
  EXPECT_GE(stayed, 15);
  EXPECT_GE(moved, 15) << "upwards they may move";
  auto fixed = Make(R"({"candidates": ["strong", "cheap"], "rules": [{"use": "cheap"}]})");
  ShadowPrices prices(2);
  prices.Learn(1, 1);
  EXPECT_EQ(ChooseWithQuotas(*fixed, Says("hi"), prices, {{"cheap", 0}})->decision->model(),
            "cheap");
}

TEST_F(Routers, AConversationStaysWhereItsCacheIsUnlessLeavingPays) {
  auto router = Make(R"({"candidates": ["strong", "middle", "cheap"], "fallback": "middle"})");
  Info("strong").price.cache_read = 500'000;  // half of what middle asks for reading it anew
  auto request = Says(std::string(40'000, 'x'));
  request.messages.push_back({.role = domain::Role::kAssistant, .content = {}});
  request.messages.push_back(Says("and now?").messages.back());
  request.max_tokens = 1;
  SessionMemory here{.model = "strong", .tokens = 10'000};
  auto plan = Choose(*router, request, &here);
  EXPECT_EQ(plan->decision->decided_by, "session");
  EXPECT_EQ(plan->decision->model(), "strong");
  // A fifth of the cached price: reading everything anew pays.
  Info("middle").price.input = 100'000;
  EXPECT_EQ(Choose(*router, request, &here)->decision->model(), "middle");
  // Upwards it goes whatever is cached.
  SessionMemory cheap{.model = "cheap", .tokens = 10'000};
  EXPECT_EQ(Choose(*router, request, &cheap)->decision->model(), "middle");
  // So it does where prices are not known.
  Info("middle").price = {};
  Info("cheap").price = {};
  EXPECT_EQ(Choose(*router, request, &cheap)->decision->model(), "middle");
}

TEST_F(Routers, ACascadeStandsInForTheModelThatItEscalatesTo) {
  auto router = Make(R"({"candidates": ["strong", "middle", "cheap"], "rules": [
      {"when": {"task": "code"}, "use": "strong"}],
      "cascade": {"ask": ["middle", "cheap"], "when": {"task": ["math", "choice"]}}})");
  auto math = Choose(*router, Says("How many apples are 3 times 4 apples?"));
  ASSERT_EQ(math->first.size(), 2U);
  EXPECT_EQ(math->model->Info().id, "strong");
  EXPECT_EQ(math->decision->ask, (std::vector<std::string>{"middle", "cheap"}));
  EXPECT_EQ(math->decision->check, "agree");
  EXPECT_THAT(DecisionJson(*math->decision).text, HasSubstr(R"("check":"agree")"));
  EXPECT_TRUE(Choose(*router, Says("Write a poem"))->first.empty());
  EXPECT_TRUE(Choose(*router, Says("```c++\nint x = 3 * 4;\n``` how many?"))->first.empty());
}

TEST_F(Routers, TheDecisionLooksAtTheConversation) {
  auto request = Says("Translate this contract into French, please");
  request.messages.push_back({.role = domain::Role::kAssistant, .content = {}});
  request.messages.push_back(Says("ok, do it").messages.back());
  Signals signals(request, ctx_);
  EXPECT_EQ(signals.kind(), "translation");
}

std::string ProblemOf(std::string_view json) {
  auto tree = dialect::ParseJson(json);
  auto definition = DecodeDefinition(*tree);
  EXPECT_FALSE(definition.has_value()) << json;
  return definition.has_value() ? std::string()
                                : definition.error().field() + ": " + definition.error().message();
}

std::string CascadeProblem(const std::string& rest) {
  return ProblemOf(R"({"candidates": ["a", "b"], "cascade": {"ask": "b", )" + rest + "}}");
}

TEST(RouterDefinition, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_THAT(ProblemOf(R"({"candidates": []})"), HasSubstr("candidates"));
  EXPECT_THAT(ProblemOf(R"({"candidates": ["a"], "fallbak": "a"})"),
              HasSubstr("did you mean fallback"));
  EXPECT_THAT(ProblemOf(R"({"candidates": ["a", "a"]})"), HasSubstr("stands twice"));
  for (std::string other : {"router/mix", "arn:aws:bedrock:us-east-1:0:prompt-router/mix"}) {
    EXPECT_THAT(ProblemOf(R"({"candidates": ["a", ")" + other + "\"]}"),
                HasSubstr("candidates[1]: a router cannot be a candidate of another"));
  }
  EXPECT_THAT(
      ProblemOf(R"({"candidates": ["a"], "rules": [{"when": {"langage": "de"}, "use": "a"}]})"),
      HasSubstr("rules[0].when.langage"));
  EXPECT_THAT(ProblemOf(R"({"candidates": ["a"], "rules": [{"use": "b"}]})"),
              HasSubstr("'b' is no candidate"));
  EXPECT_THAT(
      ProblemOf(R"({"candidates": ["a"], "rules": [{"when": {"task": "codes"}, "use": "a"}]})"),
      HasSubstr("not one of code"));
  auto condition = [&](const std::string& when) {
    return ProblemOf(R"({"candidates": ["a"], "rules": [{"when": )" + when + R"(, "use": "a"}]})");
  };
  EXPECT_THAT(condition(R"({"spent": {"of": "key"}})"), HasSubstr("rules[0].when.spent.usd"));
  EXPECT_THAT(condition(R"({"spent": {"of": "team", "usd": 1}})"),
              HasSubstr("rules[0].when.spent.of"));
  EXPECT_THAT(condition(R"({"spent": {"in": "day", "usd": 1}})"), HasSubstr("unknown member 'in'"));
  EXPECT_THAT(condition(R"({"spent": {"usd": -1}})"), HasSubstr("rules[0].when.spent.usd"));
  EXPECT_THAT(ProblemOf(R"({"candidates": ["a"], "weights": {"per_usd": 1}})"),
              HasSubstr("are for the objective quality"));
  EXPECT_THAT(ProblemOf(R"({"candidates": ["a"], "limits": {"second": 1}})"),
              HasSubstr("did you mean seconds"));
  EXPECT_THAT(condition(R"({"guardrails": "x"})"), HasSubstr("did you mean guardrail"));
  EXPECT_THAT(condition(R"({"guardrail": ""})"), HasSubstr("rules[0].when.guardrail"));
  EXPECT_THAT(ProblemOf(R"({"candidates": ["a", "b"], "cascade": {"ask": ["a", "b"]}})"),
              HasSubstr("asked and escalated to"));
  auto cascade = CascadeProblem;
  EXPECT_THAT(cascade(R"("check": "confidence")"), HasSubstr("cascade.confidence"));
  EXPECT_THAT(cascade(R"("confidence": 0.5)"), HasSubstr("is for check: confidence"));
  EXPECT_THAT(cascade(R"("supported": 0.5)"), HasSubstr("is for check: citations"));
  EXPECT_THAT(cascade(R"("check": "citations", "supported": 2)"), HasSubstr("cascade.supported"));
  EXPECT_THAT(cascade(R"("check": "confidence", "confidence": 2)"),
              HasSubstr("cascade.confidence"));
  EXPECT_THAT(cascade(R"("check": "agree")"), HasSubstr("takes two models"));
  EXPECT_THAT(ProblemOf(R"({"candidates": ["router/x"]})"), HasSubstr("a router cannot"));
  EXPECT_FALSE(CheckRouterName("a//b").has_value());
  EXPECT_TRUE(CheckRouterName("My mix-2").has_value());
}

TEST(RouterDefinition, ChecksOfCascadesTakeWhatIsTheirs) {
  EXPECT_THAT(CascadeProblem(R"("check": "sequel")"), HasSubstr("cascade.check"));
  EXPECT_THAT(CascadeProblem(R"("check": "sql")"), HasSubstr("cascade.sql"));
  EXPECT_THAT(CascadeProblem(R"("sql": {"schema": "CREATE"})"), HasSubstr("is for check: sql"));
  auto sql = [&](const std::string& members) {
    return CascadeProblem(R"("check": "sql", "sql": {)" + members + "}");
  };
  EXPECT_THAT(sql(""), HasSubstr("cascade.sql.schema"));
  EXPECT_THAT(sql(R"("scheme": "x")"), HasSubstr("did you mean schema"));
  EXPECT_THAT(sql(R"("schema": "CREATE TABLE t(")"), HasSubstr("cascade.sql.schema: "));
  EXPECT_THAT(sql(R"x("schema": "CREATE TABLE t(i)", "rows": "DELETE FROM t")x"),
              HasSubstr("does more than it may"));
  EXPECT_THAT(ProblemOf(R"x({"candidates": ["a", "b", "c"], "cascade": {"ask": ["b", "c"],
                          "check": "sql", "sql": {"schema": "CREATE TABLE t(i)"}}})x"),
              HasSubstr("cascade.sql.rows"));
  EXPECT_THAT(CascadeProblem(R"("check": "hook")"), HasSubstr("cascade.hook"));
  EXPECT_THAT(CascadeProblem(R"("hook": "facts")"), HasSubstr("is for check: hook"));
  EXPECT_THAT(CascadeProblem(R"("check": "hook", "hook": "facts", "tie_break": "a")"),
              HasSubstr("ties only between two"));
  EXPECT_THAT(ProblemOf(R"({"candidates": ["a", "b", "c"], "cascade": {"ask": ["b", "c"],
                          "check": "hook", "hook": "facts"}})"),
              HasSubstr("a hook is checked of the answer of one model"));
}

TEST(PolicyRouter, ALearnedRouterMustKnowTheFallback) {
  auto tree = dialect::ParseJson(R"({"candidates": ["x", "cheap"]})");
  auto made = PolicyRouter::Make(
      {.name = "m", .version = "v", .definition = *DecodeDefinition(*tree), .learned = Learned()});
  ASSERT_FALSE(made.has_value());
  EXPECT_THAT(made.error().message(), HasSubstr("learned_as"));
  tree =
      dialect::ParseJson(R"({"candidates": [{"model": "x", "learned_as": "strong"}, "up/cheap"]})");
  EXPECT_TRUE(PolicyRouter::Make({.name = "m",
                                  .version = "v",
                                  .definition = *DecodeDefinition(*tree),
                                  .learned = Learned()})
                  .has_value());
}

}  // namespace
}  // namespace strata::route
