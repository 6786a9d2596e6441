#pragma once
// The `models:` list of the configuration file: models that stand for several deployments.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model_pool.h"

namespace YAML {
class Node;
}

namespace strata::server {

// What is wrong, and where.
using ConfigProblem = std::function<void(const YAML::Node& node, std::string_view what)>;

// Every entry that can be read; problems name the member, unknown ones the nearest known.
std::vector<gateway::PoolSpec> ReadModels(const YAML::Node& node, const ConfigProblem& problem);

// What entries that name each other have wrong: ids taken twice, a deployment that is a configured
// model itself. `providers`: names of the file's own; ids of other prefixes must be those of
// providers that may be detected or added later, so only a near miss of a known name is a problem.
void CheckModels(const YAML::Node& node, const std::vector<gateway::PoolSpec>& models,
                 std::span<const std::string> providers, const ConfigProblem& problem);

}  // namespace strata::server
