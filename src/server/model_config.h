#pragma once
// The `models:` list of the configuration file: models that stand for several deployments.

#include <string>
#include <vector>

#include "gateway/model_pool.h"
#include "server/config_node.h"

namespace strata::server {

// Every entry that can be read; problems name the member, unknown ones the nearest known, and what
// entries that name each other have wrong: ids taken twice, a deployment that is a configured model
// itself. `found` is called with the id of each entry and its node.
using ModelFound = std::function<void(const std::string& id, const YAML::Node& node)>;
std::vector<gateway::PoolSpec> ReadModels(const YAML::Node& node, const ConfigProblem& problem,
                                          const ModelFound& found);

}  // namespace strata::server
