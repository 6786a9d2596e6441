#include "provider/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_chat_model.h"
#include "tests/fakes/fake_embedder.h"

namespace strata::provider {
namespace {

using fakes::FakeChatModel;
using fakes::FakeEmbedder;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr WallTime kListedAs{std::chrono::seconds(1'750'000'000)};

// Has the ids it is told; makes any other below its prefix too, as a remote provider does.
class FakeSource final : public ModelSource {
 public:
  FakeSource(std::string name, std::vector<std::string> known)
      : name_(std::move(name)), known_(std::move(known)) {}
  const std::string& name() const override { return name_; }
  Result<std::shared_ptr<ChatModel>> Chat(std::string_view rest) override {
    if (rest == "refused") return Fail(Code::kNotFound, "no such model here");
    return std::make_shared<FakeChatModel>(name_ + "/" + std::string(rest));
  }
  Result<std::shared_ptr<Embedder>> Embed(std::string_view) override {
    return Fail(Code::kUnsupported, "no embeddings");
  }
  std::vector<ListedModel> Models() const override {
    std::vector<ListedModel> out;
    for (const auto& id : known_) {
      ListedModel model;
      model.info.id = name_ + "/" + id;
      model.created = kListedAs;
      out.push_back(std::move(model));
    }
    return out;
  }
  bool Has(std::string_view bare) const override {
    return std::ranges::find(known_, bare) != known_.end();
  }
  ProviderStatus Status() const override {
    ProviderStatus status;
    status.name = name_;
    status.kind = "openai";
    status.models = known_.size();
    return status;
  }

 private:
  std::string name_;
  std::vector<std::string> known_;
};

class RegistryTest : public testing::Test {
 protected:
  void SetUp() override {
    auto filled = registry_.Update([](RegistrySnapshot& next) -> Result<> {
      STRATA_CHECK_OK(next.AddChat(std::make_shared<FakeChatModel>("builtin/extract"), kCreated));
      STRATA_CHECK_OK(next.AddChat(std::make_shared<FakeChatModel>("smollm2"), kCreated));
      STRATA_CHECK_OK(next.AddEmbedder(std::make_shared<FakeEmbedder>("minilm"), kCreated));
      STRATA_CHECK_OK(
          next.AddSource(std::make_shared<FakeSource>("openai", Ids{"gpt-4o", "shared"})));
      return next.AddSource(std::make_shared<FakeSource>(
          "bedrock", Ids{"amazon.nova-lite-v1:0", "anthropic.claude-x-v1:0", kTitanArn, "shared"}));
    });
    ASSERT_TRUE(filled.has_value()) << filled.error().message();
  }

  std::string Resolved(std::string_view id) {
    auto model = registry_.Chat(id);
    return model.has_value() ? (*model)->Info().id : "error: " + model.error().message();
  }
  Result<> Alias(std::string alias, std::string target) {
    return registry_.Update([&](RegistrySnapshot& next) { return next.AddAlias(alias, target); });
  }

  using Ids = std::vector<std::string>;
  static constexpr const char* kTitanArn =
      "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1";
  static constexpr WallTime kCreated{std::chrono::seconds(1'760'000'000)};
  Registry registry_;
};

TEST_F(RegistryTest, FindsRegisteredModelsOfTheirSort) {
  EXPECT_EQ(Resolved("smollm2"), "smollm2");
  EXPECT_EQ(registry_.Embed("minilm").value()->Info().id, "minilm");
  EXPECT_EQ(registry_.Chat("minilm").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(registry_.Embed("smollm2").error().code(), Code::kInvalidArgument);
}

TEST_F(RegistryTest, FoldersOfAnAddressAreNoModels) {
  EXPECT_THAT(Resolved("bedrock/.."), HasSubstr("does not exist"));
  EXPECT_THAT(Resolved("openai/."), HasSubstr("does not exist"));
  EXPECT_EQ(Resolved("openai/..."), "openai/...");
}

// Whose models are those behind the ids that follow: "via/smollm2".
class ViaSource final : public ModelSource {
 public:
  explicit ViaSource(const Registry& registry) : registry_(registry) {}
  const std::string& name() const override { return name_; }
  Result<std::shared_ptr<ChatModel>> Chat(std::string_view rest) override {
    return registry_.Chat(rest);
  }
  Result<std::shared_ptr<Embedder>> Embed(std::string_view rest) override {
    return registry_.Embed(rest);
  }
  std::vector<ListedModel> Models() const override { return {}; }
  bool Has(std::string_view) const override { return false; }
  ProviderStatus Status() const override { return {}; }

 private:
  const Registry& registry_;
  const std::string name_ = "via";
};

TEST_F(RegistryTest, AModelThatStandsBehindItselfIsRefused) {
  ASSERT_TRUE(registry_
                  .Update([&](RegistrySnapshot& next) {
                    return next.AddSource(std::make_shared<ViaSource>(registry_));
                  })
                  .has_value());
  ASSERT_TRUE(Alias("round", "via/round").has_value());
  auto round = registry_.Chat("round");
  ASSERT_FALSE(round.has_value());
  EXPECT_EQ(round.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(round.error().message(), HasSubstr("leads back to itself"));
  EXPECT_THAT(registry_.Embed("round").error().message(), HasSubstr("leads back to itself"));
  EXPECT_EQ(Resolved("via/via/smollm2"), "smollm2") << "and the next look-up is as good as new";
}

TEST_F(RegistryTest, UnknownIdNamesTheNearestKnownOne) {
  auto missing = registry_.Chat("smolm2");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_EQ(missing.error().field(), "model");
  EXPECT_THAT(missing.error().message(), HasSubstr("'smollm2'"));
  EXPECT_THAT(registry_.Chat("zzzzzzzzzzzz").error().message(), testing::Not(HasSubstr("nearest")));
  EXPECT_THAT(registry_.Chat("extrakt").error().message(), HasSubstr("'builtin/extract'"));
}

TEST_F(RegistryTest, AVendorsIdThatNobodyHasComesWithTheLineToAdd) {
  EXPECT_THAT(registry_.Embed("cohere.embed-multilingual-v3:0").error().message(),
              HasSubstr(R"(aliases: {"cohere.embed-multilingual-v3:0": PROVIDER/MODEL})"));
  EXPECT_THAT(registry_.Chat("nobody/nothing").error().message(),
              testing::Not(HasSubstr("aliases")));
}

TEST_F(RegistryTest, ModelsOfThisProcessAnswerToTheirBareIdWhileItIsTheirsAlone) {
  EXPECT_EQ(Resolved("extract"), "builtin/extract");
  auto added = registry_.Update([](RegistrySnapshot& next) {
    return next.AddSource(std::make_shared<FakeSource>("vllm", Ids{"extract"}));
  });
  ASSERT_TRUE(added.has_value());
  EXPECT_THAT(Resolved("extract"), HasSubstr("say builtin/extract, vllm/extract"));
}

TEST_F(RegistryTest, OneModelHasTheTimeThatTheListGivesIt) {
  EXPECT_EQ(registry_.Snapshot()->Describe("smollm2")->created, kCreated);
  EXPECT_EQ(registry_.Snapshot()->Describe("openai/gpt-4o")->created, kListedAs);
}

TEST_F(RegistryTest, HostileIdsAreRefusedInShortMessages) {
  EXPECT_EQ(registry_.Chat("").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(registry_.Chat(std::string(5000, 'x')).error().code(), Code::kInvalidArgument);
  EXPECT_LT(registry_.Chat(std::string(2000, 'x')).error().message().size(), 400u);
  EXPECT_EQ(registry_.Chat("arn:").error().code(), Code::kNotFound);
  EXPECT_EQ(registry_.Chat("arn:aws:bedrock:::").error().code(), Code::kNotFound);
  EXPECT_EQ(registry_.Chat("openai/").error().code(), Code::kNotFound);
  EXPECT_EQ(registry_.Chat("/").error().code(), Code::kNotFound);
}

TEST_F(RegistryTest, ProviderPrefixAlwaysWorks) {
  EXPECT_EQ(Resolved("openai/gpt-4o"), "openai/gpt-4o");
  EXPECT_EQ(Resolved("openai/released-tomorrow"), "openai/released-tomorrow");
  EXPECT_EQ(Resolved("openai/org/model"), "openai/org/model");
  EXPECT_THAT(Resolved("openai/refused"), HasSubstr("no such model here"));
}

TEST_F(RegistryTest, BareUpstreamIdWorksWhenUnambiguous) {
  EXPECT_EQ(Resolved("gpt-4o"), "openai/gpt-4o");
  auto both = registry_.Chat("shared");
  ASSERT_FALSE(both.has_value());
  EXPECT_EQ(both.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(both.error().message(), HasSubstr("bedrock/shared, openai/shared"));
}

TEST_F(RegistryTest, BedrockSpellingsReachTheirModel) {
  const std::string nova = "bedrock/amazon.nova-lite-v1:0";
  EXPECT_EQ(Resolved("amazon.nova-lite-v1:0"), nova);
  EXPECT_EQ(Resolved("us.amazon.nova-lite-v1:0"), nova);
  EXPECT_EQ(Resolved("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"), nova);
  EXPECT_EQ(
      Resolved("arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"),
      nova);
  EXPECT_THAT(BedrockSpellings("arn:aws:bedrock:us-east-1:1:prompt-router/abc:2"),
              testing::ElementsAre("router/abc:2"));
  EXPECT_THAT(BedrockSpellings("arn:aws:bedrock:us-east-1:1:prompt/ABC:2"),
              testing::ElementsAre("prompt/ABC:2"));
  EXPECT_THAT(BedrockSpellings("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"),
              testing::ElementsAre("application-inference-profile/abc"));
  EXPECT_THAT(Resolved("arn:aws:bedrock:us-east-1:1:guardrail/amazon.nova-lite-v1:0"),
              HasSubstr("does not exist"));
}

TEST_F(RegistryTest, AliasesAnswerAndAreListedAsSuch) {
  ASSERT_TRUE(Alias("gpt-4o", "smollm2").has_value());
  ASSERT_TRUE(Alias("amazon.titan-text-lite-v1", "gpt-4o").has_value());
  EXPECT_EQ(Resolved("gpt-4o"), "smollm2") << "an alias goes before a provider's bare id";
  EXPECT_EQ(Resolved("amazon.titan-text-lite-v1"), "smollm2");
  EXPECT_EQ(Resolved(kTitanArn), "smollm2") << "also before a provider that knows the ARN";
  auto described = registry_.Snapshot()->Describe("gpt-4o");
  ASSERT_TRUE(described.has_value());
  EXPECT_EQ(described->info.id, "gpt-4o");
  EXPECT_EQ(described->alias_of, "smollm2");
  std::vector<std::string> ids;
  for (const auto& model : registry_.Snapshot()->List()) ids.push_back(model.info.id);
  EXPECT_THAT(ids,
              ElementsAre("builtin/extract", "minilm", "smollm2", "bedrock/amazon.nova-lite-v1:0",
                          "bedrock/anthropic.claude-x-v1:0", std::string("bedrock/") + kTitanArn,
                          "bedrock/shared", "openai/gpt-4o", "openai/shared",
                          "amazon.titan-text-lite-v1", "gpt-4o"));
}

TEST_F(RegistryTest, RefusedChangesLeaveEverythingAsItWas) {
  EXPECT_EQ(Alias("smollm2", "minilm").error().code(), Code::kConflict);
  RegistrySnapshot models;
  ASSERT_TRUE(models.AddAlias("mine", "smollm2").has_value());
  auto aliased = models.AddChat(std::make_shared<FakeChatModel>("mine"), kCreated);
  EXPECT_EQ(aliased.error().code(), Code::kConflict);
  models.RemoveAlias("mine");
  EXPECT_TRUE(models.List().empty());
  ASSERT_TRUE(Alias("a", "b").has_value());
  ASSERT_TRUE(Alias("b", "c").has_value());
  EXPECT_EQ(Alias("c", "a").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(Alias("a", "a").error().code(), Code::kInvalidArgument);
  auto half = registry_.Update([](RegistrySnapshot& next) -> Result<> {
    next.RemoveModel("smollm2");
    return Fail(Code::kInternal, "on second thoughts");
  });
  EXPECT_FALSE(half.has_value());
  EXPECT_EQ(Resolved("smollm2"), "smollm2");
  auto taken = registry_.Update([](RegistrySnapshot& next) {
    return next.AddChat(std::make_shared<FakeChatModel>("smollm2"), kCreated);
  });
  EXPECT_EQ(taken.error().code(), Code::kConflict);
}

TEST_F(RegistryTest, HeldSnapshotDoesNotChange) {
  auto before = registry_.Snapshot();
  auto removed = registry_.Update([](RegistrySnapshot& next) -> Result<> {
    next.RemoveModel("smollm2");
    next.RemoveSource("openai");
    return {};
  });
  ASSERT_TRUE(removed.has_value());
  EXPECT_TRUE(before->Chat("smollm2").has_value());
  EXPECT_TRUE(before->Chat("openai/gpt-4o").has_value());
  EXPECT_FALSE(registry_.Chat("smollm2").has_value());
  EXPECT_FALSE(registry_.Chat("openai/gpt-4o").has_value());
}

TEST_F(RegistryTest, ListsProvidersBuiltinFirst) {
  auto providers = registry_.Snapshot()->Providers();
  std::vector<std::string> names;
  for (const auto& provider : providers) names.push_back(provider.name);
  EXPECT_THAT(names, ElementsAre("builtin", "bedrock", "openai"));
  EXPECT_EQ(providers.front().models, 3u);
}

TEST_F(RegistryTest, TellsPartsOfStrataFromProviders) {
  const auto models = registry_.Snapshot();
  EXPECT_TRUE(models->IsPartOfStrata("builtin"));
  EXPECT_FALSE(models->IsPartOfStrata("openai"));
  EXPECT_FALSE(models->IsPartOfStrata("nobody"));
}

}  // namespace
}  // namespace strata::provider
