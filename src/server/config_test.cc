#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "knowledge/source.h"

namespace strata::server {
namespace {

using testing::HasSubstr;

TEST(Config, DefaultsAreGood) {
  auto config = LoadConfig("", {});
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->options.Text("server.listen"), "127.0.0.1:8080");
  EXPECT_TRUE(config->options.Flag("server.require_keys"));
}

TEST(Config, ReadsNestedAndDottedOptionsProvidersAndAliases) {
  auto config = ParseConfig(R"(
server:
  listen: 127.0.0.1:9000
server.request_timeout: 30
kb:
  s3_map:
    docs: /srv/docs
providers:
  - {name: lab, kind: openai, base_url: "http://127.0.0.1:1/v1", secret: "env:LAB", clearance: [pii]}
aliases:
  gpt-4o: lab/qwen
)",
                            "strata.yaml", {});
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->options.Text("server.listen"), "127.0.0.1:9000");
  EXPECT_EQ(config->options.Integer("server.request_timeout"), 30);
  EXPECT_EQ(knowledge::SourceOptionsFrom(config->options)->s3_map.at("docs"), "/srv/docs");
  ASSERT_EQ(config->providers.size(), 1U);
  EXPECT_TRUE(config->providers[0].clearance.Has("pii"));
  EXPECT_EQ(config->aliases.at("gpt-4o"), "lab/qwen");
}

TEST(Config, CommandLineWinsOverTheFile) {
  auto config =
      ParseConfig("server: {listen: '127.0.0.1:1'}", "s.yaml", {{"server.listen", "127.0.0.1:2"}});
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->options.Text("server.listen"), "127.0.0.1:2");
}

TEST(Config, SaysWhatIsWrongAndWhere) {
  auto config = ParseConfig(
      "server:\n  lisen: x\n  request_timeout: soon\nproviders:\n  - {name: a, kind: opena}\n",
      "s.yaml", {});
  ASSERT_FALSE(config.has_value());
  const auto& message = config.error().message();
  EXPECT_THAT(message,
              HasSubstr("s.yaml:2: unknown option server.lisen (did you mean server.listen?)"));
  EXPECT_THAT(message, HasSubstr("s.yaml:3: server.request_timeout"));
  EXPECT_THAT(message, HasSubstr("s.yaml:5"));
}

// The block of YAML in docs/resilience.md.
std::string DocumentedExample() {
  std::ifstream file(STRATA_DOCS "/resilience.md");
  std::string text(std::istreambuf_iterator<char>(file), {});
  auto begin = text.find("```yaml\n") + 8;
  return text.substr(begin, text.find("```", begin) - begin);
}

TEST(Config, ReadsTheModelsOfTheDocumentedExample) {
  auto config = ParseConfig(DocumentedExample(), "strata.yaml", {});
  ASSERT_TRUE(config.has_value()) << config.error().message();
  ASSERT_EQ(config->models.size(), 1U);
  const auto& chat = config->models[0];
  EXPECT_EQ(chat.id, "chat");
  ASSERT_EQ(chat.deployments.size(), 2U);
  EXPECT_EQ(chat.deployments[0].weight, 3);
  EXPECT_EQ(chat.balance, gateway::Balance::kLatency);
  EXPECT_EQ(chat.sticky, gateway::Sticky::kConversation);
  EXPECT_EQ(chat.fallback, std::vector<std::string>{"anthropic/claude-sonnet-4-5"});
  EXPECT_EQ(FormatRetention(*config->providers[0].retention), "30d");
}

TEST(Config, SaysWhatIsWrongWithModelsAndWhere) {
  constexpr std::string_view kProvider =
      "providers:\n  - {name: lab, kind: openai, base_url: 'http://127.0.0.1:1'}\nmodels:\n";
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"  - {id: a, deployment: [lab/x]}",
       "s.yaml:4: models: unknown member deployment (did you "
       "mean deployments?)"},
      {"  - {id: a, deployments: []}", "s.yaml:4: models.a: "},
      {"  - {id: a, deployments: [lab/x], balance: fastest}", "'fastest' is none of weight"},
      {"  - {id: a, deployments: [{model: lab/x, wieght: 2}]}", "did you mean weight?"},
      {"  - {id: a, deployments: [{model: lab/x, weight: 0}]}", "weight: '0' is no whole number"},
      {"  - {id: a, deployments: [lab/x, lab/x]}", "'lab/x' stands there twice"},
      {"  - {id: a, deployments: [a]}", "'a' is the model itself"},
      {"  - {id: a, deployments: [lab/x], fallback: [kb/x]}", "is a knowledge base"},
      {"  - {id: a, deployments: [lap/x]}", "no provider is named 'lap' (did you mean lab?)"},
      {"  - {id: a, deployments: [lab/x]}\n  - {id: b, deployments: [a]}", "configured model"},
      {"  - {id: a, deployments: [lab/x]}\n  - {id: a, deployments: [lab/y]}", "two have the id"},
      {"  - a", "s.yaml:4: models: each entry is a mapping"},
      {"  - {id: a, deployments: [lab/x], hedge_ms: soon}", "hedge_ms: 'soon' is no whole number"},
  };
  for (const auto& [models, problem] : kCases) {
    auto config = ParseConfig(std::string(kProvider) + std::string(models), "s.yaml", {});
    ASSERT_FALSE(config.has_value()) << models;
    EXPECT_THAT(config.error().message(), HasSubstr(std::string(problem))) << models;
  }
}

TEST(Config, RefusesWhatIsNotYaml) {
  auto config = ParseConfig("server: [1, 2", "s.yaml", {});
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message(), HasSubstr("s.yaml:"));
  EXPECT_FALSE(ParseConfig("- a\n- b\n", "s.yaml", {}).has_value());
  EXPECT_FALSE(ParseConfig(std::string(2 << 20, ' '), "s.yaml", {}).has_value());
}

TEST(Config, RefusesAliasesThatMultiplyWithoutEnd) {
  std::string yaml = "a0: &a0 {x: 1}\n";
  for (int i = 1; i < 12; ++i) {
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {";
    for (char c = 'a'; c < 'k'; ++c)
      yaml += std::string(1, c) + ": *a" + std::to_string(i - 1) + ", ";
    yaml += "}\n";
  }
  auto config = ParseConfig(yaml, "s.yaml", {});
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code(), Code::kTooLarge);
  EXPECT_FALSE(ParseConfig("server: &a {b: *a}\n", "s.yaml", {}).has_value());
}

TEST(Config, DocumentationNamesEveryOption) {
  auto text = OptionsAsMarkdown();
  for (auto table : AllOptionTables()) {
    for (const auto& option : table)
      EXPECT_THAT(text, HasSubstr("`" + std::string(option.name) + "`"));
  }
}

}  // namespace
}  // namespace strata::server
