#include "server/config_node.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <map>

namespace strata::server {
namespace {

// `path`: the names that lead to `node`, "server.cors_origins".
void FindIn(const YAML::Node& node, const std::string& path, const ConfigProblem& problem) {
  if (node.IsSequence()) {
    for (const auto& item : node) FindIn(item, path, problem);
  }
  if (!node.IsMap()) return;
  std::map<std::string, int> lines;
  for (const auto& item : node) {
    if (!item.first.IsScalar()) {
      problem(item.first, "expected a name: a list or a mapping cannot be one");
      continue;
    }
    const auto& name = item.first.Scalar();
    auto whole = path.empty() ? name : path + "." + name;
    auto [first, fresh] = lines.emplace(name, item.first.Mark().line + 1);
    if (!fresh) {
      problem(item.first, fmt::format("{}: stands twice, first in line {}; expected one", whole,
                                      first->second));
    }
    FindIn(item.second, whole, problem);
  }
}

}  // namespace

std::string TextAt(const YAML::Node& node, std::string_view key, const ConfigProblem& problem) {
  if (node.IsScalar()) return node.Scalar();
  if (!node.IsNull()) problem(node, fmt::format("{}: expected a text", key));
  return {};
}

std::vector<std::string> TextsAt(const YAML::Node& node, std::string_view key,
                                 const ConfigProblem& problem) {
  std::vector<std::string> texts;
  if (!node.IsSequence()) {
    problem(node, fmt::format("{}: expected a list of texts, [a, b]", key));
    return texts;
  }
  for (const auto& item : node) texts.push_back(TextAt(item, key, problem));
  return texts;
}

std::vector<std::pair<std::string, std::string>> PairsAt(const YAML::Node& node,
                                                         std::string_view key,
                                                         const ConfigProblem& problem) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!node.IsMap()) {
    problem(node, fmt::format("{}: expected a mapping, {{name: value}}", key));
    return pairs;
  }
  for (const auto& item : node) {
    pairs.emplace_back(TextAt(item.first, key, problem), TextAt(item.second, key, problem));
  }
  return pairs;
}

bool FlagAt(const YAML::Node& node, std::string_view key, const ConfigProblem& problem) {
  auto text = TextAt(node, key, problem);
  if (text != "true" && text != "false") {
    problem(node, fmt::format("{}: '{}' is neither true nor false", key, text));
  }
  return text == "true";
}

void FindDuplicates(const YAML::Node& top, const ConfigProblem& problem) {
  FindIn(top, "", problem);
}

}  // namespace strata::server
