#include "dialect/event_stream.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace strata::dialect {
namespace {

TEST(EventStream, MessagesComeBackUnderEveryChunking) {
  const auto bytes = EncodeEvent("chunk", R"({"bytes":"eA=="})") + EncodeException("x", "why");
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    EventStreamReader reader;
    std::vector<EventMessage> messages;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      reader.Append(std::string_view(bytes).substr(at, step));
      while (true) {
        auto next = reader.Next();
        ASSERT_TRUE(next);
        if (!*next) break;
        messages.push_back(**next);
      }
    }
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(messages[0].Header(":event-type"), "chunk");
    EXPECT_EQ(messages[0].payload, R"({"bytes":"eA=="})");
    EXPECT_EQ(messages[1].Header(":message-type"), "exception");
    EXPECT_EQ(messages[1].payload, R"({"message":"why"})");
    EXPECT_TRUE(reader.empty());
  }
}

TEST(EventStream, EveryFlippedBitIsFound) {
  const auto good = EncodeEvent("chunk", "{}");
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EventStreamReader reader;
    reader.Append(bad);
    EXPECT_FALSE(reader.Next()) << "bit " << bit;
  }
}

TEST(EventStream, ADeclaredLengthOverTheLimitIsRefusedAtOnce) {
  EventStreamReader reader(100);
  reader.Append(EncodeEvent("chunk", std::string(200, 'x')).substr(0, 12));
  auto next = reader.Next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code(), Code::kTooLarge);
}

// The bytes were read by botocore 1.44.5 (EventStreamBuffer) as these headers and this payload.
TEST(EventStream, WritesWhatBotocoreReads) {
  EXPECT_EQ(HexEncode(EncodeEvent("chunk", R"({"bytes":"eA=="})")),
            "0000006b0000004b6ace012d0b3a6576656e742d747970650700056368756e6b0d3a636f"
            "6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d65737361"
            "67652d747970650700056576656e747b226279746573223a2265413d3d227d4729b08c");
}

TEST(EventStream, ReadsEveryHeaderType) {
  std::string headers;
  auto add = [&](std::string_view name, char type, std::string_view value) {
    headers += static_cast<char>(name.size());
    headers += name;
    headers += type;
    headers += value;
  };
  add("t", 0, "");
  add("f", 1, "");
  add("b", 2, "\xff");
  add("s", 3, std::string_view("\x01\x00", 2));
  add("i", 4, std::string_view("\x00\x00\x00\x07", 4));
  add("l", 5, std::string_view("\xff\xff\xff\xff\xff\xff\xff\xfe", 8));
  add("y", 6, std::string_view("\x00\x02zz", 4));
  add("g", 7, std::string_view("\x00\x02hi", 4));
  add("d", 8, std::string_view("\x00\x00\x00\x00\x00\x00\x00\x09", 8));
  add("u", 9, "0123456789abcdef");
  auto word = [](std::size_t value) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
    return out;
  };
  std::string frame = word(16 + headers.size()) + word(headers.size());
  frame += word(Crc32(frame));
  frame += headers;
  frame += word(Crc32(frame));
  EventStreamReader reader;
  reader.Append(frame);
  auto next = reader.Next();
  ASSERT_TRUE(next && *next);
  const auto& message = **next;
  EXPECT_EQ(message.Header("t"), "true");
  EXPECT_EQ(message.Header("f"), "false");
  EXPECT_EQ(message.Header("b"), "-1");
  EXPECT_EQ(message.Header("s"), "256");
  EXPECT_EQ(message.Header("i"), "7");
  EXPECT_EQ(message.Header("l"), "-2");
  EXPECT_EQ(message.Header("y"), "zz");
  EXPECT_EQ(message.Header("g"), "hi");
  EXPECT_EQ(message.Header("d"), "9");
  EXPECT_EQ(message.Header("u"), "30313233343536373839616263646566");
}

}  // namespace
}  // namespace strata::dialect
