#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
