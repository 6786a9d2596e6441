#include "knowledge/filter_writer.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "knowledge/base/service_fixture.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::knowledge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Type = FilterAttribute::Type;

const std::vector<FilterAttribute> kAttributes = {
    {.key = "year", .type = Type::kNumber, .description = "of publication"},
    {.key = "team", .type = Type::kString, .description = "who wrote it"},
    {.key = "final", .type = Type::kBoolean, .description = "no draft"},
    {.key = "tags", .type = Type::kStringList, .description = "subjects"}};

std::string FaultIn(std::string_view answer) {
  const auto read = ReadWrittenFilter(answer, kAttributes);
  return read.has_value() ? std::string() : read.error().message();
}

TEST(ReadWrittenFilter, TakesTheWholeGrammarOverTheDeclaredAttributes) {
  for (const char* filter : {R"({"equals": {"key": "year", "value": 2020}})",
                             R"({"notEquals": {"key": "final", "value": true}})",
                             R"({"greaterThan": {"key": "year", "value": 2020.5}})",
                             R"({"lessThanOrEquals": {"key": "team", "value": "m"}})",
                             R"({"in": {"key": "team", "value": ["a", "b"]}})",
                             R"({"notIn": {"key": "year", "value": [1, 2]}})",
                             R"({"startsWith": {"key": "team", "value": "a"}})",
                             R"({"stringContains": {"key": "tags", "value": "law"}})",
                             R"({"listContains": {"key": "tags", "value": "law"}})",
                             R"({"equals": {"key": "tags", "value": ["a", "b"]}})",
                             R"({"orAll": [{"equals": {"key": "year", "value": 1}},
            {"andAll": [{"equals": {"key": "team", "value": "x"}},
                        {"equals": {"key": "final", "value": false}}]}]})"}) {
    const auto answer = std::string("Here it is:\n```json\n{\"filter\": ") + filter + "}\n```";
    const auto read = ReadWrittenFilter(answer, kAttributes);
    ASSERT_TRUE(read.has_value()) << filter << ": " << read.error().message();
    EXPECT_TRUE(read->has_value()) << filter;
  }
  const auto none = ReadWrittenFilter(R"({"filter": null})", kAttributes);
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none->has_value());
}

TEST(ReadWrittenFilter, AGroupOfOneIsItsMember) {
  const auto keys = [](std::string_view filter) {
    const auto read = ReadWrittenFilter(R"({"filter": )" + std::string(filter) + "}", kAttributes);
    return read.has_value() && *read ? (*read)->key : std::string();
  };
  EXPECT_EQ(keys(R"({"andAll": [{"equals": {"key": "year", "value": 2020}}]})"), "year");
  EXPECT_EQ(keys(R"({"orAll": [{"andAll": [{"equals": {"key": "team", "value": "x"}}]}]})"),
            "team");
  EXPECT_EQ(keys(R"({"andAll": []})"), "");
}

TEST(ReadWrittenFilter, RefusesWhatIsNotDeclaredOrNotOfItsType) {
  EXPECT_THAT(FaultIn(R"({"filter": {"equals": {"key": "secret", "value": 1}}})"),
              HasSubstr("\"secret\" is none of the attributes"));
  EXPECT_THAT(FaultIn(R"({"filter": {"orAll": [{"equals": {"key": "year", "value": 1}},
                          {"notEquals": {"key": "owner", "value": "x"}}]}})"),
              HasSubstr("filter.orAll[1].notEquals.key"));
  for (const char* filter :
       {R"({"equals": {"key": "year", "value": "2020"}})",
        R"({"equals": {"key": "team", "value": 1}})",
        R"({"equals": {"key": "final", "value": "yes"}})",
        R"({"equals": {"key": "tags", "value": "law"}})",
        R"({"equals": {"key": "team", "value": ["a"]}})",
        R"({"in": {"key": "year", "value": [1, "2"]}})",
        R"({"in": {"key": "tags", "value": ["law"]}})",
        R"({"greaterThan": {"key": "final", "value": 1}})",
        R"({"startsWith": {"key": "tags", "value": "l"}})",
        R"({"listContains": {"key": "team", "value": "l"}})",
        R"({"listContains": {"key": "tags", "value": 1}})", R"({"equals": {"key": "year"}})",
        R"({"like": {"key": "team", "value": "a"}})", R"("year = 2020")", R"([])", R"({})"}) {
    EXPECT_NE(FaultIn(std::string("{\"filter\": ") + filter + "}"), "") << filter;
  }
}

TEST(ReadWrittenFilter, RefusesWhatIsNoJson) {
  for (const char* answer : {"", "no", "{", "}{", "{\"filter\": ", "{\"filtre\": null}", "[1]",
                             "{\"filter\": {\"equals\": {\"key\": \"year\", \"value\": 1}}"}) {
    EXPECT_NE(FaultIn(answer), "") << answer;
  }
  std::string deep = "{\"filter\": ";
  for (int i = 0; i < 200; ++i) deep += "{\"andAll\": [";
  EXPECT_NE(FaultIn(deep + "}"), "");
  EXPECT_THAT(FaultIn("{\"filter\": \"" + std::string(kFilterBytesMax, 'x') + "\"}"),
              HasSubstr("longer than"));
}

TEST(Both, NeitherWeakensTheOther) {
  const auto own = *ParseFilter(R"({"equals": {"key": "team", "value": "a"}})");
  const auto written = *ParseFilter(R"({"equals": {"key": "year", "value": 1}})");
  const auto both = Both(own, written);
  ASSERT_TRUE(both.has_value());
  EXPECT_TRUE(Matches(*both, *ParseMetadata({R"({"team": "a", "year": 1})"})));
  EXPECT_FALSE(Matches(*both, *ParseMetadata({R"({"team": "b", "year": 1})"})));
  EXPECT_FALSE(Matches(*both, *ParseMetadata({R"({"team": "a", "year": 2})"})));
  EXPECT_TRUE(Matches(*Both(own, std::nullopt), *ParseMetadata({R"({"team": "a"})"})));
  EXPECT_FALSE(Both(std::nullopt, std::nullopt).has_value());
}

TEST(WrittenFilterSchema, NamesTheAttributesOfEachOperator) {
  const auto schema = boost::json::parse(WrittenFilterSchema(kAttributes));
  const auto& conditions = schema.at("$defs").at("condition").at("anyOf").as_array();
  EXPECT_EQ(conditions.size(), 11U);
  const auto& equals = conditions[0].at("properties").at("equals").at("properties");
  EXPECT_EQ(boost::json::serialize(equals.at("key").at("enum")),
            R"(["year","team","final","tags"])");
  EXPECT_EQ(boost::json::serialize(equals.at("value")),
            R"({"anyOf":[{"type":["number","string","boolean"]},)"
            R"({"type":"array","items":{"type":["number","string","boolean"]}}]})");
  // Only what some attribute can be compared by.
  const auto numbers = WrittenFilterSchema({kAttributes[0]});
  EXPECT_THAT(numbers, HasSubstr("greaterThan"));
  EXPECT_THAT(numbers, Not(HasSubstr("startsWith")));
}

class FilterWriterTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    model_ = std::make_shared<fakes::FakeChatModel>("small");
    auto added = models_.Update(
        [&](provider::RegistrySnapshot& snapshot) { return snapshot.AddChat(model_, WallTime{}); });
    ASSERT_TRUE(added.has_value());
  }
  Result<std::optional<Filter>> Write(std::string question, std::string model = "small") {
    const FilterWriter writer(models_);
    ImplicitFilter wish{.model = std::move(model), .attributes = kAttributes};
    return Run(writer.Write(question, {}, wish, ctx_));
  }
  // The fields of the span of one writing, as text.
  std::string TraceOf(std::string question, Texts texts = Texts::kKept) {
    auto trace = std::make_shared<Trace>("t", SystemClock(), texts);
    ctx_.span = Span(trace, "test.root");
    EXPECT_TRUE(Write(std::move(question)).has_value());
    ctx_.span = Span();
    std::string out;
    for (const auto& record : trace->TakeEnded()) {
      if (record.name != "knowledge.filter") continue;
      for (const auto& [key, value] : record.fields) {
        if (const auto* text = std::get_if<std::string>(&value)) out += key + "=" + *text + ";";
        if (const auto* json = std::get_if<JsonText>(&value)) out += key + "=" + json->text + ";";
      }
    }
    return out;
  }
  provider::Registry models_;
  std::shared_ptr<fakes::FakeChatModel> model_;
};

TEST_F(FilterWriterTest, TheModelIsToldTheAttributesAndAskedTheQuestion) {
  model_->Next().Text(R"({"filter": {"equals": {"key": "year", "value": 2020}}})");
  const auto filter = Write("What was published in 2020?");
  ASSERT_TRUE(filter.has_value() && filter->has_value());
  EXPECT_TRUE(Matches(**filter, *ParseMetadata({R"({"year": 2020})"})));
  const auto request = model_->requests().at(0);
  EXPECT_THAT(domain::TextOf(request.system), HasSubstr("- year (NUMBER): of publication"));
  EXPECT_THAT(domain::LastUserText(request), HasSubstr("What was published in 2020?"));
  EXPECT_EQ(ctx_.role, "");
}

TEST_F(FilterWriterTest, WhatIsNoFilterIsLeftOutAndTheTraceSaysSo) {
  model_->Next().Text(R"({"filter": {"equals": {"key": "owner", "value": "me"}}})");
  EXPECT_THAT(TraceOf("q"), HasSubstr("\"owner\" is none of the attributes"));
  model_->Next().Text("I cannot help.");
  const auto filter = Write("q");
  ASSERT_TRUE(filter.has_value());
  EXPECT_FALSE(filter->has_value());
  model_->Next().Text(R"({"filter": {"equals": {"key": "team", "value": "a"}}})");
  EXPECT_THAT(TraceOf("q"), HasSubstr(R"(filter={"filter": {"equals")"));
  model_->Next().Text(R"({"filter": null})");
  EXPECT_THAT(TraceOf("q"), HasSubstr("conditions_on=nothing"));
}

TEST_F(FilterWriterTest, WhereTextsAreDroppedTheTraceQuotesNothingOfTheModel) {
  model_->Next().Text(R"({"filter": {"equals": {"key": "owner", "value": "me"}}})");
  EXPECT_THAT(TraceOf("q", Texts::kDropped), Not(HasSubstr("owner")));
  model_->Next().Text(R"({"filter": {"equals": {"key": "team", "value": "osterloh"}}})");
  const auto trace = TraceOf("q", Texts::kDropped);
  EXPECT_THAT(trace, HasSubstr("conditions_on=team"));
  EXPECT_THAT(trace, Not(HasSubstr("osterloh")));
}

TEST_F(FilterWriterTest, TheModelMustBeOneThatTheCallerMayUseAndItsFaultsAreTheCallers) {
  ctx_.models_allowed = {"other"};
  EXPECT_EQ(Write("q").error().code(), Code::kPermissionDenied);
  ctx_.models_allowed = {};
  EXPECT_EQ(Write("q", "gone").error().code(), Code::kNotFound);
  EXPECT_EQ(model_->calls(), 0);
  model_->Next().Fail(Code::kUnavailable);
  EXPECT_EQ(Write("q").error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace strata::knowledge
