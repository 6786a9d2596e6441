#include "knowledge/filter.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

Metadata Sample() {
  return *ParseMetadata({R"({"year": 2024, "team": "search", "draft": false,
                             "tags": ["alpha", "beta-2"], "owner": null, "nested": {"a": 1}})"});
}

bool Check(std::string_view json) {
  auto filter = ParseFilter(json);
  EXPECT_TRUE(filter.has_value()) << json << ": "
                                  << (filter.has_value() ? "" : filter.error().message());
  return filter.has_value() && Matches(*filter, Sample());
}

std::string FieldOf(std::string_view json) {
  auto filter = ParseFilter(json);
  EXPECT_FALSE(filter.has_value()) << json;
  return filter.has_value() ? "" : filter.error().field();
}

TEST(Filter, ComparesValuesOfTheSameType) {
  EXPECT_TRUE(Check(R"({"equals": {"key": "team", "value": "search"}})"));
  EXPECT_FALSE(Check(R"({"equals": {"key": "year", "value": "2024"}})"));
  EXPECT_TRUE(Check(R"({"equals": {"key": "year", "value": 2024}})"));
  EXPECT_TRUE(Check(R"({"equals": {"key": "draft", "value": false}})"));
  EXPECT_TRUE(Check(R"({"notEquals": {"key": "year", "value": "2024"}})"));
}

TEST(Filter, ComparesWholeNumbersDigitByDigit) {
  const auto metadata = *ParseMetadata(
      {R"({"id": 9007199254740993, "large": 18446744073709551615, "half": 0.5, "list": [9007199254740993]})"});
  const auto check = [&](std::string_view json) { return Matches(*ParseFilter(json), metadata); };
  EXPECT_TRUE(check(R"({"equals": {"key": "id", "value": 9007199254740993}})"));
  EXPECT_FALSE(check(R"({"equals": {"key": "id", "value": 9007199254740992}})"));
  EXPECT_TRUE(check(R"({"greaterThan": {"key": "id", "value": 9007199254740992}})"));
  EXPECT_FALSE(check(R"({"in": {"key": "id", "value": [9007199254740992, 9007199254740994]}})"));
  EXPECT_FALSE(check(R"({"listContains": {"key": "list", "value": 9007199254740992}})"));
  EXPECT_TRUE(check(R"({"equals": {"key": "large", "value": 18446744073709551615}})"));
  EXPECT_FALSE(check(R"({"equals": {"key": "large", "value": 18446744073709551614}})"));
  EXPECT_TRUE(check(R"({"equals": {"key": "half", "value": 5e-1}})"));
}

TEST(Filter, OrdersNumbersAndStringsButNotAcrossTypes) {
  EXPECT_TRUE(Check(R"({"greaterThan": {"key": "year", "value": 2023}})"));
  EXPECT_FALSE(Check(R"({"greaterThan": {"key": "year", "value": 2024}})"));
  EXPECT_TRUE(Check(R"({"greaterThanOrEquals": {"key": "year", "value": 2024}})"));
  EXPECT_TRUE(Check(R"({"lessThan": {"key": "year", "value": 2024.5}})"));
  EXPECT_TRUE(Check(R"({"lessThanOrEquals": {"key": "team", "value": "search"}})"));
  EXPECT_FALSE(Check(R"({"lessThanOrEquals": {"key": "team", "value": 1e9}})"));
  EXPECT_FALSE(Check(R"({"greaterThanOrEquals": {"key": "tags", "value": "a"}})"));
}

TEST(Filter, AbsentKeysMatchOnlyTheNegations) {
  EXPECT_TRUE(Check(R"({"notEquals": {"key": "nope", "value": 1}})"));
  EXPECT_TRUE(Check(R"({"notIn": {"key": "owner", "value": ["x"]}})"));
  EXPECT_FALSE(Check(R"({"equals": {"key": "nope", "value": 1}})"));
  EXPECT_FALSE(Check(R"({"lessThan": {"key": "nope", "value": 1}})"));
  EXPECT_FALSE(Check(R"({"in": {"key": "nope", "value": [1]}})"));
}

TEST(Filter, LooksIntoListsAndStrings) {
  EXPECT_TRUE(Check(R"({"in": {"key": "team", "value": ["ads", "search"]}})"));
  EXPECT_FALSE(Check(R"({"notIn": {"key": "team", "value": ["ads", "search"]}})"));
  EXPECT_TRUE(Check(R"({"startsWith": {"key": "team", "value": "sea"}})"));
  EXPECT_TRUE(Check(R"({"stringContains": {"key": "team", "value": "arc"}})"));
  EXPECT_TRUE(Check(R"({"stringContains": {"key": "tags", "value": "eta-"}})"));
  EXPECT_TRUE(Check(R"({"listContains": {"key": "tags", "value": "alpha"}})"));
  EXPECT_FALSE(Check(R"({"listContains": {"key": "tags", "value": "alph"}})"));
  EXPECT_FALSE(Check(R"({"listContains": {"key": "team", "value": "search"}})"));
  EXPECT_TRUE(Check(R"({"equals": {"key": "tags", "value": ["alpha", "beta-2"]}})"));
}

TEST(Filter, CombinesGroupsRecursively) {
  EXPECT_TRUE(Check(R"({"andAll": [
      {"equals": {"key": "draft", "value": false}},
      {"orAll": [{"equals": {"key": "year", "value": 1}},
                 {"startsWith": {"key": "team", "value": "s"}}]}]})"));
  EXPECT_FALSE(Check(R"({"andAll": [{"equals": {"key": "draft", "value": false}},
                                    {"equals": {"key": "year", "value": 1}}]})"));
}

TEST(Filter, ErrorsNameTheMember) {
  EXPECT_EQ(FieldOf("{"), "filter");
  EXPECT_EQ(FieldOf("[]"), "filter");
  EXPECT_EQ(FieldOf(R"({"near": {"key": "a", "value": 1}})"), "filter");
  EXPECT_EQ(FieldOf(R"({"equals": {"key": "a", "value": 1}, "in": {}})"), "filter");
  EXPECT_EQ(FieldOf(R"({"equals": {"value": 1}})"), "filter.equals");
  EXPECT_EQ(FieldOf(R"({"equals": {"key": "", "value": 1}})"), "filter.equals.key");
  const auto keyed = [](const std::string& key) {
    return FieldOf(R"({"equals": {"key": ")" + key + R"(", "value": 1}})");
  };
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\U0001F642";
  EXPECT_TRUE(ParseFilter(R"({"equals": {"key": ")" + wide + R"(", "value": 1}})").has_value())
      << "100 characters are allowed, whatever their bytes";
  EXPECT_EQ(keyed(wide + "a"), "filter.equals.key");
  EXPECT_EQ(keyed(std::string(101, 'a')), "filter.equals.key");
  EXPECT_EQ(FieldOf(R"({"equals": {"key": "a", "value": {}}})"), "filter.equals.value");
  EXPECT_EQ(FieldOf(R"({"in": {"key": "a", "value": "x"}})"), "filter.in.value");
  EXPECT_EQ(FieldOf(R"({"startsWith": {"key": "a", "value": 3}})"), "filter.startsWith.value");
  EXPECT_EQ(FieldOf(R"({"lessThan": {"key": "a", "value": true}})"), "filter.lessThan.value");
  EXPECT_EQ(FieldOf(R"({"andAll": [{"equals": {"key": "a", "value": 1}}]})"), "filter.andAll");
  EXPECT_EQ(FieldOf(R"({"andAll": [{"equals": {"key": "a", "value": 1}}, {"in": 3}]})"),
            "filter.andAll[1].in");
}

TEST(Filter, RefusesDeepAndWideOnes) {
  std::string deep = R"({"equals": {"key": "a", "value": 1}})";
  for (int i = 0; i < kFilterDepthMax; ++i) {
    deep = R"({"orAll": [{"equals": {"key": "a", "value": 1}}, )" + deep + "]}";
  }
  EXPECT_FALSE(ParseFilter(deep).has_value());
  std::string wide = R"({"orAll": [)";
  for (std::size_t i = 0; i <= kFilterNodesMax; ++i) {
    wide += R"({"equals": {"key": "a", "value": 1}},)";
  }
  wide.back() = ']';
  EXPECT_FALSE(ParseFilter(wide + "}").has_value());
  EXPECT_FALSE(ParseFilter(std::string(kFilterBytesMax + 1, ' ')).has_value());
}

TEST(Metadata, RefusesWhatIsNotAnObject) {
  EXPECT_FALSE(ParseMetadata({"[1]"}).has_value());
  EXPECT_TRUE(ParseMetadata({""})->empty());
}

}  // namespace
}  // namespace strata::knowledge
