#include "dialect/error_table.h"

#include <gtest/gtest.h>

#include "base/budget_error.h"
#include "base/hops.h"

namespace strata::dialect {
namespace {

using namespace std::chrono_literals;

std::string HeaderOf(const HttpError& error, std::string_view name) {
  for (const auto& [key, value] : error.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST(ErrorTable, EachDialectHasItsOwnForm) {
  auto bad = InvalidArgument("messages[0]", "expected an object");
  EXPECT_EQ(
      EncodeOpenAiError(bad, "r").body,
      R"({"error":{"message":"messages[0]: expected an object","type":"invalid_request_error","param":"messages[0]","code":"invalid_value"}})");
  EXPECT_EQ(
      EncodeAnthropicError(bad, "r").body,
      R"({"type":"error","error":{"type":"invalid_request_error","message":"messages.0: expected an object"},"request_id":"r"})");
  auto bedrock = EncodeBedrockError(bad, "r");
  EXPECT_EQ(bedrock.status, 400);
  EXPECT_EQ(HeaderOf(bedrock, "x-amzn-errortype"), "ValidationException");
  EXPECT_EQ(HeaderOf(bedrock, "x-amzn-requestid"), "r");
  EXPECT_EQ(bedrock.body, R"({"message":"messages.0: expected an object"})");
}

// OpenAI and Google write brackets, Anthropic and Bedrock dots; never both in one answer.
TEST(ErrorTable, EachDialectWritesPathsAsItsVendorDoes) {
  const auto bad = InvalidArgument("messages[12].content[0].text", "is blank");
  const auto inner = Error(bad).Because("messages[12].content[0].text of 'm'");
  const std::string brackets = "messages[12].content[0].text", dots = "messages.12.content.0.text";
  for (auto dialect : {Dialect::kOpenAi, Dialect::kGemini}) {
    for (const auto& error : {bad, inner}) {
      const auto body = EncodeError(dialect, error, "r").body;
      EXPECT_NE(body.find(brackets), std::string::npos) << body;
      EXPECT_EQ(body.find(dots), std::string::npos) << body;
    }
  }
  for (auto dialect : {Dialect::kAnthropic, Dialect::kBedrock}) {
    for (const auto& error : {bad, inner}) {
      const auto body = EncodeError(dialect, error, "r").body;
      EXPECT_NE(body.find(dots), std::string::npos) << body;
      EXPECT_EQ(body.find(brackets), std::string::npos) << body;
    }
  }
  EXPECT_NE(EncodeBedrockError(bad, "", BedrockService::kAgent).body.find(R"("name":")" + dots),
            std::string::npos);
}

TEST(ErrorTable, APathThatAPartOfTheRequestWasReadByIsWrittenInTheSameForm) {
  const auto part = InvalidArgument("messages[0].content", "is empty");
  const auto whole = Error(part).Because("chat").AtField("variants[1].chat.messages[0].content");
  EXPECT_EQ(PublicMessage(whole, Dialect::kBedrock), "chat: messages.0.content: is empty");
  EXPECT_EQ(PublicMessage(whole, Dialect::kOpenAi), "chat: messages[0].content: is empty");
}

TEST(ErrorTable, OnlyPlacesOfListsAreWrittenWithDots) {
  const auto path = [](std::string_view text) { return PathIn(Dialect::kAnthropic, text); };
  EXPECT_EQ(path("a[0][1].b"), "a.0.1.b");
  EXPECT_EQ(path("[3]"), ".3");
  EXPECT_EQ(path("a[].b[x]"), "a[].b[x]");
  EXPECT_EQ(path("a[0"), "a[0");
  EXPECT_EQ(path(""), "");
}

TEST(ErrorTable, BedrockServicesDifferWhereTheirModelsDo) {
  Error conflict(Code::kConflict, "name taken");
  EXPECT_EQ(EncodeBedrockError(conflict, "", BedrockService::kRuntime).status, 400);
  EXPECT_EQ(EncodeBedrockError(conflict, "", BedrockService::kAgent).status, 409);
  auto bad = EncodeBedrockError(InvalidArgument("name", "too long"), "", BedrockService::kAgent);
  EXPECT_NE(bad.body.find(R"("fieldList":[{"name":"name")"), std::string::npos);
  Error late(Code::kDeadlineExceeded, "slow");
  EXPECT_EQ(EncodeBedrockError(late, "").status, 408);
}

TEST(ErrorTable, WaitsAreSaidInSecondsAndMilliseconds) {
  auto error = Error(Code::kRateLimited, "slow down").RetryAfter(1500ms);
  auto out = EncodeOpenAiError(error, "");
  EXPECT_EQ(out.status, 429);
  EXPECT_EQ(HeaderOf(out, "retry-after"), "2");
  EXPECT_EQ(HeaderOf(out, "retry-after-ms"), "1500");
  EXPECT_EQ(HeaderOf(out, "x-should-retry"), "true");
}

// By the words of each, clients do not try again.
TEST(ErrorTable, AUsedUpBudgetIsNoRateLimit) {
  auto spent = BudgetUsedUp("no money is left");
  auto openai = EncodeOpenAiError(spent, "r");
  EXPECT_EQ(openai.status, 429);
  EXPECT_EQ(HeaderOf(openai, "x-should-retry"), "false");
  EXPECT_EQ(
      openai.body,
      R"({"error":{"message":"no money is left","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})");
  auto anthropic = EncodeAnthropicError(spent, "r");
  EXPECT_EQ(anthropic.status, 429);
  EXPECT_EQ(HeaderOf(anthropic, "x-should-retry"), "false");
  auto bedrock = EncodeBedrockError(spent, "r");
  EXPECT_EQ(bedrock.status, 400);
  EXPECT_EQ(HeaderOf(bedrock, "x-amzn-errortype"), "ServiceQuotaExceededException");
  auto gemini = EncodeGeminiError(spent, "r");
  EXPECT_EQ(gemini.status, 429);
  EXPECT_NE(gemini.body.find(R"("status":"RESOURCE_EXHAUSTED")"), std::string::npos);
  EXPECT_EQ(gemini.body.find("BadRequest"), std::string::npos);
}

// 508 in the words of each for a bad request, which clients do not repeat; the same when it comes
// from a provider.
TEST(ErrorTable, ACallInACircleIsSaidByItsStatus) {
  auto ours = CalledInCircle("too many servers");
  auto openai = EncodeOpenAiError(ours, "r");
  EXPECT_EQ(openai.status, 508);
  EXPECT_EQ(HeaderOf(openai, "x-should-retry"), "false");
  EXPECT_EQ(
      openai.body,
      R"({"error":{"message":"too many servers","type":"invalid_request_error","param":"x-strata-hops","code":"loop_detected"}})");
  auto anthropic = EncodeAnthropicError(ours, "r");
  EXPECT_EQ(anthropic.status, 508);
  EXPECT_EQ(HeaderOf(anthropic, "x-should-retry"), "false");
  EXPECT_NE(anthropic.body.find(R"("type":"invalid_request_error")"), std::string::npos);
  auto bedrock = EncodeBedrockError(ours, "r");
  EXPECT_EQ(bedrock.status, 508);
  EXPECT_EQ(HeaderOf(bedrock, "x-amzn-errortype"), "ValidationException");
  auto gemini = EncodeGeminiError(ours, "r");
  EXPECT_EQ(gemini.status, 508);
  EXPECT_NE(gemini.body.find(R"("code":508)"), std::string::npos);
  EXPECT_NE(gemini.body.find(R"("status":"INVALID_ARGUMENT")"), std::string::npos);

  for (const auto& [dialect, said] : {std::pair(Dialect::kOpenAi, openai),
                                      {Dialect::kAnthropic, anthropic},
                                      {Dialect::kBedrock, bedrock},
                                      {Dialect::kGemini, gemini}}) {
    auto back = DecodeUpstreamError(dialect, said.status, said.headers, said.body);
    EXPECT_TRUE(IsCalledInCircle(back)) << said.body;
    EXPECT_EQ(EncodeError(dialect, back, "r").status, 508);
  }
}

TEST(ErrorTable, InternalMessagesStayInside) {
  auto out = EncodeAnthropicError(Internal("index 7 broke at /data/kb"), "r");
  EXPECT_EQ(out.body.find("/data"), std::string::npos);
}

TEST(UpstreamError, StatusMessageAndWaitAreUnderstood) {
  auto error = DecodeUpstreamError(
      Dialect::kOpenAi, 429, {{"Retry-After", "7"}, {"x-ratelimit-reset-requests", "1s"}},
      R"({"error":{"message":"too fast","type":"rate_limit_error","code":"rate_limit_exceeded"}})");
  EXPECT_EQ(error.code(), Code::kRateLimited);
  EXPECT_EQ(error.message(), "the provider answered 429 (rate_limit_exceeded): too fast");
  EXPECT_EQ(error.retry_after(), 7s);
  EXPECT_EQ(error.upstream_status(), 429);
}

TEST(UpstreamError, ResetDurationsAndMillisecondsAreRead) {
  auto reset =
      DecodeUpstreamError(Dialect::kOpenAi, 429, {{"x-ratelimit-reset-tokens", "1m0.5s"}}, "");
  EXPECT_EQ(reset.retry_after(), 60500ms);
  auto ms = DecodeUpstreamError(Dialect::kOpenAi, 503, {{"retry-after-ms", "250"}}, "");
  EXPECT_EQ(ms.retry_after(), 250ms);
  auto date = DecodeUpstreamError(
      Dialect::kOpenAi, 503,
      {{"Date", "Wed, 21 Oct 2026 07:27:30 GMT"}, {"retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"}},
      "");
  EXPECT_EQ(date.retry_after(), 30s);
  auto past = DecodeUpstreamError(Dialect::kOpenAi, 503,
                                  {{"retry-after", "Wed, 21 Oct 2020 07:28:00 GMT"}}, "");
  EXPECT_EQ(past.retry_after(), 0ms) << "without a date of its own, ours";
  for (auto text : {"21 Oct", "Wed, 21 Oct 2026 07:28:00 GMT+1", "Wed, 99 Foo", "soon"}) {
    auto bad = DecodeUpstreamError(Dialect::kOpenAi, 503, {{"retry-after", text}}, "");
    EXPECT_FALSE(bad.retry_after()) << text;
  }
}

TEST(UpstreamError, BedrockExceptionsDecideByName) {
  auto error = DecodeUpstreamError(Dialect::kBedrock, 429,
                                   {{"X-Amzn-ErrorType", "ModelNotReadyException:http://x/"}},
                                   R"({"message":"warming up"})");
  EXPECT_EQ(error.code(), Code::kUnavailable);
  auto body = DecodeUpstreamError(Dialect::kBedrock, 400, {},
                                  R"({"__type":"com.x#ThrottlingException","message":"m"})");
  EXPECT_EQ(body.code(), Code::kRateLimited);
}

TEST(UpstreamError, OurOwnCredentialsBeingRefusedIsNotTheCallersFault) {
  auto error =
      DecodeUpstreamError(Dialect::kAnthropic, 401, {}, R"({"error":{"message":"bad key"}})");
  EXPECT_EQ(error.code(), Code::kPermissionDenied);
}

TEST(UpstreamError, WhatIsSaidOfOurAccountIsNotForCallers) {
  constexpr std::string_view kSaid =
      R"({"message":"User: arn:aws:iam::123456789012:user/ops is not authorized"})";
  for (int status : {401, 403}) {
    auto error = DecodeUpstreamError(Dialect::kBedrock, status, {}, kSaid);
    EXPECT_NE(error.message().find("123456789012"), std::string::npos) << "the trace has it";
    for (auto dialect :
         {Dialect::kOpenAi, Dialect::kAnthropic, Dialect::kBedrock, Dialect::kGemini}) {
      auto http = EncodeError(dialect, error, "r1");
      EXPECT_EQ(http.status, 403);
      EXPECT_EQ(http.body.find("arn:"), std::string::npos) << http.body;
      EXPECT_NE(http.body.find("refused this server's credentials"), std::string::npos);
    }
  }
  Error own(Code::kPermissionDenied, "this key may not use model 'm'");
  EXPECT_EQ(PublicMessage(own), own.message());
}

TEST(UpstreamError, AnyBytesAreTaken) {
  auto error = DecodeUpstreamError(Dialect::kOpenAi, 502, {}, "<html>\xff\xfe");
  EXPECT_EQ(error.code(), Code::kUnavailable);
  auto deep = DecodeUpstreamError(Dialect::kOpenAi, 400, {}, std::string(5000, '['));
  EXPECT_EQ(deep.code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::dialect
