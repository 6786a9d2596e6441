#include "dialect/rerank.h"

#include <gtest/gtest.h>

#include "dialect/completions.h"
#include "dialect/moderation.h"

namespace strata::dialect {
namespace {

TEST(Rerank, TakesStringsAndObjectsAndGivesThemBack) {
  auto request = rerank::DecodeRequest(
      R"({"query":"q","documents":["a",{"text":"b","title":"t"}],"top_n":5,"return_documents":true})");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->model, "");
  EXPECT_EQ(request->rerank.documents, (std::vector<std::string>{"a", "b"}));
  domain::Reranking answer{.ranked = {{.index = 1, .score = 0.75}, {.index = 0, .score = 0.5}},
                           .input_tokens = 7};
  auto text = rerank::EncodeResponse(answer, *request, {});
  EXPECT_NE(
      text.find(
          R"("results":[{"index":1,"relevance_score":0.75,"document":{"text":"b","title":"t"}},{"index":0,"relevance_score":0.5,"document":{"text":"a"}}])"),
      std::string::npos)
      << text;
}

TEST(Rerank, NamesTheMemberThatIsWrong) {
  auto fault = [](std::string_view body) { return rerank::DecodeRequest(body).error().message(); };
  EXPECT_EQ(fault(R"({"documents":["a"]})"), "query: expected a string that is not empty");
  EXPECT_EQ(fault(R"({"query":"q","documents":[]})"),
            "documents: expected a list of 1 to 1000 documents");
  EXPECT_EQ(fault(R"({"query":"q","documents":[{"title":"t"}]})"),
            "documents[0].text: expected a string that is not empty");
  EXPECT_EQ(fault(R"({"query":"q","documents":["a"],"top_n":0})"),
            "top_n: expected an integer from 1 to 2147483647");
}

TEST(Rerank, AProvidersAnswerIsPutInOrderAndChecked) {
  auto answer = rerank::DecodeProviderResponse(
      R"({"results":[{"index":0,"relevance_score":0.1},{"index":2,"relevance_score":0.9}],"usage":{"total_tokens":12}})",
      3);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->ranked[0].index, 2u);
  EXPECT_EQ(answer->input_tokens, 12);
  for (auto body :
       {R"({"results":[{"index":3,"relevance_score":0.1}]})",
        R"({"results":[{"index":0,"relevance_score":0},{"index":0,"relevance_score":0}]})",
        R"({"message":"no"})", "x"}) {
    auto bad = rerank::DecodeProviderResponse(body, 3);
    ASSERT_FALSE(bad) << body;
    EXPECT_EQ(bad.error().code(), Code::kUnavailable);
  }
}

TEST(Rerank, BedrocksFormKeepsItsDocuments) {
  auto request = rerank::DecodeBedrockRequest(
      R"({"queries":[{"type":"TEXT","textQuery":{"text":"q"}}],"sources":[{"type":"INLINE","inlineDocumentSource":{"type":"JSON","jsonDocument":{"k":1}}}],"rerankingConfiguration":{"type":"BEDROCK_RERANKING_MODEL","bedrockRerankingConfiguration":{"numberOfResults":1,"modelConfiguration":{"modelArn":"arn:x"}}}})");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->model, "arn:x");
  EXPECT_EQ(request->rerank.documents[0], R"({"k":1})");
  domain::Reranking answer{.ranked = {{.index = 0, .score = 0.5}}};
  EXPECT_EQ(
      rerank::EncodeBedrockResponse(answer, *request),
      R"({"results":[{"document":{"type":"JSON","jsonDocument":{"k":1}},"index":0,"relevanceScore":0.5}]})");
}

TEST(Moderation, GoesToTheProviderAndBack) {
  auto request = moderation::DecodeRequest(R"({"input":["a","b"]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(moderation::EncodeProviderRequest(request->moderation, "omni"),
            R"({"model":"omni","input":["a","b"]})");
  auto parts = moderation::DecodeRequest(R"({"input":[{"type":"text","text":"a"}]})");
  ASSERT_TRUE(parts);
  EXPECT_EQ(moderation::EncodeProviderRequest(parts->moderation, "omni"),
            R"({"model":"omni","input":[{"type":"text","text":"a"}]})");
  constexpr std::string_view kResult =
      R"("results":[{"flagged":true,"categories":{"hate":true},"category_scores":{"hate":0.75},"category_applied_input_types":{"hate":["text"]}}])";
  auto answer =
      moderation::DecodeProviderResponse("{\"model\":\"omni\"," + std::string(kResult) + "}");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_NE(moderation::EncodeResponse(*answer, {}).find(kResult), std::string::npos);
}

TEST(Completions, EachPromptIsOneChoice) {
  auto request =
      completions::DecodeRequest(R"({"model":"m","prompt":["a","b"],"echo":true,"max_tokens":3})");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(domain::LastUserText(completions::ChatOf(*request, 1)), "b");
  domain::ChatResponse answer;
  answer.content = {domain::TextBlock{.text = "!", .citations = {}}};
  answer.usage.output_tokens = 1;
  auto text = completions::EncodeResponse({answer, answer}, *request, {});
  EXPECT_NE(text.find(R"({"text":"a!","index":0,"logprobs":null,"finish_reason":"stop"})"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(R"({"text":"b!","index":1)"), std::string::npos);
  EXPECT_NE(text.find(R"("completion_tokens":2)"), std::string::npos);
}

TEST(Completions, NamesWhatIsNotServed) {
  auto fault = [](std::string members) {
    return completions::DecodeRequest(R"({"model":"m","prompt":"a",)" + members + "}")
        .error()
        .message();
  };
  EXPECT_EQ(fault(R"("suffix":"z")"),
            "suffix: text after the answer is not supported; leave it out");
  EXPECT_EQ(fault(R"("n":2)"), "n: expected 1: one choice a prompt is supported");
  EXPECT_EQ(fault(R"("echo":true,"logprobs":1)"),
            "echo: probabilities of the prompt's own tokens are not supported; leave out echo or "
            "logprobs");
}

TEST(Completions, StreamsOfSeveralPromptsEndOnce) {
  domain::ChatResponse answer;
  domain::TextBlock block{.text = "Hi", .citations = {}};
  block.logprobs = {{.token = "Hi", .bytes = "Hi", .logprob = -0.5}};
  answer.content = {block};
  answer.usage.output_tokens = 2;
  std::string bytes;
  for (std::size_t i = 0; i < 2; ++i) {
    completions::StreamSpec spec{.index = i,
                                 .echo = {},
                                 .last = i == 1,
                                 .include_usage = true,
                                 .before = i == 0 ? domain::Usage() : answer.usage};
    auto encoder = completions::MakeStreamEncoder(std::move(spec), {});
    for (const auto& event : domain::EventsOf(answer)) bytes += encoder->Encode(event);
  }
  EXPECT_EQ(bytes.find("[DONE]"), bytes.rfind("[DONE]"));
  EXPECT_TRUE(bytes.ends_with("data: [DONE]\n\n"));
  EXPECT_NE(bytes.find(R"("completion_tokens":4)"), std::string::npos) << bytes;
  EXPECT_NE(
      bytes.find(
          R"("logprobs":{"tokens":["Hi"],"token_logprobs":[-0.5],"top_logprobs":[null],"text_offset":[0]})"),
      std::string::npos)
      << bytes;
}

}  // namespace
}  // namespace strata::dialect
