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

#include <map>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "gateway/model_pool.h"
#include "guard/word_policy.h"
#include "provider/spec.h"

namespace strata::server {

struct Config {
  Options options;
  std::vector<provider::ProviderSpec> providers;  // checked
  std::map<std::string, std::string> aliases;     // alias → model id
  std::vector<gateway::PoolSpec> models;          // checked
  std::vector<guard::WordPolicySpec> guardrails;  // checked
};

// The tables of all modules, in the order of docs/config.md.
std::vector<OptionTable> AllOptionTables();

// Parses `yaml` (bounded: 1 MiB, depth 16). `file` is used in messages ("strata.yaml:12: …").
// `overrides`: option name → value from the command line; they win. Errors: kInvalidArgument with
// all problems, one a line.
Result<Config> ParseConfig(std::string_view yaml, const std::string& file,
                           const std::map<std::string, std::string>& overrides);

// Reads and parses; an empty `path` means defaults. kNotFound when the file cannot be read.
Result<Config> LoadConfig(const std::string& path,
                          const std::map<std::string, std::string>& overrides);

// docs/config.md, from the tables.
std::string OptionsAsMarkdown();

}  // namespace strata::server
