// When two answers say the same, and when an answer keeps to its schema.

#include "route/agreement.h"

#include <gtest/gtest.h>

#include "route/schema_check.h"

namespace strata::route {
namespace {

domain::ChatResponse Answer(std::string text) {
  domain::ChatResponse response;
  response.content.push_back(domain::TextBlock{.text = std::move(text), .citations = {}});
  return response;
}

bool Same(std::string a, std::string b) {
  return Agree(ComparableOf(Answer(std::move(a))), ComparableOf(Answer(std::move(b))), nullptr);
}

TEST(Agreement, NumbersAndLabelsAreComparedByWhatTheyMean) {
  EXPECT_TRUE(Same("1,234", "1234.0"));
  EXPECT_TRUE(Same("Let me see: 3 × 4 is twelve.\nThe answer is 12.", "\\boxed{12}"));
  EXPECT_TRUE(Same("(B)", "B."));
  EXPECT_TRUE(Same("Answer: spam", "Spam"));
  EXPECT_FALSE(Same("The answer is 12", "The answer is 13"));
  EXPECT_FALSE(Same("B", "C"));
  EXPECT_FALSE(Same("", ""));
}

TEST(Agreement, JsonIsComparedWithoutOrderFencesAndSpelling) {
  EXPECT_TRUE(Same(R"({"a": 1.0, "b": [2]})", "```json\n{\"b\":[2],\"a\":1}\n```"));
  EXPECT_FALSE(Same(R"({"a": [1, 2]})", R"({"a": [2, 1]})"));
}

TEST(Agreement, ToolCallsByNameAndArguments) {
  auto call = [](std::string name, std::string input) {
    domain::ChatResponse response = Answer("I shall look it up.");
    response.stop_reason = domain::StopReason::kToolUse;
    response.content.push_back(
        domain::ToolUseBlock{.id = "x", .name = std::move(name), .input = {std::move(input)}});
    return ComparableOf(response);
  };
  EXPECT_TRUE(
      Agree(call("find", R"({"q":"a","n":2})"), call("find", R"({"n":2.0,"q":"a"})"), nullptr));
  EXPECT_FALSE(Agree(call("find", R"({"q":"a"})"), call("find", R"({"q":"b"})"), nullptr));
  EXPECT_FALSE(Agree(call("find", "{}"), ComparableOf(Answer("find")), nullptr));
}

TEST(Agreement, ACutAnswerAgreesWithNothing) {
  auto cut = Answer("12");
  cut.stop_reason = domain::StopReason::kMaxTokens;
  EXPECT_FALSE(Agree(ComparableOf(cut), ComparableOf(cut), nullptr));
}

TEST(SchemaCheck, NamesThePlaceThatDoesNotFit) {
  constexpr std::string_view kSchema = R"({"type": "object", "required": ["items"],
    "additionalProperties": false, "$defs": {"price": {"type": "number", "minimum": 0}},
    "properties": {"items": {"type": "array", "minItems": 1, "items": {"type": "object",
      "properties": {"price": {"$ref": "#/$defs/price"}, "kind": {"enum": ["a", "b"]}}}},
      "note": {"type": ["string", "null"]}}})";
  EXPECT_EQ(AnswerProblem(R"({"items": [{"price": 2.5, "kind": "a"}], "note": null})", kSchema),
            "");
  EXPECT_EQ(AnswerProblem(R"({"items": [{"price": "2"}]})", kSchema),
            "$.items[0].price: expected number");
  EXPECT_EQ(AnswerProblem(R"({"items": [{"price": -1}]})", kSchema),
            "$.items[0].price: out of range");
  EXPECT_NE(AnswerProblem(R"({"items": [{"kind": "c"}]})", kSchema), "");
  EXPECT_EQ(AnswerProblem("{}", kSchema), "$: lacks items");
  EXPECT_NE(AnswerProblem(R"({"items": []})", kSchema), "");
  EXPECT_NE(AnswerProblem(R"({"items": [{}], "more": 1})", kSchema), "");
  EXPECT_EQ(AnswerProblem("Sure! {}", kSchema), "the answer is no JSON");
}

TEST(SchemaCheck, ASchemaWithoutEndIsNotFollowedWithoutEnd) {
  constexpr std::string_view kSchema = R"({"$ref": "#"})";
  EXPECT_NE(AnswerProblem("{}", kSchema), "");
}

}  // namespace
}  // namespace strata::route
