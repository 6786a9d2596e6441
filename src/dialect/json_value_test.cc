#include "dialect/json_value.h"

#include <gtest/gtest.h>

#include "dialect/json/json_writer.h"
#include "dialect/sse.h"

namespace strata::dialect {
namespace {

TEST(Json, KeepsTheSpellingOfNumbers) {
  constexpr std::string_view kText =
      R"({"a":1.10,"b":123456789012345678901234567890,"c":-0.0,"d":1e5,"e":[true,null,"ü\n"]})";
  EXPECT_EQ(ParseJson(kText)->Dump(), kText);
}

TEST(Json, OfDuplicateKeysTheLastWinsAtThePlaceOfTheFirst) {
  EXPECT_EQ(ParseJson(R"({"a":1,"b":2,"a":3,"a":4})")->Dump(), R"({"a":4,"b":2})");
}

TEST(Json, EveryLimitIsNamed) {
  auto fault = [](std::string_view text, const JsonLimits& limits) {
    return ParseJson(text, limits).error().message();
  };
  EXPECT_EQ(fault("[1,2]", {.bytes_max = 3}), "the JSON text has 5 bytes, the limit is 3");
  EXPECT_EQ(fault("[[[1]]]", {.depth_max = 2}), "the JSON text is nested deeper than 2 levels");
  EXPECT_EQ(fault("[1,2,3]", {.values_max = 2}), "the JSON text has more than 2 values");
}

TEST(Json, BrokenTextIsRefusedWithItsPlace) {
  for (auto text : {"", "{", "[1,]", "nul", "1 2", "\"\xff\"", "{\"a\"}", "\"\\ud800\"", "01"}) {
    auto value = ParseJson(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code(), Code::kInvalidArgument);
    EXPECT_TRUE(value.error().message().starts_with("not valid JSON at byte")) << text;
  }
}

TEST(Json, BrokenTextIsExplainedByLineMemberAndWhatWasExpected) {
  struct Case {
    std::string_view text;
    std::string_view field;
    std::string_view says;
  };
  constexpr std::string_view kHalf = "half of a character; expected its other half beside it";
  const Case cases[] = {
      {R"({"messages":[{"role":"user"},{"content":"a \ud800 b"}]})", "messages[1].content", kHalf},
      {R"({"a":"\udc00"})", "a", kHalf},
      {R"({"a":"\uD83D"})", "a", kHalf},
      {R"({"a":"\ud800\u0041"})", "a", kHalf},
      {R"({"a":"\u12g4"})", "a", "four hex digits"},
      {"\xEF\xBB\xBF{}", "", "byte order mark"},
      {"{\n \"a\": [1,\n  2,]}", "a[2]", "(line 3), in a[2]: expected a value"},
      {R"({"a":{"b":1,}})", "a", "the name of a member in double quotes, found '}'"},
      {R"({"a" 1})", "a", "expected ':', found '1'"},
      {R"({"a":1 "b":2})", "", "expected ',' or '}', found '\"'"},
      {R"({"a":[1 2]})", "a[1]", "expected ',' or ']', found '2'"},
      {R"({"a":NaN})", "a", "expected a value: a string, a number"},
      {R"({'a':1})", "", "in double quotes, or '}'"},
      {"{\"a\":\"x\ny\"}", "a", "found byte 0x0A; in a string it is written as an escape"},
      {R"({"a":{"b":)", "a.b", "ends before the JSON value does"},
      {R"({} {})", "", "nothing more after the JSON value"},
      {"{\"a\": \"caf\xe9\"}", "a", "not UTF-8"},
  };
  for (const auto& c : cases) {
    auto value = ParseJson(c.text);
    ASSERT_FALSE(value) << c.text;
    EXPECT_EQ(value.error().field(), c.field) << value.error().message();
    EXPECT_NE(value.error().message().find(c.says), std::string::npos) << value.error().message();
    EXPECT_TRUE(value.error().message().starts_with("not valid JSON at byte"));
  }
}

TEST(Json, TextThatIsNotUtf8IsCalledThat) {
  EXPECT_NE(ParseJson("{\"a\": \"caf\xe9\"}").error().message().find("UTF-8"), std::string::npos);
  EXPECT_EQ(ParseJson("{\"a\": caf\xc3\xa9}").error().message().find("UTF-8"), std::string::npos);
}

TEST(JsonField, WholeNumbersMayBeWrittenAsReals) {
  auto root = *ParseJson(R"({"a":256.0,"b":1.5,"c":1e300})");
  JsonField field(root);
  EXPECT_EQ(*field.Get("a").Integer(0, 1000), 256);
  EXPECT_FALSE(field.Get("b").Integer(0, 1000));
  EXPECT_FALSE(field.Get("c").Integer(0, INT64_MAX));
}

TEST(JsonField, PathsNameListsAndMembers) {
  auto root = *ParseJson(R"({"a":[{"b":1}]})");
  JsonField body(root);
  auto a = body.Get("a");
  auto item = a.Item(0);
  EXPECT_EQ(item.Get("b").Path(), "a[0].b");
  // What a user called a member is quoted.
  const auto member = item.Member(0);
  EXPECT_EQ(member.Wrong("bad").field(), "a[0].b");
  EXPECT_EQ(member.Wrong("bad").WithoutQuotes().message(), "a[0].…: bad");
  EXPECT_EQ(item.OnlyMembers({}).error().WithoutQuotes().field(), "a[0].…");
  EXPECT_EQ(item.Get("b").String().error().message(), "a[0].b: expected a string");
  EXPECT_EQ(item.Get("b").String().error().field(), "a[0].b");
}

TEST(JsonWriter, PutsCommasAndNeverWritesInvalidNumbers) {
  JsonWriter out;
  out.BeginObject().Field("a", 1).Field("b", 0.1).Field("c", 1.0 / 0.0).Key("d").BeginArray();
  out.Value("x").Value(true).EndArray().EndObject();
  EXPECT_EQ(out.text(), R"({"a":1,"b":0.1,"c":null,"d":["x",true]})");
}

TEST(Sse, ReadsAllLineEndsCommentsAndFields) {
  const std::string bytes =
      "\xEF\xBB\xBF: hello\r\nevent: a\r\ndata: 1\r\ndata:2\r\nid: 7\r\n\r\nevent: none\n\ndata\n\n"
      "data: x\r\rdata: cut";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    SseReader reader;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      reader.Append(std::string_view(bytes).substr(at, step));
      while (true) {
        auto next = reader.Next();
        ASSERT_TRUE(next);
        if (!*next) break;
        seen.push_back((*next)->event + "|" + (*next)->data);
      }
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"a|1\n2", "|", "|x"})) << "step " << step;
  }
}

TEST(Sse, AnEndlessLineIsRefused) {
  SseReader reader(100);
  reader.Append("data: " + std::string(200, 'x'));
  auto next = reader.Next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace strata::dialect
