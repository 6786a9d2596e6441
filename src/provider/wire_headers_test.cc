#include "provider/wire_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::provider {
namespace {

using testing::ElementsAre;
using testing::Pair;

net::Headers Make(std::initializer_list<std::pair<const char*, const char*>> fields) {
  net::Headers headers;
  for (const auto& [name, value] : fields) headers.Add(name, value);
  return headers;
}

TEST(RequestHeadersToForward, KeepsWhatTheProviderIsMeantToSee) {
  auto kept = RequestHeadersToForward(Make({{"anthropic-beta", "new-2027"},
                                            {"OpenAI-Beta", "b"},
                                            {"User-Agent", "sdk/1"},
                                            {"x-amzn-bedrock-trace", "ENABLED"},
                                            {"a-name-that-is-longer-than-any-known-one", "1"}}));
  EXPECT_THAT(kept,
              ElementsAre(Pair("anthropic-beta", "new-2027"), Pair("OpenAI-Beta", "b"),
                          Pair("User-Agent", "sdk/1"), Pair("x-amzn-bedrock-trace", "ENABLED"),
                          Pair("a-name-that-is-longer-than-any-known-one", "1")));
}

TEST(RequestHeadersToForward, LeavesOutKeysHostsAndConnections) {
  auto kept = RequestHeadersToForward(Make({{"Authorization", "Bearer sk-strata"},
                                            {"X-Api-Key", "k"},
                                            {"api-key", "k"},
                                            {"x-goog-api-key", "k"},
                                            {"OpenAI-Organization", "another's"},
                                            {"openai-project", "another's"},
                                            {"Cookie", "a=b"},
                                            {"Host", "h"},
                                            {"Content-Length", "3"},
                                            {"X-Amz-Date", "d"},
                                            {"x-amz-security-token", "t"},
                                            {"Accept-Encoding", "gzip"},
                                            {"Transfer-Encoding", "chunked"},
                                            {"x-strata-tag-team", "a"},
                                            {"X-Forwarded-For", "1"},
                                            {"Connection", "keep-alive, x-hop"},
                                            {"X-Hop", "1"},
                                            {"x-kept", "1"}}));
  EXPECT_THAT(kept, ElementsAre(Pair("x-kept", "1")));
}

TEST(AnswerHeadersToForward, LeavesOutWhatBelongsToTheProvidersHost) {
  auto kept = AnswerHeadersToForward(Make({{"content-type", "application/json"},
                                           {"Content-Length", "3"},
                                           {"Set-Cookie", "a=b"},
                                           {"x-ratelimit-remaining-tokens", "7"},
                                           {"strict-transport-security", "x"},
                                           {"x-strata-trace-id", "theirs"},
                                           {"Access-Control-Allow-Origin", "*"},
                                           {"request-id", "r"},
                                           {"Date", "now"}}));
  EXPECT_THAT(kept,
              ElementsAre(Pair("content-type", "application/json"),
                          Pair("x-ratelimit-remaining-tokens", "7"), Pair("request-id", "r")));
}

TEST(RequestHeadersToForward, EveryConnectionLineNamesWhatStaysHere) {
  auto kept = RequestHeadersToForward(Make({{"connection", "keep-alive"},
                                            {"Connection", "close , X-Hop"},
                                            {"x-hop", "1"},
                                            {"x-other", "2"}}));
  EXPECT_THAT(kept, ElementsAre(Pair("x-other", "2")));
}

}  // namespace
}  // namespace strata::provider
