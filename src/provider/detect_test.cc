#include "provider/detect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "provider/remote/test_fixture.h"

namespace strata::provider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Detection : public testing::Test, protected remote::Fixture {
 protected:
  // Without a HOME no AWS file of this machine is read.
  std::vector<Detected> Detect(bool probe = false) {
    DetectOptions options;
    options.env = [this](std::string_view name) {
      auto at = env_.find(std::string(name));
      return at == env_.end() ? std::string() : at->second;
    };
    if (probe) options.client = client;
    options.probe_time = probe_time_;
    options.ollama_url = ollama_url_;
    options.vllm_url = vllm_url_;
    RequestContext ctx;
    return runtime.Run(DetectProviders(std::move(options), ctx));
  }
  // An address where nobody listens any more.
  static std::string ClosedUrl() { return fakes::FakeUpstream::Start({}).value()->url(); }
  static std::vector<std::string> Names(const std::vector<Detected>& found) {
    std::vector<std::string> names;
    for (const auto& detected : found) names.push_back(detected.spec.name);
    return names;
  }

  std::map<std::string, std::string> env_;
  std::chrono::milliseconds probe_time_{20'000};
  std::string ollama_url_ = upstream->url();
  std::string vllm_url_ = ClosedUrl();
};

TEST_F(Detection, NothingThereIsNoError) { EXPECT_THAT(Detect(), IsEmpty()); }

TEST_F(Detection, EnvironmentNamesProvidersInAFixedOrder) {
  env_ = {{"OPENAI_API_KEY", "sk-1"},
          {"OPENAI_BASE_URL", "https://proxy.example/v1"},
          {"ANTHROPIC_API_KEY", "sk-ant"},
          {"AZURE_OPENAI_API_KEY", "az"},
          {"AZURE_OPENAI_ENDPOINT", "https://res.openai.azure.com"},
          {"AZURE_OPENAI_API_VERSION", "2024-10-21"},
          {"AWS_ACCESS_KEY_ID", "AKIA"},
          {"AWS_SECRET_ACCESS_KEY", "secret"},
          {"AWS_REGION", "eu-central-1"},
          {"OPENAI_ORG_ID", "org-1"},
          {"GOOGLE_API_KEY", "g"},
          {"GOOGLE_APPLICATION_CREDENTIALS", "/keys/account.json"},
          {"GOOGLE_CLOUD_PROJECT", "project-1"}};
  auto found = Detect();
  EXPECT_THAT(Names(found),
              ElementsAre("openai", "anthropic", "azure", "bedrock", "gemini", "vertex"));
  for (const auto& detected : found) {
    EXPECT_EQ(detected.problem, "");
    EXPECT_FALSE(detected.spec.detected_by.empty());
    EXPECT_TRUE(CheckSpec(detected.spec).has_value());
  }
  EXPECT_EQ(found[0].spec.base_url, "https://proxy.example/v1");
  EXPECT_EQ(found[0].spec.secret, "env:OPENAI_API_KEY") << "a reference, never the key";
  EXPECT_THAT(found[0].spec.headers, ElementsAre(testing::Pair("OpenAI-Organization", "org-1")));
  EXPECT_EQ(found[2].spec.api_version, "2024-10-21");
  EXPECT_EQ(found[3].spec.region, "eu-central-1");
  EXPECT_EQ(found[4].spec.secret, "env:GOOGLE_API_KEY");
  EXPECT_EQ(found[5].spec.secret, "file:/keys/account.json");
  EXPECT_EQ(found[5].spec.region, "global");
}

TEST_F(Detection, HalfConfiguredProvidersSayWhatIsMissing) {
  env_ = {{"AZURE_API_KEY", "az"}, {"AWS_BEARER_TOKEN_BEDROCK", "b"}};
  auto found = Detect();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].problem, HasSubstr("AZURE_OPENAI_ENDPOINT"));
  EXPECT_THAT(found[1].problem, HasSubstr("region"));
  env_ = {{"AWS_PROFILE", "nobody"}};
  found = Detect();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].problem, HasSubstr("nobody"));
}

TEST_F(Detection, LocalServerIsFoundWithItsModels) {
  auto keys = upstream->keys();
  auto found = Detect(true);
  EXPECT_THAT(Names(found), IsEmpty()) << "a server that wants a key is no local Ollama";
  // Ollama wants no key: the fake takes the absence of one when its key is empty.
  keys.openai = "";
  upstream->SetKeys(keys);
  found = Detect(true);
  ASSERT_THAT(Names(found), ElementsAre("ollama"));
  EXPECT_EQ(found[0].spec.base_url, upstream->url() + "/v1");
  EXPECT_THAT(found[0].spec.models, testing::Contains("gpt-4o-mini"));
  EXPECT_EQ(found[0].spec.secret, "");
}

TEST_F(Detection, ProbeDoesNotWaitForAServerThatHangs) {
  fakes::FakeAnswer answer;
  answer.hold_after = 0;
  upstream->Script().Push(answer);
  auto keys = upstream->keys();
  keys.openai = "";
  upstream->SetKeys(keys);
  probe_time_ = std::chrono::milliseconds(100);
  EXPECT_THAT(Names(Detect(true)), IsEmpty());
}

TEST_F(Detection, OllamaHostIsUnderstoodInEveryForm) {
  auto keys = upstream->keys();
  keys.openai = "";
  upstream->SetKeys(keys);
  auto address = upstream->url().substr(7);
  auto port = address.substr(address.find(':'));
  for (const auto& host : {address, "http://" + address + "/", "0.0.0.0" + port}) {
    env_ = {{"OLLAMA_HOST", host}};
    ollama_url_ = vllm_url_;
    EXPECT_THAT(Names(Detect(true)), ElementsAre("ollama")) << host;
  }
}

class ProviderTesting : public testing::Test, protected remote::Fixture {
 protected:
  Result<ProviderTest> Test(ProviderSpec spec) {
    RequestContext ctx;
    return runtime.Run(TestProvider(std::move(spec), Deps(), ctx));
  }
};

TEST_F(ProviderTesting, WorkingProvidersListTheirModels) {
  for (const auto& api : remote::kApis) {
    auto tested = Test(Spec(api));
    ASSERT_TRUE(tested.has_value()) << api.name << ": " << tested.error().message();
    EXPECT_FALSE(tested->models.empty());
    EXPECT_THAT(tested->summary, HasSubstr("models"));
  }
}

TEST_F(ProviderTesting, RefusedKeyNamesItsReferenceAndNotItself) {
  auto deps = Deps();
  auto keys = upstream->keys();
  std::string key = keys.openai;
  keys.openai = "changed";
  upstream->SetKeys(keys);
  RequestContext ctx;
  auto tested = runtime.Run(TestProvider(Spec(remote::kApis[0]), deps, ctx));
  ASSERT_FALSE(tested.has_value());
  EXPECT_THAT(tested.error().message(), HasSubstr("env:OPENAI"));
  EXPECT_THAT(tested.error().message(), HasSubstr("401"));
  EXPECT_THAT(tested.error().message(), Not(HasSubstr(key)));
}

TEST_F(ProviderTesting, WrongAddressIsNamed) {
  auto spec = Spec(remote::kApis[0]);
  spec.base_url = upstream->url() + "/v1/chat/completions/nothing";
  fakes::FakeAnswer answer;
  answer.status = 404;
  upstream->Script().Push(answer);
  auto tested = Test(spec);
  ASSERT_FALSE(tested.has_value());
  EXPECT_THAT(tested.error().message(), HasSubstr("base_url " + spec.base_url));
  spec.base_url = fakes::FakeUpstream::Start({}).value()->url() + "/v1";
  tested = Test(spec);
  ASSERT_FALSE(tested.has_value());
  EXPECT_EQ(tested.error().code(), Code::kUnavailable);
}

TEST_F(ProviderTesting, ServerWithoutAListIsAskedForOneToken) {
  auto spec = Spec(remote::kApis[0]);
  spec.models = {"local-model"};
  fakes::FakeAnswer answer;
  answer.match_path = "/models";
  answer.status = 404;
  upstream->Script().Push(answer);
  auto tested = Test(spec);
  ASSERT_TRUE(tested.has_value()) << tested.error().message();
  EXPECT_THAT(tested->summary, HasSubstr("local-model answers"));
}

TEST_F(ProviderTesting, MissingSecretIsNamed) {
  auto spec = Spec(remote::kApis[0]);
  spec.secret = "env:NOT_SET";
  auto tested = Test(spec);
  ASSERT_FALSE(tested.has_value());
  EXPECT_THAT(tested.error().message(), HasSubstr("NOT_SET"));
}

}  // namespace
}  // namespace strata::provider
