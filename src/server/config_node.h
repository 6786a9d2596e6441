#pragma once
// Reading nodes of the configuration file. What has another form than expected is a problem at its
// line, never a silent default.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace YAML {
class Node;
}

namespace strata::server {

// What is wrong, and where.
using ConfigProblem = std::function<void(const YAML::Node& node, std::string_view what)>;

// The texts of a scalar, a list and a mapping. `key` is what messages call it.
std::string TextAt(const YAML::Node& node, std::string_view key, const ConfigProblem& problem);
std::vector<std::string> TextsAt(const YAML::Node& node, std::string_view key,
                                 const ConfigProblem& problem);
std::vector<std::pair<std::string, std::string>> PairsAt(const YAML::Node& node,
                                                         std::string_view key,
                                                         const ConfigProblem& problem);
bool FlagAt(const YAML::Node& node, std::string_view key, const ConfigProblem& problem);

// Names that stand twice in one mapping, at any depth: YAML forbids them, and one of the two would
// be ignored.
void FindDuplicates(const YAML::Node& top, const ConfigProblem& problem);

}  // namespace strata::server
