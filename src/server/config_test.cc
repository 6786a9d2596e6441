#include "server/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "knowledge/source.h"
#include "server/config_check.h"

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
      {"  - {id: a, deployments: [lab/x]}\n  - {id: b, deployments: [a]}", "configured model"},
      {"  - {id: a, deployments: [lab/x]}\n  - {id: a, deployments: [lab/y]}", "two have the id"},
      {"  - a", "s.yaml:4: models: each entry is a mapping"},
      {"  - {id: a, deployments: [lab/x], hedge_ms: soon}", "hedge_ms: 'soon' is no whole number"},
      {"  - {id: a, deployments: [lab/x], fallback: lab/y}", "fallback: expected a list"},
      {"  - {id: a, deployments: [lab/x]}\n  - {id: a, deployments: [lab/y]}",
       "s.yaml:5: models.a: two have the id 'a', the first in line 4"},
  };
  for (const auto& [models, problem] : kCases) {
    auto config = ParseConfig(std::string(kProvider) + std::string(models), "s.yaml", {});
    ASSERT_FALSE(config.has_value()) << models;
    EXPECT_THAT(config.error().message(), HasSubstr(std::string(problem))) << models;
  }
}

TEST(Config, ReadsPricesOfOnesOwnOrSaysWhatIsWrong) {
  auto with = [](std::string_view price) {
    return fmt::format(
        "providers:\n  - name: lab\n    kind: openai\n    base_url: 'http://127.0.0.1:1'\n"
        "    models:\n      - {{id: m, price: {}}}\n",
        price);
  };
  auto config = ParseConfig(with("{input: 0.15, output: 0.6, as_of: 2026-11-01}"), "s.yaml", {});
  ASSERT_TRUE(config.has_value()) << config.error().message();
  const auto& terms = config->providers.at(0).model_terms.at(0);
  EXPECT_FALSE(terms.LimitsData());
  EXPECT_EQ(terms.price->input, 150'000);
  EXPECT_EQ(terms.price->output, 600'000);
  EXPECT_FALSE(terms.price->cache_write.has_value());
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"{input: cheap, as_of: 2026-11-01}", "s.yaml:6: providers.lab: models: price: input: "},
      {"{output: 1, as_of: 2026-11-01}", "input: is missing"},
      {"{input: 1}", "as_of: '' is no day"},
      {"{input: 1, as_of: yesterday}", "'yesterday' is no day"},
      {"{input: 1, as_of: 2026-11-01, ouput: 2}", "did you mean output?"},
      {"3", "expected a mapping"},
  };
  for (const auto& [price, problem] : kCases) {
    auto bad = ParseConfig(with(price), "s.yaml", {});
    ASSERT_FALSE(bad.has_value()) << price;
    EXPECT_THAT(bad.error().message(), HasSubstr(std::string(problem))) << price;
  }
}

// What ReadConfig finds, a line each.
std::vector<std::string> FindingsIn(std::string_view yaml) {
  Findings findings;
  auto config = ReadConfig(yaml, "s.yaml", {}, findings);
  EXPECT_TRUE(config.has_value());
  std::vector<std::string> lines;
  for (const auto& problem : findings.problems()) lines.push_back(problem.Line());
  return lines;
}

TEST(Config, ReadsHooksOrSaysWhatIsWrong) {
  auto config = ParseConfig(R"(
hooks:
  - {name: facts, url: "https://x/y", secret: "env:F", timeout_ms: 50, region: eu, clearance: [pii], retention: 30d}
)",
                            "s.yaml", {});
  ASSERT_TRUE(config.has_value()) << config.error().message();
  ASSERT_EQ(config->hooks.size(), 1U);
  EXPECT_EQ(config->hooks[0].timeout, std::chrono::milliseconds(50));
  EXPECT_TRUE(config->hooks[0].clearance.Has("pii"));
  EXPECT_TRUE(config->hooks[0].retention.has_value());
  EXPECT_EQ(config->PlaceOf("hooks.facts"), "s.yaml:3");
  auto wrong = ParseConfig(
      "hooks:\n  - {name: A, url: x, timeout_ms: soon, regoin: eu}\n  - {name: b, url: "
      "'https://x'}\n"
      "  - {name: b, url: 'https://x'}\n",
      "s.yaml", {});
  const auto& message = wrong.error().message();
  for (auto part : {"hooks.A: name: expected", "hooks.A: url: ", "hooks.A: timeout_ms: expected 1",
                    "did you mean region", "s.yaml:4: hooks: two are named 'b'"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST(Config, NamesThatStandTwiceAreRefusedWithBothLines) {
  EXPECT_THAT(FindingsIn("net: {idle_timeout: 5}\nserver:\n  request_timeout: 1\nserver:\n  "
                         "request_timeout: 2\n"),
              testing::Contains(HasSubstr("s.yaml:4: server: stands twice, first in line 2")));
  EXPECT_THAT(FindingsIn("server:\n  request_timeout: 1\n  request_timeout: 2\n"),
              testing::ElementsAre(
                  HasSubstr("s.yaml:3: server.request_timeout: stands twice, first in line 2")));
  EXPECT_THAT(FindingsIn("server:\n  request_timeout: 1\nserver.request_timeout: 2\n"),
              testing::ElementsAre(HasSubstr("s.yaml:3: server.request_timeout: stands twice")));
  EXPECT_THAT(FindingsIn("aliases:\n  a: builtin/x\n  a: builtin/y\n"),
              testing::ElementsAre(HasSubstr("s.yaml:3: aliases.a: stands twice")));
  EXPECT_THAT(
      FindingsIn("providers:\n  - name: a\n    kind: openai\n    base_url: 'http://x'\n    kind: "
                 "anthropic\n"),
      testing::ElementsAre(HasSubstr("s.yaml:5: providers.kind: stands twice, first in line 3")));
}

TEST(Config, SaysAllThatIsWrongInTheOrderOfTheLines) {
  auto lines = FindingsIn(
      "server:\n  request_timeout: soon\n  require_keys: perhaps\nproviders:\n  - {name: A!, kind: "
      "openai, clearance: pii,\n     region: 'no where', models: gpt}\nlog.level: loud\n");
  ASSERT_EQ(lines.size(), 8U) << testing::PrintToString(lines);
  EXPECT_THAT(lines[0], HasSubstr("s.yaml:2: server.request_timeout: 'soon'"));
  EXPECT_THAT(lines[1], HasSubstr("s.yaml:3: server.require_keys: 'perhaps'"));
  EXPECT_THAT(lines[2], HasSubstr("s.yaml:5: providers.A!: clearance: expected a list"));
  EXPECT_THAT(lines[3], HasSubstr("s.yaml:5: providers.A!: name: expected 1 to 63"));
  EXPECT_THAT(lines[4], HasSubstr("s.yaml:5: providers.A!: base_url: is missing"));
  EXPECT_THAT(lines[5], HasSubstr("s.yaml:6: providers.A!: models: expected a list"));
  EXPECT_THAT(lines[6], HasSubstr("s.yaml:6: providers.A!: region: 'no where': expected"));
  EXPECT_THAT(lines[7], HasSubstr("s.yaml:7: log.level: 'loud' is not one of"));
}

TEST(Config, AFormThatIsNotTheExpectedOneIsNeverADefault) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"server: {listen: [a]}", "server.listen: expected a single value"},
      {"? [a]\n: b\n", "expected a name"},
      {"providers: [{name: a, kind: [x]}]", "providers.a: kind: expected a text"},
      {"providers: [{name: a}]", "providers.a: kind: is missing"},
      {"providers: [{name: a, kind: bedrock, region: x, cleared_for_all_labels: maybe}]",
       "cleared_for_all_labels: 'maybe' is neither true nor false"},
      {"providers: [{name: a, kind: bedrock, region: x, headers: [h]}]", "expected a mapping"},
      {"aliases: {a: [b]}", "aliases.a: expected a model id"},
      {"llama: {temperature: nan}", "llama.temperature: 'nan' is not a number"},
  };
  for (const auto& [yaml, problem] : kCases) {
    EXPECT_THAT(FindingsIn(yaml), testing::Contains(HasSubstr(std::string(problem)))) << yaml;
  }
  EXPECT_FALSE(ParseConfig("a: 1\n---\nb: 2\n", "s.yaml", {}).has_value());
}

// What CheckUsable finds; problems, then warnings.
std::vector<std::string> UseOf(std::string_view yaml) {
  Findings findings;
  auto config = ReadConfig(yaml, "s.yaml", {}, findings);
  EXPECT_TRUE(config.has_value());
  CheckUsable(*config, "/nonexistent-data", findings);
  std::vector<std::string> lines;
  for (const auto& problem : findings.problems()) lines.push_back(problem.Line());
  for (const auto& warning : findings.warnings()) lines.push_back("warning " + warning.Line());
  return lines;
}

TEST(ConfigCheck, DefaultsAreGood) { EXPECT_THAT(UseOf(""), testing::IsEmpty()); }

TEST(ConfigCheck, WhatServeWouldRefuseHasItsLine) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"hooks:\n  - {name: facts, url: 'https://x/y', secret: 'env:STRATA_NOT_SET_ANYWHERE'}",
       "s.yaml:2: hooks.facts: environment variable STRATA_NOT_SET_ANYWHERE is not set"},
      {"server:\n  listen: localhost:80", "s.yaml:2: server.listen: 'localhost:80' is not ADDRESS"},
      {"server:\n  listen: 127.0.0.1:8443", "server.tls_listen: '127.0.0.1:8443' is server.listen"},
      {"server:\n  tls_certificate: /nope\n  tls_private_key: /etc/hostname",
       "s.yaml:2: server.tls_certificate: /nope cannot be read"},
      {"server:\n  tls_certificate: /etc/hostname",
       "server.tls_private_key: a certificate and its key"},
      {"server:\n  tls_certificate: /etc/hostname\n  tls_private_key: /etc/hostname",
       "s.yaml:2: server.tls_certificate: certificate /etc/hostname"},
      {"server:\n  public_url: nowhere", "s.yaml:2: server.public_url: "},
      {"store:\n  master_key: plain", "s.yaml:2: store.master_key: expected env:NAME"},
      {"store:\n  master_key: env:STRATA_TEST_UNSET", "s.yaml:2: store.master_key: "},
      {"kb:\n  s3_map: [bad]", "s.yaml:2: kb.s3_map: "},
      {"kb:\n  storage_map: [OPENSEARCH=embeded]",
       "s.yaml:2: kb.storage_map: 'OPENSEARCH=embeded'"},
      {"server:\n  listen: 0.0.0.0:9999\n  require_keys: false",
       "warning s.yaml:2: server.listen: whoever reaches 0.0.0.0"},
      {"kb:\n  s3_map: {b: /nonexistent}", "warning s.yaml:2: kb.s3_map: /nonexistent"},
      {"otlp:\n  endpoint: nope", "s.yaml:2: otlp.endpoint: "},
      {"otlp:\n  headers: ['x-api-key=plain']", "s.yaml:2: otlp.headers: "},
      {"net:\n  client:\n    ca_file: /nonexistent", "s.yaml:3: net.client.ca_file: "},
      {"journal:\n  segment_bytes: 268435456\n  bytes_max: 1048576",
       "s.yaml:3: journal.bytes_max: is less"},
      {"models:\n  folder: /nonexistent", "s.yaml:2: models.folder: "},
      {"providers:\n  - {name: a, kind: openai, base_url: 'http://x', secret: "
       "'env:UNSET_IN_TESTS'}",
       "warning s.yaml:2: providers.a: its models will not answer"},
  };
  for (const auto& [yaml, finding] : kCases) {
    EXPECT_THAT(UseOf(yaml), testing::ElementsAre(HasSubstr(std::string(finding)))) << yaml;
  }
}

TEST(ParseConfig, AFileThatIsNotUtf8IsRefusedWithItsLine) {
  auto latin = ParseConfig("server:\n  public_url: http://caf\xe9\n", "s.yaml", {});
  ASSERT_FALSE(latin.has_value());
  EXPECT_THAT(latin.error().message(), HasSubstr("s.yaml:2: byte 0xe9 is not UTF-8"));
  EXPECT_FALSE(ParseConfig(std::string_view("\xff\xfe#\0\n\0", 6), "s.yaml", {}).has_value());
  EXPECT_TRUE(ParseConfig("# caf\xc3\xa9\n", "s.yaml", {}).has_value());
}

TEST(ConfigCheck, ModelsThatAreNamedMustBeAbleToExist) {
  constexpr std::string_view kProvider =
      "server: {detect_providers: false}\n"
      "providers: [{name: lab, kind: openai, base_url: 'http://x', models: [qwen]}]\n";
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"aliases:\n  a: b\n  b: a", "s.yaml:5: aliases.b: alias: "},
      {"aliases:\n  a: builtin/extrakt",
       "s.yaml:4: aliases.a: 'builtin/extrakt' does not exist (did "
       "you mean builtin/extract?)"},
      {"aliases:\n  builtin/extract: lab/x",
       "s.yaml:4: aliases.builtin/extract: is a model's own id"},
      {"aliases:\n  a: lap/x", "s.yaml:4: aliases.a: 'lap/x': no provider is named 'lap' (did you"},
      {"aliases:\n  a: elsewhere/x", "warning s.yaml:4: aliases.a: 'elsewhere/x': no provider"},
      {"aliases:\n  a: gpt-4o", "warning s.yaml:4: aliases.a: no provider here lists 'gpt-4o'"},
      {"aliases:\n  a: kb/docs", "warning s.yaml:4: aliases.a: whether 'kb/docs' exists"},
      {"aliases:\n  a: router/mix", "warning s.yaml:4: aliases.a: whether 'router/mix' exists"},
      {"aliases:\n  a: local/mine", "warning s.yaml:4: aliases.a: 'local/mine' is not in"},
      {"models:\n  - {id: m, deployments: [lap/x]}", "s.yaml:4: models.m: 'lap/x': no provider"},
      {"models:\n  - {id: builtin/extract, deployments: [lab/x]}",
       "s.yaml:4: models.builtin/extract: is the id of a model"},
      {"kb:\n  embedding_model: builtin/all-minilm",
       "s.yaml:4: kb.embedding_model: "
       "'builtin/all-minilm' does not exist"},
      {"kb:\n  embedding_model: builtin/extract",
       "'builtin/extract' makes no embeddings; expected "
       "one of builtin/all-minilm-l6-v2"},
  };
  for (const auto& [yaml, finding] : kCases) {
    EXPECT_THAT(UseOf(std::string(kProvider) + std::string(yaml)),
                testing::ElementsAre(HasSubstr(std::string(finding))))
        << yaml;
  }
  EXPECT_THAT(UseOf(std::string(kProvider) +
                    "aliases: {a: lab/any, b: qwen, c: a, d: builtin/extract, e: m}\n"
                    "models: [{id: m, deployments: [lab/x], fallback: [a]}]\n"),
              testing::IsEmpty());
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
