#include "net/sse.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::net {
namespace {

// Events of `stream` when it comes in pieces of `size` bytes, as "event|data|id".
std::vector<std::string> Parse(std::string_view stream, std::size_t size) {
  SseParser parser;
  std::vector<std::string> events;
  while (!stream.empty()) {
    auto piece = stream.substr(0, size);
    stream.remove_prefix(piece.size());
    SseEvent event;
    while (true) {
      auto got = parser.Next(piece, event);
      EXPECT_TRUE(got.has_value());
      if (!got.has_value() || !*got) break;
      events.push_back(event.event + "|" + event.data + "|" + event.id);
    }
  }
  return events;
}

struct Example {
  const char* name;
  std::string stream;
  std::vector<std::string> events;
};

TEST(SseParser, GivesTheSameEventsHoweverTheStreamIsCut) {
  const std::vector<Example> examples = {
      {"plain", "data: a\n\ndata: b\n\n", {"|a|", "|b|"}},
      {"all line ends", "data: a\r\n\r\ndata: b\r\rdata: c\n\n", {"|a|", "|b|", "|c|"}},
      {"many lines", "data: a\ndata:\ndata: b\n\n", {"|a\n\nb|"}},
      {"byte order mark",
       "\xef\xbb\xbf"
       "data: a\n\n",
       {"|a|"}},
      {"comments", ": hi\ndata: a\n:\n\n", {"|a|"}},
      {"event and id", "event: delta\nid: 7\ndata: x\n\ndata: y\n\n", {"delta|x|7", "|y|7"}},
      {"event without data", "event: ping\n\ndata: z\n\n", {"|z|"}},
      {"one space is dropped", "data:  a\ndata:b\n\n", {"| a\nb|"}},
      {"field without colon", "data\n\n", {"||"}},
      {"unknown field", "foo: 1\nretry: 5\ndata: a\n\n", {"|a|"}},
      {"cut at the end", "data: a\n\ndata: b\n", {"|a|"}},
      {"id with NUL is ignored", std::string("id: a\0b\ndata: x\n\n", 17), {"|x|"}},
  };
  for (const auto& example : examples) {
    for (std::size_t size : {1, 2, 3, 7, 1000}) {
      EXPECT_EQ(Parse(example.stream, size), example.events) << example.name << " by " << size;
    }
  }
}

TEST(SseParser, EventBeyondTheLimitIsTooLarge) {
  for (std::string stream : {std::string(200, 'x'), "data: " + std::string(60, 'a') +
                                                        "\ndata: " + std::string(60, 'b') + "\n"}) {
    SseParser parser(100);
    SseEvent event;
    std::string_view bytes = stream;
    auto got = parser.Next(bytes, event);
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code(), Code::kTooLarge);
  }
}

TEST(SseWriter, WritesWhatTheParserReads) {
  std::string out;
  AppendSseEvent(out, "delta\nevil: 1", "a\r\nb\n\nc\rd");
  AppendSseComment(out, "keep\nalive");
  AppendSseEvent(out, "", "");
  EXPECT_EQ(Parse(out, 5), (std::vector<std::string>{"delta evil: 1|a\nb\n\nc\nd|", "||"}));
}

}  // namespace
}  // namespace strata::net
