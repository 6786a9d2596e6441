#include "guard/word_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guard/guardrails.h"
#include "guard/policy_contract.h"
#include "guard/verdicts.h"

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
  const std::string far(500, ' ');
  EXPECT_TRUE(Found({"project falcon"}, "project" + far + "falcon").empty());
  EXPECT_EQ(Found({"Kestrel", "Kestrel Program"}, "the Kestrel" + far + "program"),
            std::vector<std::string>{"Kestrel"})
      << "a shorter word is still one";
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
  EXPECT_EQ(field([](auto& s) { s.name = "a,b"; }), "name") << "verdicts are lists of names";
  EXPECT_EQ(field([](auto& s) { s.name = "a=mask"; }), "name");
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
      .id = "1", .name = "t", .input = {R"({"a":["f\u0061lcon",1.50],"b":2})"}});
  ASSERT_TRUE(JudgeRequest(guardrails, masked).has_value());
  EXPECT_EQ(domain::TextOf(masked.messages[0].content), "a [x], a [x]");
  EXPECT_EQ(std::get<domain::ToolUseBlock>(masked.messages[0].content[1]).input.text,
            R"({"a":["[x]",1.50],"b":2})");
  EXPECT_EQ(masked.wire, nullptr);
}

TEST(Guardrails, WhatIsFoundIsSaidAndWhatIsNotedPassesUnchanged) {
  auto named = [](const char* name, const char* word, Action action) {
    return MakeWordPolicy({.name = name, .words = {word}, .action = action, .mask = "[x]"}).value();
  };
  Guardrails guardrails({named("birds", "kestrel", Action::kNote),
                         named("people", "ada", Action::kMask),
                         named("others", "bob", Action::kNote)});
  RequestContext ctx;
  ctx.decided_by.guardrail = guardrails.names();
  auto request = Asking("Ada saw a kestrel and a kestrel");
  ASSERT_TRUE(RunTask(guardrails.JudgeRequest(request, ctx)).has_value());
  EXPECT_EQ(domain::TextOf(request.messages[0].content), "[x] saw a kestrel and a kestrel");
  EXPECT_EQ(ctx.decided_by.guardrail, "birds=note,people=mask,others");
  EXPECT_TRUE(RunTask(guardrails.Judge("a kestrel", Side::kOutput, ctx))->empty());
}

TEST(Verdicts, AreReadByWholeNames) {
  std::string verdicts = "a,ab";
  EXPECT_FALSE(FoundSomething(verdicts, "")) << "judging is not finding";
  AddVerdict(verdicts, "ab", Action::kMask);
  AddVerdict(verdicts, "ab", Action::kNote);
  EXPECT_EQ(verdicts, "a,ab=mask");
  EXPECT_TRUE(FoundSomething(verdicts, ""));
  EXPECT_TRUE(FoundSomething(verdicts, "ab"));
  EXPECT_FALSE(FoundSomething(verdicts, "a"));
  EXPECT_FALSE(FoundSomething(verdicts, "mask"));
  AddVerdict(verdicts, "new", Action::kBlock);
  EXPECT_EQ(verdicts, "a,ab=mask,new=block") << "one that was not listed";
  EXPECT_FALSE(FoundSomething("", ""));
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
  EXPECT_EQ(judge(R"({"new":[{"a falcon":1}]})").error().code(), Code::kBlocked);
  EXPECT_TRUE(judge(R"({"new":"data:image/png;base64,kestrel/falcon=="})").has_value());
  for (const char* text : {"data:,a kestrel", "data:a;base64,a kestrel", "data:kestrel;base64,AA",
                           "data: kestrel;base64,A;"}) {
    EXPECT_FALSE(judge(std::string(R"({"new":")") + text + "\"}").has_value()) << text;
  }
}

TEST(Guardrails, TextThatLooksEncodedIsText) {
  Guardrails guardrails({Words({"kestrel"})});
  for (const auto& text : {std::string("data: the kestrel"), std::string("data:a;base64,kestrel"),
                           std::string(300, 'a') + "-kestrel"}) {
    auto request = Asking(text);
    EXPECT_FALSE(JudgeRequest(guardrails, request).has_value()) << text;
  }
  auto request = Asking("");
  request.extra.text = R"({"a":"data:image/png;base64,kestrel"})";
  EXPECT_TRUE(JudgeRequest(guardrails, request).has_value());
  request.extra.text = R"({"a":"data: kestrel"})";
  EXPECT_FALSE(JudgeRequest(guardrails, request).has_value());
}

TEST(Guardrails, WordsSplitOverTextsAreBlocked) {
  Guardrails guardrails({Words({"kestrel", "blue falcon"}, Action::kMask)});
  auto judge = [&](const std::vector<std::string>& texts) {
    auto request = Asking("");
    auto& content = request.messages[0].content;
    content.clear();
    for (const auto& text : texts) {
      content.push_back(domain::TextBlock{.text = text, .citations = {}});
      content.push_back(domain::ImageBlock{.format = "png", .bytes = "x", .url = {}});
    }
    auto judged = JudgeRequest(guardrails, request);
    return judged.has_value() ? domain::TextOf(content) : judged.error().message();
  };
  const std::string blocked = "a guardrail blocks texts of this request put together";
  EXPECT_EQ(judge({"a kes", "trel"}), blocked);
  EXPECT_EQ(judge({"a k", "", "estre", "l."}), blocked);
  EXPECT_EQ(judge({"a blue", "falcon"}), blocked);
  EXPECT_EQ(judge({"a kestrel", " is it"}), "a [x] is it") << "what is whole is masked";
  EXPECT_EQ(judge({"blue", "sky"}), "bluesky");
}

TEST(Guardrails, NamesAreBlockedAlsoWhereTextsAreMasked) {
  Guardrails guardrails({Words({"falcon"}, Action::kMask)});
  auto blocked = [&](auto change) {
    auto request = Asking("a sparrow");
    change(request);
    auto judged = JudgeRequest(guardrails, request);
    return !judged.has_value() && judged.error().code() == Code::kBlocked;
  };
  using Request = domain::ChatRequest;
  EXPECT_FALSE(blocked([](Request&) {}));
  EXPECT_TRUE(blocked([](Request& r) { r.messages[0].name = "falcon"; }));
  EXPECT_TRUE(blocked([](Request& r) { r.stop = {"x", "the falcon"}; }));
  EXPECT_TRUE(blocked([](Request& r) { r.tools.emplace_back().name = "ask_falcon"; }));
  EXPECT_TRUE(blocked([](Request& r) { r.json_output.emplace().name = "falcon"; }));
  EXPECT_TRUE(blocked([](Request& r) { r.json_output.emplace().description = "a falcon"; }));
  EXPECT_TRUE(blocked([](Request& r) {
    r.tools.emplace_back().input_schema = {R"({"properties":{"falcon":{}}})"};
  }));
  EXPECT_TRUE(blocked([](Request& r) {
    r.messages[0].content.push_back(
        domain::ToolUseBlock{.id = "1", .name = "falcon", .input = {"{}"}});
  }));
  EXPECT_TRUE(blocked([](Request& r) {
    r.messages[0].content.push_back(
        domain::ToolUseBlock{.id = "1", .name = "t", .input = {R"({"a":[{"falcon":2}]})"}});
  }));
  EXPECT_TRUE(blocked([](Request& r) { r.extra.text = R"({"falcon":2})"; }));
}

TEST(Guardrails, MaskedPutsMasksInPlace) {
  EXPECT_EQ(Masked("abcdef", {{.start = 1, .end = 2, .action = Action::kMask, .mask = "-"},
                              {.start = 4, .end = 6, .action = Action::kMask, .mask = ""}}),
            "a-cd");
}

}  // namespace
}  // namespace strata::guard
