#pragma once
// The `hooks:` list of the configuration file: addresses that say whether a cheap model's answer
// passes. Routers name them (docs/routers.md).
//
//   hooks:
//     - name: facts
//       url: https://checks.example.org/answer
//       secret: env:FACTS_TOKEN       # sent as a bearer
//       timeout_ms: 5000
//       region: eu                    # and clearance, retention, cleared_for_all_labels: as
//       models'

#include <string>
#include <vector>

#include "gateway/check_hooks.h"
#include "server/config_node.h"

namespace strata::server {

// Every entry, as far as it can be read; problems stand at the line of the member that is wrong.
// `found` is called with the name of each entry and its node.
using HookFound = std::function<void(const std::string& name, const YAML::Node& node)>;
std::vector<gateway::HookSpec> ReadHooks(const YAML::Node& node, const ConfigProblem& problem,
                                         const HookFound& found);

}  // namespace strata::server
