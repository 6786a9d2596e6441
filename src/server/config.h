#pragma once
// The configuration file: one YAML document, turned into option values, providers, models and
// aliases, and refused whole when anything in it is wrong.
//
//   server:
//     listen: 127.0.0.1:8080
//   providers:
//     - {name: openai, kind: openai, secret: "env:OPENAI_API_KEY"}
//   models:
//     - {id: chat, deployments: [openai/gpt-4o, azure/gpt-4o], balance: latency}
//   aliases:
//     gpt-4o: openai/gpt-4o-mini
//   guardrails:
//     - {name: code-names, words: [Project Falcon], action: mask}
//   hooks:
//     - {name: facts, url: "https://checks.example.org/answer", region: eu}

#include <map>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "gateway/check_hooks.h"
#include "gateway/model_pool.h"
#include "guard/word_policy.h"
#include "provider/spec.h"
#include "server/findings.h"

namespace strata::server {

struct Config {
  Options options;
  std::vector<provider::ProviderSpec> providers;  // checked
  std::map<std::string, std::string> aliases;     // alias → model id
  std::vector<gateway::PoolSpec> models;          // checked
  std::vector<guard::WordPolicySpec> guardrails;  // checked
  std::vector<gateway::HookSpec> hooks;           // checked
  std::string file;                               // as messages name it
  // "strata.yaml:12" of options, "providers.NAME", "models.ID", "aliases.NAME" and "hooks.NAME"
  // that are given.
  std::map<std::string, std::string, std::less<>> places = {};

  // The place of `key`, else the file.
  const std::string& PlaceOf(std::string_view key) const;
};

// The tables of all modules, in the order of docs/config.md.
std::vector<OptionTable> AllOptionTables();

// Option name → value from the command line; they win over the file.
using Overrides = std::map<std::string, std::string>;

// Reads `yaml` (bounded: 1 MiB, depth 16) as far as it can be read; everything that is wrong with
// its form goes to `findings`, and what is wrong is left out of the result. `file` is used in
// messages ("strata.yaml:12: …"). Errors: kInvalidArgument (no YAML), kTooLarge.
Result<Config> ReadConfig(std::string_view yaml, const std::string& file,
                          const Overrides& overrides, Findings& findings);

// The same, refused with all problems, one a line.
Result<Config> ParseConfig(std::string_view yaml, const std::string& file,
                           const Overrides& overrides);

// What messages call a configuration without a file.
inline constexpr const char* kDefaultsName = "defaults";

// The text of a file; "" for an empty `path`, which means defaults. Errors: kNotFound, kTooLarge.
Result<std::string> ReadConfigFile(const std::string& path);

// Reads and parses a file.
Result<Config> LoadConfig(const std::string& path, const Overrides& overrides);

// docs/config.md, from the tables.
std::string OptionsAsMarkdown();

}  // namespace strata::server
