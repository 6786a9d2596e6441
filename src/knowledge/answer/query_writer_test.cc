#include "knowledge/query_writer.h"

#include <gmock/gmock.h>

#include "knowledge/base/service_fixture.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class QueryWriterTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    model_ = std::make_shared<fakes::FakeChatModel>("small");
    auto added = models_.Update(
        [&](provider::RegistrySnapshot& snapshot) { return snapshot.AddChat(model_, WallTime{}); });
    ASSERT_TRUE(added.has_value());
  }

  Result<std::vector<std::string>> Write(std::string question, std::vector<Turn> history = {},
                                         QueryWish wish = {}, std::string model = "small",
                                         std::string parts_max = "4") {
    const QueryWriter writer(models_,
                             OptionsWith({{"kb.query.model", {std::move(model), "test"}},
                                          {"kb.query.parts_max", {std::move(parts_max), "test"}}}));
    return Run(writer.Write(question, history, wish, ctx_));
  }

  const std::vector<Turn> kBridge = {
      {.question = "When was the Elda bridge built?", .answer = "It was built in 1884."}};
  provider::Registry models_;
  std::shared_ptr<fakes::FakeChatModel> model_;
};

TEST_F(QueryWriterTest, WithoutAModelAFollowUpIsSearchedWithTheQuestionBefore) {
  EXPECT_THAT(Write("How long is a plate kept?", {}, {}, "").value(),
              ElementsAre("How long is a plate kept?"));
  EXPECT_THAT(Write("And who built it?", kBridge, {}, "").value(),
              ElementsAre("When was the Elda bridge built? And who built it?"));
  EXPECT_EQ(model_->calls(), 0);
}

TEST_F(QueryWriterTest, AModelMakesAFollowUpStandAlone) {
  model_->Script().Text("```json\n{\"queries\": [\" Who built the Elda bridge? \"]}\n```");
  EXPECT_THAT(Write("And who built it?", kBridge).value(),
              ElementsAre("Who built the Elda bridge?"));
  ASSERT_EQ(model_->calls(), 1);
  const auto asked = domain::LastUserText(model_->requests()[0]);
  EXPECT_THAT(asked, HasSubstr("When was the Elda bridge built?"));
  EXPECT_THAT(asked, HasSubstr("And who built it?"));
  EXPECT_EQ(ctx_.role, "");
}

TEST_F(QueryWriterTest, AQuestionOfSeveralPartsIsCutOnceAndInBounds) {
  model_->Script().Text(R"({"queries": ["a", "b", "a", "", "c", "d", "e"]})");
  EXPECT_THAT(Write("a, b, c, d and e?").value(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(Write("a, b, c, d and e?", kBridge, {}, "small", "1").value(), ElementsAre("a"));
  // Where nothing is to be cut and nothing went before, nobody is asked.
  const int before = model_->calls();
  EXPECT_THAT(Write("a and b?", {}, {}, "small", "1").value(), ElementsAre("a and b?"));
  EXPECT_EQ(model_->calls(), before);
}

TEST_F(QueryWriterTest, WhatIsNoQueryChangesNothing) {
  for (const char* answer :
       {"I cannot help.", "{\"queries\": \"a\"}", "{\"queries\": [1]}", "{\"queries\": []}", "}{",
        "{\"queries\": [\" \"]}", "{\"other\": [\"a\"]}", "{\"queries\": [\"a\""}) {
    model_->Next().Text(answer);
    EXPECT_THAT(Write("Where is it?").value(), ElementsAre("Where is it?")) << answer;
  }
  model_->Next().Fail(Code::kUnavailable);
  EXPECT_THAT(Write("Where is it?").value(), ElementsAre("Where is it?"));
  EXPECT_THAT(Write("Where is it?", {}, {}, "gone").value(), ElementsAre("Where is it?"));
}

TEST_F(QueryWriterTest, DecompositionNeedsAModelThatTheCallerMayUse) {
  QueryWish wish{.rewriting = Rewriting::kParts, .generation = {}};
  wish.generation.model = std::string(kExtractModelId);
  EXPECT_EQ(Write("a and b?", {}, wish, "").error().field(), "queryTransformationConfiguration");
  model_->Script().Text(R"({"queries": ["a", "b"]})");
  EXPECT_THAT(Write("a and b?", {}, wish).value(), ElementsAre("a", "b"));  // the configured one
  wish.generation.model = "small";
  wish.generation.temperature = 0.5;
  EXPECT_THAT(Write("a and b?", {}, wish, "", "1").value(), ElementsAre("a", "b"));
  EXPECT_EQ(model_->requests().back().temperature, 0.5);
  ctx_.models_allowed = {"other"};
  EXPECT_EQ(Write("a and b?", {}, wish).error().code(), Code::kPermissionDenied);
  ctx_.models_allowed = {};
  model_->Next().Fail(Code::kUnavailable);
  EXPECT_EQ(Write("a and b?", {}, wish).error().code(), Code::kUnavailable);
}

TEST_F(QueryWriterTest, APromptOfTheCallersOwnIsWhatTheModelGets) {
  QueryWish wish;
  wish.generation.prompt_template =
      "Before: $conversation_history$Now: $query$ at $current_time$. "
      "$output_format_instructions$ $other$";
  model_->Script().Text(R"({"queries": ["who built it $query$"]})");
  EXPECT_THAT(Write("And who built $query$?", kBridge, wish).value(),
              ElementsAre("who built it $query$"));
  const auto own = model_->requests().back();
  EXPECT_TRUE(own.system.empty());
  const auto asked = domain::LastUserText(own);
  EXPECT_THAT(asked, HasSubstr("Before: Question: When was the Elda bridge built?"));
  EXPECT_THAT(asked, HasSubstr("Now: And who built $query$? at 20"));
  EXPECT_THAT(asked, HasSubstr(R"({"queries": ["…"]} $other$)"));
  // Also where nobody would be asked otherwise, by the model that the caller named.
  wish.generation.prompt_template = "Be short. $conversation_history$$output_format_instructions$";
  wish.generation.model = "small";
  const int before = model_->calls();
  EXPECT_TRUE(Write("Where is it?", {}, wish, "", "1").has_value());
  ASSERT_EQ(model_->calls(), before + 1);
  const auto following = model_->requests().back();
  EXPECT_THAT(domain::TextOf(following.system), HasSubstr("Be short. Write exactly one query."));
  EXPECT_EQ(domain::LastUserText(following), "Where is it?");
}

TEST_F(QueryWriterTest, APromptOfTheCallersOwnNeedsAModel) {
  QueryWish wish;
  wish.generation.prompt_template = "$conversation_history$$output_format_instructions$";
  wish.generation.model = std::string(kExtractModelId);
  const auto refused = Write("Where is it?", {}, wish, "");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().field(), "orchestrationConfiguration.promptTemplate");
  EXPECT_THAT(refused.error().message(), HasSubstr("kb.query.model: MODEL"));
  model_->Script().Text(R"({"queries": ["place of it"]})");
  EXPECT_THAT(Write("Where is it?", {}, wish).value(), ElementsAre("place of it"));
}

TEST_F(QueryWriterTest, EveryPartGetsItsBestPassages) {
  const auto base = MakeBase();
  const auto custom = MakeCustom(base);
  Index(base, custom,
        {Document("bridge", "The Elda bridge was built by Anna Burkli in 1884."),
         Document("tower", "The clock tower is 41 metres high."),
         Document("ferry", "The ferry leaves at noon.")});
  RetrieveRequest request;
  request.knowledge_base_id = base.id;
  request.results = 1;
  auto found =
      Get(RetrieveForAll(*bases_, request,
                         {"Who built the Elda bridge?", "How high is the clock tower?"}, ctx_))
          .passages;
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].uri, "bridge");
  EXPECT_EQ(found[1].uri, "tower");
  found = Get(RetrieveForAll(*bases_, request, {"tower", "clock tower"}, ctx_)).passages;
  EXPECT_EQ(found.size(), 1U);
  EXPECT_EQ(Get(RetrieveForAll(*bases_, request, {"tower"}, ctx_)).passages.size(), 1U);
}

}  // namespace
}  // namespace strata::knowledge
