#include "dialect/json_scan.h"

#include <gtest/gtest.h>

namespace strata::dialect {
namespace {

TEST(ScanObject, SaysWhereEachMemberStands) {
  constexpr std::string_view kText =
      " {\"a\" : [1, {\"b\": 2}] ,\"model\":\"x\\\"y\", \"n\":null }\n";
  auto object = ScanObject(kText);
  ASSERT_TRUE(object.has_value());
  ASSERT_EQ(object->members().size(), 3U);
  EXPECT_EQ(object->TextAt("a"), R"([1, {"b": 2}])");
  EXPECT_EQ(object->TextAt("model"), R"("x\"y")");
  EXPECT_EQ(object->Find("n"), nullptr);
  EXPECT_EQ(object->Find("b"), nullptr);
  EXPECT_EQ(kText.substr(object->Find("model")->value.start, 6), R"("x\"y")");
}

TEST(ScanObject, TakesOnlyValidJson) {
  for (std::string_view bad : {"",
                               "[]",
                               "{",
                               "{}x",
                               "{\"a\":}",
                               "{\"a\":1,}",
                               "{\"a\" 1}",
                               "{a:1}",
                               "{\"a\":01}",
                               "{\"a\":1.}",
                               "{\"a\":-}",
                               "{\"a\":1e}",
                               "{\"a\":tru}",
                               "{\"a\":\"\n\"}",
                               "{\"a\":\"\\x\"}",
                               "{\"a\":\"\\u12g4\"}",
                               "{\"a\":\"\\ud800\"}",
                               "{\"a\":\"\\udc00\"}",
                               "{\"a\":\"\xff\"}",
                               "{\"a\":\"\xed\xa0\x80\"}",
                               "{\"a\":\"open}",
                               "{\"a\":[1 2]}",
                               "{\"a\":nul",
                               "\xef\xbb\xbf{}"}) {
    EXPECT_FALSE(ScanObject(bad).has_value()) << bad;
    EXPECT_FALSE(bad != "[]" && ParseJson(bad).has_value()) << bad;
  }
  for (std::string_view good :
       {"{}", " { } ", "{\"a\":-0.5e+10}", "{\"a\":\"\\ud83d\\ude00 \\u00e9\"}",
        "{\"a\":\"é漢😀\"}", "{\"a\":[[],{},true,false,null]}",
        "{\"a\":\"0123456789 \\\\ 0123456789\"}"}) {
    EXPECT_TRUE(ScanObject(good).has_value()) << good;
    EXPECT_TRUE(ParseJson(good).has_value()) << good;
  }
}

TEST(ScanObject, LeavesWhatReadersCouldDisagreeOn) {
  EXPECT_FALSE(ScanObject(R"({"model":"a","model":"b"})").has_value());
  EXPECT_FALSE(ScanObject(R"({"mod\u0065l":"a"})").has_value());
  EXPECT_TRUE(ScanObject(R"({"a":{"b":1,"b":2}})").has_value());
}

TEST(ScanObject, KeepsTheLimitsOfTheParser) {
  auto nested = [](int depth) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  EXPECT_TRUE(ScanObject(nested(63)).has_value());
  EXPECT_TRUE(ParseJson(nested(63)).has_value());
  EXPECT_FALSE(ScanObject(nested(64)).has_value());
  EXPECT_FALSE(ScanObject(nested(1'000'000)).has_value());
  JsonLimits few{.values_max = 3};
  EXPECT_TRUE(ScanObject("{\"a\":1,\"b\":2}", few).has_value());
  EXPECT_FALSE(ScanObject("{\"a\":1,\"b\":2,\"c\":3}", few).has_value());
  JsonLimits small{.bytes_max = 4};
  EXPECT_FALSE(ScanObject("{   }", small).has_value());
}

TEST(Scanned, ReadsPlainValuesOnly) {
  EXPECT_EQ(ScannedString(R"("a\u0041")"), "aA");
  EXPECT_EQ(ScannedString("1"), std::nullopt);
  EXPECT_EQ(ScannedInteger("-12"), -12);
  EXPECT_EQ(ScannedInteger("1.0"), std::nullopt);
  EXPECT_EQ(ScannedInteger("99999999999999999999"), std::nullopt);
  EXPECT_EQ(ScannedBool("true"), true);
  EXPECT_EQ(ScannedBool("\"true\""), std::nullopt);
}

}  // namespace
}  // namespace strata::dialect
