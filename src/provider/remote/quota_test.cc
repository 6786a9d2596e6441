#include "provider/remote/quota.h"

#include <gtest/gtest.h>

namespace strata::provider::remote {
namespace {

net::Headers With(std::initializer_list<std::pair<std::string, std::string>> fields) {
  net::Headers headers;
  for (const auto& [name, value] : fields) headers.Add(name, value);
  return headers;
}

TEST(QuotaShare, IsTheScarcestOfWhatTheProviderCounts) {
  EXPECT_DOUBLE_EQ(QuotaShareOf(With({{"X-RateLimit-Limit-Requests", "100"},
                                      {"X-RateLimit-Remaining-Requests", "80"},
                                      {"x-ratelimit-limit-tokens", "1000"},
                                      {"x-ratelimit-remaining-tokens", "250"}})),
                   0.25);
  EXPECT_DOUBLE_EQ(QuotaShareOf(With({{"anthropic-ratelimit-output-tokens-limit", "10"},
                                      {"anthropic-ratelimit-output-tokens-remaining", "0"}})),
                   0);
}

TEST(QuotaShare, IsUnknownWhenHeadersAreMissingOrNonsense) {
  EXPECT_EQ(QuotaShareOf({}), -1);
  for (const char* value : {"", "-1", "x", "1e99", "nan", "inf", "10 "}) {
    EXPECT_EQ(QuotaShareOf(With({{"x-ratelimit-limit-requests", "100"},
                                 {"x-ratelimit-remaining-requests", value}})),
              -1)
        << value;
  }
  EXPECT_EQ(QuotaShareOf(With(
                {{"x-ratelimit-limit-requests", "0"}, {"x-ratelimit-remaining-requests", "0"}})),
            -1);
}

}  // namespace
}  // namespace strata::provider::remote
