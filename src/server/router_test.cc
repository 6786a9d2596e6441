#include "server/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/azure_paths.h"

namespace strata::server {
namespace {

using testing::ElementsAre;

Route For(std::string method, std::string pattern) {
  Route route;
  route.method = std::move(method);
  route.operation = pattern;
  route.pattern = std::move(pattern);
  return route;
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (auto pattern :
         {"/model/{id}/converse", "/v1/models", "/flows/{id}", "/flows/validate-definition"}) {
      router_.Add(For("POST", pattern));
    }
    router_.Add(For("GET", "/v1/models"));
  }
  Router router_;
};

TEST_F(RouterTest, SplitsBeforeItDecodes) {
  auto match = router_.Find("POST", "/model/arn%3Aaws%3Abedrock%3A%3Amodel%2Fx.y%3A1/converse");
  ASSERT_TRUE(match.has_value() && match->route != nullptr);
  EXPECT_THAT(match->params, ElementsAre("arn:aws:bedrock::model/x.y:1"));
}

TEST_F(RouterTest, ParametersAreUtf8) {
  EXPECT_EQ(router_.Find("POST", "/model/%C3%A9/converse")->params.at(0), "\u00e9");
  auto latin1 = router_.Find("POST", "/model/%ff/converse");
  ASSERT_FALSE(latin1.has_value());
  EXPECT_EQ(latin1.error().code(), Code::kInvalidArgument);
  router_.Add(For("GET", "/v1/models/{model+}"));
  EXPECT_FALSE(router_.Find("GET", "/v1/models/a/\xff").has_value());
}

TEST_F(RouterTest, TakesATrailingSlashOrNone) {
  EXPECT_NE(router_.Find("GET", "/v1/models/")->route, nullptr);
  EXPECT_NE(router_.Find("GET", "/v1/models")->route, nullptr);
  EXPECT_EQ(router_.Find("GET", "/v1/models//")->route, nullptr);
}

TEST_F(RouterTest, LiteralsWinOverParameters) {
  EXPECT_EQ(router_.Find("POST", "/flows/validate-definition")->route->pattern,
            "/flows/validate-definition");
  EXPECT_EQ(router_.Find("POST", "/flows/F123")->route->pattern, "/flows/{id}");
}

TEST_F(RouterTest, TakesAzuresForm) {
  for (auto pattern : {"/v1/chat/completions", "/v1/embeddings"}) router_.Add(For("POST", pattern));
  auto find = [&](std::string_view path) {
    auto match = router_.Find("POST", path);
    const auto azure = AzurePathOf(path);
    return match.has_value() && match->route != nullptr
               ? match->route->pattern + " " + std::string(azure ? azure->deployment : "-")
               : std::string();
  };
  EXPECT_EQ(find("/openai/deployments/gpt-4o/chat/completions"), "/v1/chat/completions gpt-4o");
  EXPECT_EQ(find("/openai/deployments/up/gpt-4o/embeddings"), "/v1/embeddings up/gpt-4o");
  EXPECT_EQ(find("/openai/deployments/up%2Fx/embeddings/"), "");
  EXPECT_EQ(find("/openai/deployments/up%2Fx/embeddings"), "/v1/embeddings up%2Fx");
  EXPECT_EQ(find("/openai/deployments/embeddings"), "");
  EXPECT_EQ(find("/openai/deployments//embeddings"), "");
  EXPECT_EQ(find("/deployments/gpt-4o/embeddings"), "");
  EXPECT_EQ(find("/openai/embeddings"), "/v1/embeddings ");
  EXPECT_EQ(find("/openai/v1/embeddings"), "/v1/embeddings -");
  EXPECT_NE(router_.Find("GET", "/openai/models")->route, nullptr);
  EXPECT_EQ(router_.Find("GET", "/models")->route, nullptr);
}

TEST_F(RouterTest, StripsDialectPrefixes) {
  EXPECT_NE(router_.Find("GET", "/openai/v1/models")->route, nullptr);
  EXPECT_NE(router_.Find("POST", "/bedrock/model/x/converse")->route, nullptr);
  EXPECT_EQ(router_.Find("GET", "/other/v1/models")->route, nullptr);
}

TEST_F(RouterTest, TheRestOfAPathIsOneParameterWhereNothingElseFits) {
  router_.Add(For("GET", "/v1/models/{model}"));
  router_.Add(For("POST", "/v1/models/{model+}"));
  auto slashes = router_.Find("POST", "/gemini/v1/models/kb/a%20b:generateContent");
  ASSERT_TRUE(slashes.has_value() && slashes->route != nullptr);
  EXPECT_THAT(slashes->params, ElementsAre("kb/a b:generateContent"));
  auto plain = router_.Find("POST", "/v1/models/gemini-2.5:countTokens");
  ASSERT_NE(plain->route, nullptr);
  EXPECT_THAT(plain->params, ElementsAre("gemini-2.5:countTokens"));
  EXPECT_EQ(router_.Find("GET", "/v1/models/x")->route->pattern, "/v1/models/{model}");
  EXPECT_EQ(router_.Find("GET", "/v1/models/x/y")->route, nullptr) << "only for its own method";
  EXPECT_EQ(router_.Find("POST", "/v1/models")->route->pattern, "/v1/models");
  EXPECT_FALSE(router_.Find("POST", "/v1/models/a/b%zz").has_value());
}

TEST(FaceOf, SharedPathsBelongToWhomPrefixOrHeaderSays) {
  Route models = For("GET", "/v1/models");
  models.shared = true;
  struct Case {
    const char* target;
    const char* version;  // anthropic-version; null: not sent
    Face face;
  };
  const Case cases[] = {{"/v1/models", nullptr, Face::kOpenAi},
                        {"/v1/models?limit=2", "2026-10-21", Face::kAnthropic},
                        {"/anthropic/v1/models", nullptr, Face::kAnthropic},
                        {"/openai/v1/models", "2023-06-01", Face::kOpenAi}};
  for (const auto& c : cases) {
    net::HttpRequest request;
    request.target = c.target;
    if (c.version != nullptr) request.headers.Add("anthropic-version", c.version);
    EXPECT_EQ(FaceOf(models, request), c.face) << c.target;
  }
}

TEST_F(RouterTest, TellsAWrongMethodFromAnUnknownPath) {
  auto match = router_.Find("DELETE", "/v1/models");
  EXPECT_EQ(match->route, nullptr);
  ASSERT_NE(match->other, nullptr);
  EXPECT_EQ(match->other->pattern, "/v1/models");
  EXPECT_EQ(match->allow, "GET, HEAD, POST");
  EXPECT_EQ(router_.Find("GET", "/v2/models")->other, nullptr);
  EXPECT_EQ(router_.Find("GET", "/v1/models")->allow, "");
  router_.Add(For("POST", "/v1/jobs/{name+}"));
  EXPECT_EQ(router_.Find("GET", "/v1/jobs/a/b")->allow, "POST");
}

TEST_F(RouterTest, AnswersHeadWhereItAnswersGet) {
  EXPECT_EQ(router_.Find("HEAD", "/v1/models")->route->method, "GET");
  EXPECT_EQ(router_.Find("HEAD", "/model/x/converse")->allow, "POST");
}

TEST_F(RouterTest, RefusesBrokenEscapes) {
  EXPECT_FALSE(router_.Find("POST", "/model/a%zz/converse").has_value());
}

TEST(FaceOfPath, DecidesByPrefixAndHeader) {
  net::Headers none;
  net::Headers anthropic;
  anthropic.Set("anthropic-version", "2023-06-01");
  EXPECT_EQ(FaceOfPath("/v1/unknown", none), Face::kOpenAi);
  EXPECT_EQ(FaceOfPath("/v1/unknown", anthropic), Face::kAnthropic);
  EXPECT_EQ(FaceOfPath("/knowledgebases/x/y/z", none), Face::kBedrockAgent);
  EXPECT_EQ(FaceOfPath("/v1beta/unknown", none), Face::kGemini);
  EXPECT_EQ(FaceOfPath("/gemini/v1/models", none), Face::kGemini);
  net::Headers google;
  google.Set("x-goog-api-key", "k");
  EXPECT_EQ(FaceOfPath("/v1/models", google), Face::kGemini);
  EXPECT_EQ(FaceOfPath("/guardrails", none), Face::kBedrockControl);
}

}  // namespace
}  // namespace strata::server
