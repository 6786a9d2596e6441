// Trainer, router, router file and evaluation on made-up outcomes whose rule is known.

#include "route/router.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/encoding.h"
#include "route/evaluation.h"
#include "route/made_up_rows.h"
#include "route/router_file.h"
#include "route/trainer.h"

namespace strata::route {
namespace {

const TrainOptions kPair{.models = {"strong", "cheap"}, .pair = true};

std::shared_ptr<const Router> PairRouter() {
  static const auto kRouter = [] {
    auto state = TrainOn(Rows(1500, 1), kPair);
    EXPECT_TRUE(state.has_value());
    return *Router::Make(std::move(*state), Embedder());
  }();
  return kRouter;
}

TEST(Settings, TheWidestThatGivesUpNoMoreThanWasAllowed) {
  EXPECT_EQ(kTolerances[SettingFor(0)], 0);
  EXPECT_EQ(kTolerances[SettingFor(1 - 0.97)], 0.03) << "however it is rounded";
  EXPECT_EQ(kTolerances[SettingFor(0.029)], 0.01);
  EXPECT_EQ(kTolerances[SettingFor(0.2)], 0.05);
}

TEST(Router, SendsEasyRequestsToTheCheapModelAndHardOnesToTheStrong) {
  auto router = PairRouter();
  Rng rng(77);
  int right = 0;
  for (int i = 0; i < 100; ++i) {
    bool hard = i % 2 == 0;
    auto p = router->Predict(Prompt(rng, hard ? kHardWords : kEasyWords));
    right += p.decisions[3] == (hard ? 0U : 1U) ? 1 : 0;
    EXPECT_LE(p.candidates[0].low, p.candidates[0].quality);
    EXPECT_GE(p.candidates[0].high, p.candidates[0].quality);
  }
  EXPECT_GE(right, 90);
}

TEST(Router, PredictsQualityTokensAndCost) {
  auto router = PairRouter();
  Rng rng(78);
  auto hard = router->Predict(Prompt(rng, kHardWords));
  auto easy = router->Predict(Prompt(rng, kEasyWords));
  EXPECT_NEAR(hard.candidates[1].quality, 0.3, 0.12);
  EXPECT_NEAR(easy.candidates[1].quality, 0.95, 0.1);
  EXPECT_GT(hard.need, easy.need + 0.3);
  EXPECT_NEAR(hard.candidates[0].output_tokens, 200, 60);
  EXPECT_NEAR(easy.candidates[0].output_tokens, 50, 25);
  EXPECT_NEAR(hard.candidates[0].cost, 1e-5 * (10 + 800), 3e-3);
}

TEST(Router, UnfamiliarRequestsGoToTheStrongModelAtEverySetting) {
  auto router = PairRouter();
  auto p = router->Predict("zzyx qwrt bnmk plok\n```\nreturn 3*x^2;\n```\nzzyx plok plok bnmk");
  EXPECT_GE(p.unfamiliar, kUnfamiliar);
  for (auto decision : p.decisions) EXPECT_EQ(decision, 0U);
  EXPECT_GE(p.need, 1);
  EXPECT_NE(router->Explain(p, 2).find("unfamiliar"), std::string::npos);
}

TEST(Router, FewLabelledRowsCannotTellThatARequestIsLikeNone) {
  auto few = *Router::Make(*TrainOn(Rows(200, 1), kPair), Embedder());
  const std::string prompt = "zzyx qwrt bnmk plok zzyx qwrt bnmk plok";
  EXPECT_GT(PairRouter()->Predict(prompt).need, 1) << "1,500 rows: before all that are familiar";
  const auto prediction = few->Predict(prompt);
  EXPECT_LE(prediction.need, 1) << "200 rows: by what the models say";
  EXPECT_EQ(prediction.decisions[3], 0U) << "and to the strong model all the same";
}

TEST(Router, TooFewLabelsForALevelMoveNothingAndSayHowManyItTakes) {
  auto state = TrainOn(Rows(60, 3), kPair);
  ASSERT_TRUE(state.has_value()) << state.error().message();
  const auto& certificate = state->kinds[0].certificates[1];  // 99 %
  EXPECT_EQ(certificate.share_moved, 0);
  EXPECT_NE(certificate.rows_for_a_fifth, 0);
  auto router = *Router::Make(std::move(*state), Embedder());
  Rng rng(5);
  auto p = router->Predict(Prompt(rng, kEasyWords));
  EXPECT_EQ(p.decisions[1], 0U);
  EXPECT_NE(router->Explain(p, 1).find("no setting at 99 % is certified"), std::string::npos)
      << router->Explain(p, 1);
}

TEST(Router, ChoosesAmongManyTheCheapestThatIsGoodEnough) {
  auto state = TrainOn(Rows(1500, 4), {.models = {"cheap", "middle", "strong"}});
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->strong, 2U);
  auto router = *Router::Make(std::move(*state), Embedder());
  Rng rng(6);
  auto easy = router->Predict(Prompt(rng, kEasyWords));
  auto hard = router->Predict(Prompt(rng, kHardWords));
  EXPECT_EQ(easy.decisions[3], 0U);
  EXPECT_EQ(hard.decisions[1], 2U);
}

TEST(Router, EachKindOfRequestHasItsOwnStrongModel) {
  auto rows = Rows(400, 8, "a");
  for (auto row : Rows(400, 9, "b")) {
    // Another kind of prompt, on which the middle model is the best.
    row.prompt = "def f():\n  return " + row.prompt + "\n```";
    for (auto& o : row.outcomes) o.quality = o.model == "middle" ? 1 : 0.4;
    rows.push_back(std::move(row));
  }
  auto state = TrainOn(rows, {.models = {"cheap", "middle", "strong"}});
  ASSERT_TRUE(state.has_value());
  ASSERT_EQ(state->kinds.size(), 2U);
  EXPECT_EQ(state->kinds[0].strong, 2U);
  EXPECT_EQ(state->kinds[1].strong, 1U);
}

TEST(Trainer, NamesWhatIsMissing) {
  auto few = TrainOn(Rows(10, 1), kPair);
  ASSERT_FALSE(few.has_value());
  EXPECT_NE(few.error().message().find("'strong' has 10 labelled rows"), std::string::npos);
  auto unknown = TrainOn(Rows(50, 1), {.models = {"strong", "nobody"}});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message().find("nobody"), std::string::npos);
  auto rows = Rows(50, 1);
  for (auto& row : rows) row.outcomes[0].cost.reset();
  auto no_cost = TrainOn(rows, kPair);
  ASSERT_FALSE(no_cost.has_value());
  EXPECT_NE(no_cost.error().message().find("'cheap' has no cost"), std::string::npos);
}

TEST(Trainer, IsDeterministic) {
  auto a = TrainOn(Rows(200, 1), kPair);
  auto b = TrainOn(Rows(200, 1), kPair);
  EXPECT_EQ(WriteRouter(*a), WriteRouter(*b));
}

TEST(RouterFile, ComesBackAsItWasWritten) {
  auto state = TrainOn(Rows(200, 1), kPair);
  auto bytes = WriteRouter(*state);
  auto read = ReadRouter(bytes);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(WriteRouter(*read), bytes);
  EXPECT_EQ(read->version, state->version);
}

// Files of before lengths were looked at: the list of their quantiles is not there.
TEST(RouterFile, OneOfTheFirstFormatIsRead) {
  auto state = TrainOn(Rows(200, 1), kPair);
  state->length_quantiles.clear();
  auto bytes = WriteRouter(*state);
  ASSERT_FALSE(state->cascade.has_value());
  bytes.erase(bytes.size() - 5, 4);  // the count of quantiles, before the flag of the cascade
  bytes[8] = 1;
  const std::uint64_t checksum = Hash64(std::string_view(bytes).substr(20));
  std::memcpy(bytes.data() + 12, &checksum, sizeof(checksum));
  auto read = ReadRouter(bytes);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_TRUE(read->length_quantiles.empty());
  EXPECT_EQ(read->form_quantiles, state->form_quantiles);
}

TEST(Router, AQuestionOfALengthThatNoLabelledOneHasIsUnfamiliar) {
  const auto rows = Rows(200, 1);
  auto state = TrainOn(rows, kPair);
  auto longer = *state;
  // As if it had been learned from questions of the same words and form that are much longer.
  for (double& length : longer.length_quantiles) length += 5;
  auto known = *Router::Make(std::move(*state), Embedder());
  auto unknown = *Router::Make(std::move(longer), Embedder());
  EXPECT_LT(known->Predict(rows[3].prompt).unfamiliar, kUnfamiliar);
  EXPECT_GE(unknown->Predict(rows[3].prompt).unfamiliar, kUnfamiliar);
  EXPECT_EQ(unknown->Predict(rows[3].prompt).decisions[3], 0U) << "the strong model";
}

TEST(RouterFile, DamageIsFound) {
  auto state = TrainOn(Rows(60, 1), kPair);
  const auto bytes = WriteRouter(*state);
  for (std::size_t size :
       {std::size_t{0}, std::size_t{7}, std::size_t{19}, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_FALSE(ReadRouter(std::string_view(bytes).substr(0, size)).has_value());
  }
  Rng rng(3);
  for (int trial = 0; trial < 300; ++trial) {
    auto damaged = bytes;
    auto at = 20 + rng.Below(damaged.size() - 20);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.Below(8)));
    EXPECT_EQ(ReadRouter(damaged).error().code(), Code::kCorruption);
    // With a checksum that fits, it is refused or used without harm.
    std::uint64_t checksum = Hash64(std::string_view(damaged).substr(20));
    std::memcpy(damaged.data() + 12, &checksum, sizeof(checksum));
    auto read = ReadRouter(damaged);
    if (!read) continue;
    auto router = Router::Make(std::move(*read), Embedder());
    if (router) (*router)->Predict("What is the apple of the tensor?");
  }
  auto later = bytes;
  later[8] = 9;
  EXPECT_EQ(ReadRouter(later).error().code(), Code::kUnsupported);
}

TEST(RouterFile, AnotherEmbedderIsRefused) {
  auto state = TrainOn(Rows(60, 1), kPair);
  state->embedder = "other";
  EXPECT_FALSE(Router::Make(std::move(*state), Embedder()).has_value());
}

TEST(Evaluate, SeesTheRuleThatMadeTheOutcomes) {
  auto rows = Rows(1000, 50);
  auto features = ExtractAll(rows, *Embedder());
  auto router = PairRouter();
  std::vector<Tested> tested;
  for (const auto& f : features) tested.push_back({&f, router->Predict(f.features)});
  auto evaluations = Evaluate(router->state(), tested);
  ASSERT_EQ(evaluations.size(), 1U);
  const auto& e = evaluations[0];
  EXPECT_GT(e.pair.apgr, 0.7);
  EXPECT_GT(e.pair.apgr_oracle, e.pair.apgr);
  EXPECT_GT(e.aiq, e.aiq_singles);
  EXPECT_GT(e.settings[3].saving, 0.2);
  EXPECT_GT(e.settings[3].ratio.estimate, 0.93);
  auto text = FormatEvaluations(router->state(), evaluations);
  EXPECT_NE(text.find("| s | 1000 |"), std::string::npos) << text;
}

}  // namespace
}  // namespace strata::route
