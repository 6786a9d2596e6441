// Answers that are forwarded while a guardrail reads along.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/openai.h"
#include "provider/remote/test_fixture.h"

namespace strata::provider::remote {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Guarded : public testing::Test, protected Fixture {
 protected:
  struct Seen {
    std::vector<std::string> steps;  // texts in brackets and bytes, as they came
    std::string bytes;
    domain::Usage usage;
    std::optional<Error> error;
  };

  static void Note(const domain::StreamEvent& event, Seen& out) {
    std::string bytes;
    if (const auto* chunk = std::get_if<domain::WireChunk>(&event)) bytes = chunk->bytes;
    if (const auto* end = std::get_if<domain::StreamEnd>(&event)) bytes = end->wire;
    if (!bytes.empty()) out.steps.push_back(bytes);
    out.bytes += bytes;
    const auto* text = std::get_if<domain::TextDelta>(&event);
    if (text != nullptr) out.steps.push_back("[" + text->text + "]");
  }

  static Task<Seen> Drain(ChatModel& model, domain::ChatRequest request, RequestContext& ctx) {
    Seen out;
    auto started = co_await model.Start(std::move(request), ctx);
    if (!started.has_value()) {
      out.error = started.error();
      co_return out;
    }
    for (bool ended = false; !ended && !out.error;) {
      auto event = co_await (*started)->Next();
      out.usage = (*started)->UsageSoFar();
      if (!event.has_value()) {
        out.error = event.error();
      } else {
        Note(*event, out);
        ended = std::holds_alternative<domain::StreamEnd>(*event);
      }
    }
    co_return out;
  }

  // What comes of a provider's `answer`.
  Seen Ask(std::string answer, bool stream) {
    fakes::FakeAnswer scripted;
    scripted.garbage = std::move(answer);
    upstream->Script().Push(std::move(scripted));
    auto request = dialect::openai::ScanChatRequest(
        std::string(R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":)") +
            (stream ? "true}" : "false}"),
        {});
    EXPECT_TRUE(request.has_value());
    request->chat.answer_is_read = true;
    auto model = Chat(kApis[0]);
    RequestContext ctx;
    return runtime.Run(Drain(*model, std::move(request->chat), ctx));
  }
};

TEST_F(Guarded, WhatIsNewOrAnotherServersPassesAsItCame) {
  const std::string answer =
      R"({"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text",)"
      R"("text":"th"}]},{"type":"text","text":"hi"}],"annotations":[{"type":"new"}],"tool_calls":)"
      R"([{"id":"c","type":"custom","custom":{"name":"n","input":"x"}}]},"finish_reason":"stop"}]})";
  auto seen = Ask(answer, false);
  ASSERT_FALSE(seen.error.has_value()) << seen.error->message();
  EXPECT_THAT(seen.steps, ElementsAre("[hi]", answer));
}

// It was made and is charged: asking again, here or elsewhere, is no help.
TEST_F(Guarded, AnAnswerThatCannotBeReadIsNobodysFault) {
  auto seen = Ask(R"({"choices":[{"message":{"content":7},"finish_reason":"stop"}],)"
                  R"("usage":{"prompt_tokens":5,"completion_tokens":7}})",
                  false);
  ASSERT_TRUE(seen.error.has_value());
  EXPECT_EQ(seen.error->code(), Code::kUnsupported);
  EXPECT_THAT(seen.error->message(), HasSubstr("choices[0].message.content"));
  EXPECT_TRUE(seen.bytes.empty());
  EXPECT_EQ(seen.usage.output_tokens, 7);
  EXPECT_FALSE(seen.usage.estimated);
}

// The text between the arguments of a call is decoded when the call is whole.
TEST_F(Guarded, BytesWaitForTheTextsThatTheyHold) {
  auto chunk = [](const std::string& delta) {
    return R"(data: {"choices":[{"index":0,"delta":)" + delta + "}]}\n\n";
  };
  const std::string begin = chunk(R"({"content":"so"})");
  const std::string call =
      chunk(
          R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"a\":"}}]})") +
      chunk(R"({"content":"kes"})") + chunk(R"({"content":"trel"})") +
      chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]})");
  const std::string end = R"(data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]})"
                          "\n\n";
  for (const std::string& done : {std::string("data: [DONE]\n\n"), std::string()}) {
    auto seen = Ask(begin + call + end + done, true);
    ASSERT_FALSE(seen.error.has_value()) << seen.error->message();
    EXPECT_EQ(seen.bytes, begin + call + end + done);
    std::string texts;
    for (const auto& step : seen.steps) {
      if (step.starts_with('[')) texts += step;
      if (step.find("trel") != step.npos && !step.starts_with('[')) {
        EXPECT_EQ(texts, "[so][kes][trel]") << "bytes left before their text was read";
      }
    }
    EXPECT_EQ(texts, "[so][kes][trel]");
  }
}

}  // namespace
}  // namespace strata::provider::remote
