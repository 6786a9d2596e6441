#include "net/http2/client_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::net::http2 {
namespace {

class Owner final : public ClientEvents {
 public:
  void OnHead(StreamId, int, Headers) override {}
  void OnData(StreamId, std::string_view) override {}
  void OnEnd(StreamId stream, StreamEnd end, std::string_view) override {
    EXPECT_EQ(end, StreamEnd::kRefused);
    refused.push_back(stream);
  }
  std::vector<StreamId> refused;
};

// A server's SETTINGS frame with SETTINGS_MAX_CONCURRENT_STREAMS alone (RFC 9113 §6.5).
std::string StreamsMax(unsigned char count) {
  return {'\0', '\0', '\6', '\4', '\0',
          '\0', '\0', '\0', '\0', '\0',
          '\3', '\0', '\0', '\0', static_cast<char>(count)};
}

// HEADERS frames (RFC 9113 §6.2) behind the client's preface.
int RequestsIn(std::string_view bytes) {
  int count = 0;
  for (std::size_t at = 24; at + 9 <= bytes.size();) {
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
    if (byte(3) == 1) ++count;
    at += 9 + (byte(0) << 16 | byte(1) << 8 | byte(2));
  }
  return count;
}

const ClientSession::Fields kFields = {
    {":method", "GET"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/"}};

TEST(ClientSession, RequestsBeyondTheServersLimitAreGivenBackBeforeTheyAreSent) {
  Owner owner;
  auto session = ClientSession::Create({}, owner);
  std::vector<StreamId> ids;
  for (int i = 0; i < 7; ++i) ids.push_back(session->Request(kFields, ""));
  ASSERT_TRUE(session->Feed(StreamsMax(3), SteadyTime()));
  EXPECT_EQ(owner.refused, std::vector<StreamId>(ids.begin() + 3, ids.end()));
  EXPECT_FALSE(session->has_room());
  std::string sent;
  session->Pull(sent, 1 << 20);
  EXPECT_EQ(RequestsIn(sent), 3);
}

// What has left may be under way at the server: sending it again would do it twice.
TEST(ClientSession, WhatHasLeftIsNotGivenBack) {
  Owner owner;
  auto session = ClientSession::Create({}, owner);
  for (int i = 0; i < 5; ++i) session->Request(kFields, "");
  std::string sent;
  session->Pull(sent, 1 << 20);
  EXPECT_EQ(RequestsIn(sent), 5);
  auto late = session->Request(kFields, "");
  ASSERT_TRUE(session->Feed(StreamsMax(2), SteadyTime()));
  EXPECT_EQ(owner.refused, std::vector<StreamId>{late});
  EXPECT_EQ(session->open_streams(), 5U);
}

}  // namespace
}  // namespace strata::net::http2
