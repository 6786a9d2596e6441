#include "provider/fit_context.h"

#include <gtest/gtest.h>

#include "base/run_task.h"
#include "domain/wire.h"

namespace strata::provider {
namespace {

domain::Message Says(domain::Role role, std::string text) {
  return {.role = role, .content = {domain::TextBlock{.text = std::move(text), .citations = {}}}};
}

// Turns of a hundred bytes each, named by their first letter.
domain::ChatRequest Conversation(std::string_view turns) {
  domain::ChatRequest request;
  request.system.emplace_back(domain::TextBlock{.text = "Be short.", .citations = {}});
  for (char turn : turns) {
    request.messages.push_back(Says(domain::Role::kUser, std::string(50, turn)));
    request.messages.push_back(Says(domain::Role::kAssistant, std::string(50, turn)));
  }
  request.messages.pop_back();  // the last one is asked
  return request;
}

std::string First(const domain::ChatRequest& request) {
  return domain::TextOf(request.messages.front().content).substr(0, 1);
}

Task<Result<std::int64_t>> CountBytes(domain::ChatRequest request) {
  std::int64_t bytes = 0;
  for (const auto& message : request.messages) {
    bytes += static_cast<std::int64_t>(domain::TextOf(message.content).size());
  }
  co_return bytes;
}

Result<std::int64_t> Fit(domain::ChatRequest& request, std::int64_t context,
                         TokenCount count = CountBytes) {
  return RunTask(FitContext(request, context, std::move(count)));
}

TEST(FitContext, LeavesOutTheOldestTurns) {
  auto request = Conversation("abcdefgh");
  request.max_tokens = 50;
  EXPECT_EQ(Fit(request, 400), 4);
  EXPECT_EQ(First(request), "e");
  EXPECT_EQ(domain::TextOf(request.system), "Be short.");
  EXPECT_EQ(Fit(request, 400), 0) << "it fits";
}

TEST(FitContext, TheLastTurnStaysHoweverLongItIs) {
  auto request = Conversation("ab");
  EXPECT_EQ(Fit(request, 10), 1);
  EXPECT_EQ(First(request), "b");
  ASSERT_EQ(request.messages.size(), 1u);
}

TEST(FitContext, NoResultIsPartedFromItsCall) {
  auto request = Conversation("ab");
  domain::ToolUseBlock call;
  call.id = "c1";
  domain::ToolResultBlock result;
  result.tool_use_id = "c1";
  request.messages[1].content = {call};
  request.messages.insert(request.messages.begin() + 2,
                          domain::Message{.role = domain::Role::kUser, .content = {result}});
  EXPECT_EQ(Fit(request, 100), 1);
  EXPECT_EQ(First(request), "b");
}

TEST(FitContext, EstimatesWhereNobodyCountsAndDoesNothingForAnUnknownContext) {
  auto nobody = [](domain::ChatRequest) -> Task<Result<std::int64_t>> {
    co_return Fail(Code::kUnsupported, "no tokenizer");
  };
  auto request = Conversation("abcdefgh");
  request.max_tokens = 10;
  EXPECT_EQ(Fit(request, 0, nobody), 0);
  EXPECT_GT(Fit(request, 110, nobody).value_or(0), 3);
  auto broken = [](domain::ChatRequest) -> Task<Result<std::int64_t>> {
    co_return Fail(Code::kUnavailable, "away");
  };
  auto other = Conversation("abcdefgh");
  EXPECT_FALSE(Fit(other, 110, broken).has_value());
}

TEST(FitContext, OnlyResponsesThatAskForItAreCut) {
  auto wants = [](std::string_view format, std::string body) {
    auto wire = std::make_shared<domain::WireRequest>();
    wire->format = format;
    wire->body = std::move(body);
    domain::ChatRequest request;
    request.wire = std::move(wire);
    return WantsToFit(request);
  };
  EXPECT_TRUE(wants("openai.responses", R"({"model":"m","input":"x","truncation":"auto"})"));
  EXPECT_FALSE(wants("openai.responses", R"({"model":"m","input":"\"truncation\":\"auto\""})"));
  EXPECT_FALSE(wants("openai.responses", R"({"model":"m","truncation":"disabled"})"));
  EXPECT_FALSE(wants("openai.responses", "["));
  EXPECT_FALSE(wants("openai.chat", R"({"truncation":"auto"})"));
  EXPECT_FALSE(WantsToFit(domain::ChatRequest()));
}

}  // namespace
}  // namespace strata::provider
