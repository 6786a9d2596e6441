#include "guard/word_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guard/guardrails.h"
#include "guard/policy_contract.h"

namespace strata::guard {
namespace {

std::shared_ptr<const Policy> Words(std::vector<std::string> words,
                                    Action action = Action::kBlock) {
  WordPolicySpec spec;
  spec.name = "w";
  spec.words = std::move(words);
  spec.action = action;
  spec.mask = "[x]";
  return MakeWordPolicy(std::move(spec)).value();
}

// The places found, as they stand in the text.
std::vector<std::string> Found(const std::vector<std::string>& words, std::string_view text) {
  std::vector<std::string> out;
  for (const auto& finding : FindingsIn(*Words(words), text, Side::kInput)) {
    out.emplace_back(text.substr(finding.start, finding.end - finding.start));
  }
  return out;
}

TEST(WordPolicy, Contract) {
  CheckPolicy(*Words({"Project Falcon", "kestrel"}), "the project  FALCON and a kestrel");
  CheckPolicy(*Words({"机密"}, Action::kMask), "这是机密项目");
}

TEST(WordPolicy, WholeWordsWithoutCaseAccentsAndPunctuation) {
  using V = std::vector<std::string>;
  EXPECT_EQ(Found({"ass"}, "class, assess, ASS!"), V{"ASS"});
  EXPECT_EQ(Found({"Project-Falcon"}, "project falcon, PROJECT: Falcon; projectfalcon"),
            (V{"project falcon", "PROJECT: Falcon"}));
  EXPECT_EQ(Found({"kestrel"}, "Késtrel ke\u200Bstrel k\u0065\u0301strel ｋｅｓｔｒｅｌ"),
            (V{"Késtrel", "ke\u200Bstrel", "k\u0065\u0301strel", "ｋｅｓｔｒｅｌ"}));
  EXPECT_EQ(Found({"a b", "a b c"}, "a b c a b"), (V{"a b c", "a b"})) << "the longest counts";
  EXPECT_EQ(Found({"x1"}, "x1x x1"), V{"x1"});
}

TEST(WordPolicy, ScriptsWithoutSpacesAreFoundInsideOfWords) {
  EXPECT_EQ(Found({"机密"}, "这是机密项目"), std::vector<std::string>{"机密"});
}

TEST(WordPolicy, WordsThatAreTornTooFarApartAreTwo) {
  EXPECT_TRUE(Found({"project falcon"}, "project" + std::string(500, ' ') + "falcon").empty());
}

TEST(WordPolicy, SaysWhatIsWrongWithItself) {
  auto field = [](auto change) {
    WordPolicySpec spec{.name = "w", .words = {"a"}, .mask = "x"};
    change(spec);
    auto made = MakeWordPolicy(std::move(spec));
    return made.has_value() ? std::string("nothing") : made.error().field();
  };
  EXPECT_EQ(field([](auto&) {}), "nothing");
  EXPECT_EQ(field([](auto& s) { s.name.clear(); }), "name");
  EXPECT_EQ(field([](auto& s) { s.words.clear(); }), "words");
  EXPECT_EQ(field([](auto& s) { s.words = {"ok", " - "}; }), "words");
  EXPECT_EQ(field([](auto& s) { s.words = {std::string(201, 'a')}; }), "words");
  EXPECT_EQ(field([](auto& s) { s.input = s.output = false; }), "on");
}

domain::ChatRequest Asking(std::string text) {
  domain::ChatRequest request;
  request.messages.push_back({.role = domain::Role::kUser, .content = {}});
  request.messages.back().content.push_back(
      domain::TextBlock{.text = std::move(text), .citations = {}});
  return request;
}

Result<> JudgeRequest(const Guardrails& guardrails, domain::ChatRequest& request) {
  RequestContext ctx;
  return RunTask(guardrails.JudgeRequest(request, ctx));
}

TEST(Guardrails, BlockAndMaskRequests) {
  Guardrails guardrails({Words({"kestrel"}), Words({"falcon"}, Action::kMask)});
  EXPECT_EQ(guardrails.names(), "w,w");
  auto harmless = Asking("a sparrow");
  harmless.wire = std::make_shared<domain::WireRequest>();
  ASSERT_TRUE(JudgeRequest(guardrails, harmless).has_value());
  EXPECT_NE(harmless.wire, nullptr) << "what is not changed is forwarded";
  auto blocked = Asking("a kestrel and a falcon");
  EXPECT_EQ(JudgeRequest(guardrails, blocked).error().code(), Code::kBlocked);
  auto masked = Asking("a Falcon, a falcon");
  masked.wire = harmless.wire;
  masked.messages.back().content.push_back(domain::ToolUseBlock{
      .id = "1", .name = "t", .input = {R"({"a":["f\u0061lcon",1.50],"falcon":2})"}});
  ASSERT_TRUE(JudgeRequest(guardrails, masked).has_value());
  EXPECT_EQ(domain::TextOf(masked.messages[0].content), "a [x], a [x]");
  EXPECT_EQ(std::get<domain::ToolUseBlock>(masked.messages[0].content[1]).input.text,
            R"({"a":["[x]",1.50],"falcon":2})");
  EXPECT_EQ(masked.wire, nullptr);
}

TEST(Guardrails, JudgeWhatCannotBeDecodedStringByString) {
  Guardrails guardrails({Words({"kestrel"}), Words({"falcon"}, Action::kMask)});
  auto judge = [&](std::string body) {
    auto wire = std::make_shared<domain::WireRequest>();
    wire->body = std::move(body);
    wire->decode = [](std::string_view) -> Result<domain::ChatRequest> {
      return strata::Fail(InvalidArgument("new", "is not known"));
    };
    domain::ChatRequest request;
    request.wire = std::move(wire);
    request.wire_only = true;
    return JudgeRequest(guardrails, request);
  };
  EXPECT_TRUE(judge(R"({"new":[{"deep":"sparrow"}]})").has_value());
  EXPECT_EQ(judge(R"({"new":[{"deep":"a kestr\u0065l"}]})").error().code(), Code::kBlocked);
  EXPECT_EQ(judge(R"({"new":[{"deep":"a falcon"}]})").error().field(), "new");
}

TEST(Guardrails, MaskedPutsMasksInPlace) {
  EXPECT_EQ(Masked("abcdef", {{.start = 1, .end = 2, .action = Action::kMask, .mask = "-"},
                              {.start = 4, .end = 6, .action = Action::kMask, .mask = ""}}),
            "a-cd");
}

}  // namespace
}  // namespace strata::guard
