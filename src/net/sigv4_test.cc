// Signatures that botocore 1.x and AWS's published test suite give for the same requests.

#include "net/sigv4.h"

#include <gtest/gtest.h>

namespace strata::net {
namespace {

constexpr std::string_view kKey = "AKIDEXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
// 2026-11-22T10:54:59Z.
constexpr WallTime kNow{std::chrono::seconds(1'795'344'899)};

struct Vector {
  const char* name;
  std::string method, host, target, body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string service, token;
  WallTime when;
  std::string signed_headers, signature;
};

const std::vector<Vector>& Vectors() {
  static const WallTime kSuite{std::chrono::seconds(1'440'938'160)};  // 20150830T123600Z
  static const std::vector<Vector> vectors = {
      {"AWS suite: get-vanilla",
       "GET",
       "example.amazonaws.com",
       "/",
       "",
       {},
       "service",
       "",
       kSuite,
       "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"AWS suite: get-vanilla-query-order-key-case",
       "GET",
       "example.amazonaws.com",
       "/?Param2=value2&Param1=value1",
       "",
       {},
       "service",
       "",
       kSuite,
       "host;x-amz-date",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"botocore: encoded ARN in the path",
       "POST",
       "127.0.0.1:8080",
       "/model/"
       "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Adefault-prompt-router%2Fx.y%3A1/"
       "converse-stream",
       "{\"messages\":[]}",
       {{"Content-Type", "application/json"}},
       "bedrock",
       "",
       kNow,
       "content-type;host;x-amz-date",
       "1b78436c79a8de721602c998adb2ef2429785c410253d3a5666b917d61a9fc76"},
      {"botocore: session token",
       "POST",
       "127.0.0.1:8080",
       "/model/arn%3Aaws%3Abedrock/converse",
       "{}",
       {{"Content-Type", "application/json"}},
       "bedrock",
       "SESSION/token+==",
       kNow,
       "content-type;host;x-amz-date;x-amz-security-token",
       "16d4de94c7c69e613b45d4558ac7fc78e00e2f86a8a233a8a1d0752c85c7d6a6"},
      {"botocore: odd path, query and spaces",
       "GET",
       "h.example",
       "/bedrock-agent//knowledgebases/./a/../b~c/"
       "?maxResults=5&nextToken=a%2Fb%3D&b&a=2&a=1",
       "",
       {{"X-Amz-Note", "  two   spaces  "}},
       "bedrock",
       "",
       kNow,
       "host;x-amz-date;x-amz-note",
       "3de86fabecde592192e6f656d6c63d4aa4346202a7aaafb3d308a7bb6db31d57"},
      {"botocore: S3 path is not encoded again",
       "PUT",
       "b.s3.amazonaws.com",
       "/key%20with%20space//x",
       "hello",
       {},
       "s3",
       "",
       kNow,
       "host;x-amz-content-sha256;x-amz-date",
       "37859e983f08426ab8628deb555656f140e25f96795364cca9ce2539608d46a8"},
  };
  return vectors;
}

HttpRequest SignedRequest(const Vector& vector) {
  HttpRequest request;
  request.method = vector.method;
  request.target = vector.target;
  request.body = vector.body;
  request.authority = vector.host;
  for (const auto& [name, value] : vector.headers) request.headers.Add(name, value);
  SigV4Credentials credentials{std::string(kKey), std::string(kSecret), vector.token};
  SignSigV4(credentials, {.region = "us-east-1", .service = vector.service}, vector.when,
            vector.method, vector.host, vector.target, vector.body, request.headers);
  return request;
}

std::optional<std::string> SecretOf(std::string_view id) {
  if (id == kKey) return std::string(kSecret);
  return std::nullopt;
}

TEST(SigV4, SignaturesAreThoseOfTheReference) {
  for (const auto& vector : Vectors()) {
    auto request = SignedRequest(vector);
    auto auth = ParseSigV4Authorization(request.headers.Get("authorization"));
    ASSERT_TRUE(auth.has_value()) << vector.name;
    EXPECT_EQ(auth->signature, vector.signature) << vector.name;
    EXPECT_NE(
        request.headers.Get("authorization").find("SignedHeaders=" + vector.signed_headers + ","),
        std::string_view::npos)
        << vector.name;
  }
}

TEST(SigV4, WhatWasSignedIsVerified) {
  for (const auto& vector : Vectors()) {
    ManualClock clock(vector.when);
    auto verified =
        VerifySigV4(SignedRequest(vector), clock, SecretOf, {.service = vector.service});
    ASSERT_TRUE(verified.has_value()) << vector.name << verified.error().message();
    EXPECT_EQ(verified->access_key_id, kKey);
    EXPECT_EQ(verified->region, "us-east-1");
    EXPECT_EQ(verified->session_token, vector.token);
  }
}

TEST(SigV4, Http2RequestWithoutHostHeaderIsVerifiedByItsAuthority) {
  auto request = SignedRequest(Vectors()[2]);
  request.headers.Remove("host");
  ManualClock clock(kNow);
  EXPECT_TRUE(VerifySigV4(request, clock, SecretOf).has_value());
}

// What @smithy/signature-v4 of AWS's JavaScript SDK sends over HTTP/2.
TEST(SigV4, AuthorityMayBeSignedInPlaceOfHost) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/model/kb%2Fharbour/converse";
  request.authority = "127.0.0.1:8080";
  request.body = "{\"messages\":[]}";
  request.headers.Add("content-type", "application/json");
  request.headers.Add("x-amz-date", "20261122T105459Z");
  request.headers.Add("x-amz-content-sha256",
                      "5e4ce7b36ba37b78a5d5f9fd08e6b7b54ba6879d651aa46ec9e1d6fa24ebe30a");
  request.headers.Add(
      "authorization",
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/bedrock/aws4_request, "
      "SignedHeaders=:authority;content-type;x-amz-content-sha256;x-amz-date, "
      "Signature=a734216d09254eb758246bdc76b3dc1f80dc7d00e3c24aa516286ee3e4662b85");
  ManualClock clock(kNow);
  auto verified = VerifySigV4(request, clock, SecretOf);
  EXPECT_TRUE(verified.has_value()) << verified.error().message();
  request.authority = "evil:8080";
  EXPECT_FALSE(VerifySigV4(request, clock, SecretOf).has_value());
}

TEST(SigV4, UnsignedPayloadIsAcceptedAndAFalseHashIsNot) {
  auto vector = Vectors()[2];
  vector.headers.push_back({"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"});
  auto request = SignedRequest(vector);
  request.body += "anything";
  ManualClock clock(kNow);
  EXPECT_TRUE(VerifySigV4(request, clock, SecretOf).has_value());
  request.headers.Set("x-amz-content-sha256", "0000");
  auto wrong = VerifySigV4(request, clock, SecretOf);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().message().find("not the hash"), std::string::npos);
}

struct Damage {
  const char* name;
  std::function<void(HttpRequest&)> change;
  const char* says;
};

TEST(SigV4, EveryChangeIsRefusedWithItsReason) {
  auto replace = [](HttpRequest& request, std::string_view from, std::string_view to) {
    std::string text(request.headers.Get("authorization"));
    text.replace(text.find(from), from.size(), to);
    request.headers.Set("authorization", text);
  };
  const std::vector<Damage> damages = {
      {"body", [](auto& r) { r.body += " "; }, "signature does not match"},
      {"path", [](auto& r) { r.target += "x"; }, "signature does not match"},
      {"method", [](auto& r) { r.method = "PUT"; }, "signature does not match"},
      {"host", [](auto& r) { r.headers.Set("host", "evil"); }, "signature does not match"},
      {"key", [&](auto& r) { replace(r, "AKIDEXAMPLE", "AKIDUNKNOWN"); },
       "unknown or the signature"},
      {"service", [&](auto& r) { replace(r, "/bedrock/", "/s3/"); }, "another service"},
      {"no date", [](auto& r) { r.headers.Remove("x-amz-date"); }, "x-amz-date is missing"},
      {"bad date", [](auto& r) { r.headers.Set("x-amz-date", "20261322T105459Z"); },
       "not YYYYMMDD"},
      {"other day", [](auto& r) { r.headers.Set("x-amz-date", "20261123T105459Z"); }, "differ"},
      {"unsigned x-amz", [](auto& r) { r.headers.Add("x-amz-extra", "1"); },
       "x-amz-extra is not signed"},
      {"missing signed", [](auto& r) { r.headers.Remove("content-type"); }, "was not sent"},
      {"host unsigned", [&](auto& r) { replace(r, "content-type;host;", "content-type;"); },
       "host header is not signed"},
      {"no signature", [&](auto& r) { replace(r, "Signature=", "Sig="); }, "unknown or repeated"},
      {"short signature", [&](auto& r) { replace(r, "Signature=1b", "Signature="); }, "64"},
      {"no header", [](auto& r) { r.headers.Remove("authorization"); }, "AWS4-HMAC-SHA256"},
  };
  ManualClock clock(kNow);
  for (const auto& damage : damages) {
    auto request = SignedRequest(Vectors()[2]);
    damage.change(request);
    auto verified = VerifySigV4(request, clock, SecretOf);
    ASSERT_FALSE(verified.has_value()) << damage.name;
    EXPECT_EQ(verified.error().code(), Code::kUnauthenticated) << damage.name;
    EXPECT_NE(verified.error().message().find(damage.says), std::string::npos)
        << damage.name << ": " << verified.error().message();
  }
}

TEST(SigV4, ClockSkewOfFiveMinutesIsTheLimit) {
  auto request = SignedRequest(Vectors()[2]);
  for (int seconds : {-300, -299, 0, 300}) {
    ManualClock clock(kNow + std::chrono::seconds(seconds));
    EXPECT_TRUE(VerifySigV4(request, clock, SecretOf).has_value()) << seconds;
  }
  for (int seconds : {-301, 301}) {
    ManualClock clock(kNow + std::chrono::seconds(seconds));
    auto verified = VerifySigV4(request, clock, SecretOf);
    ASSERT_FALSE(verified.has_value()) << seconds;
    EXPECT_NE(verified.error().message().find("clock"), std::string::npos);
  }
}

}  // namespace
}  // namespace strata::net
