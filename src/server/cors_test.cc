#include "server/cors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::server {
namespace {

using testing::HasSubstr;

net::HttpRequest Preflight(const std::string& origin, const std::string& headers) {
  net::HttpRequest request;
  request.method = "OPTIONS";
  request.headers.Set("origin", origin);
  request.headers.Set("access-control-request-method", "POST");
  request.headers.Set("access-control-request-headers", headers);
  return request;
}

TEST(CorsTest, IsOffWithoutOrigins) {
  auto cors = Cors::From({}).value();
  EXPECT_FALSE(cors.on());
  EXPECT_FALSE(cors.Preflight(Preflight("https://a.example", "")).has_value());
}

TEST(CorsTest, AnswersCarryTheOriginThatIsAllowedAndNoOther) {
  auto cors = Cors::From({"https://a.example"}).value();
  net::Headers good;
  cors.AddTo(good, "https://a.example");
  EXPECT_EQ(good.Get("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(good.Get("vary"), "Origin");
  EXPECT_THAT(std::string(good.Get("access-control-expose-headers")), HasSubstr("retry-after"));
  net::Headers other;
  cors.AddTo(other, "https://a.example.evil.example");
  EXPECT_FALSE(other.Has("access-control-allow-origin"));
  EXPECT_EQ(other.Get("vary"), "Origin");
}

TEST(CorsTest, PreflightAllowsTheHeadersThatSdksSend) {
  auto cors = Cors::From({"https://a.example"}).value();
  auto request = Preflight("https://a.example", "authorization,content-type,x-stainless-lang");
  EXPECT_TRUE(Cors::IsPreflight(request));
  auto headers = cors.Preflight(request);
  ASSERT_TRUE(headers.has_value());
  EXPECT_EQ(headers->Get("access-control-allow-headers"),
            "authorization,content-type,x-stainless-lang");
  EXPECT_EQ(cors.Preflight(Preflight("https://b.example", "")).error().code(),
            Code::kPermissionDenied);
}

TEST(CorsTest, AskedHeadersThatAreNoNamesAreRefused) {
  auto cors = Cors::From({"*"}).value();
  EXPECT_EQ(cors.Preflight(Preflight("https://a.example", "x\r\nset-cookie: a")).error().field(),
            "access-control-request-headers");
}

TEST(CorsTest, EntriesMustBeOrigins) {
  for (const auto* bad : {"example.com", "https://", "https://a.example/path", "https://u@a"}) {
    EXPECT_FALSE(Cors::From({bad}).has_value()) << bad;
  }
}

}  // namespace
}  // namespace strata::server
