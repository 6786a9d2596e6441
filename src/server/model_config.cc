#include "server/model_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <map>

#include "base/options.h"

namespace strata::server {
namespace {

using gateway::PoolDeployment;
using gateway::PoolSpec;

constexpr std::string_view kMembers[] = {"id",       "deployments", "balance",  "sticky",
                                         "fallback", "retries",     "hedge_ms", "first_token_ms"};
constexpr std::string_view kDeploymentMembers[] = {"model", "weight"};

class ModelReader {
 public:
  ModelReader(const YAML::Node& node, const ConfigProblem& problem)
      : node_(node), problem_(problem) {}

  PoolSpec Read() {
    for (const auto& item : node_) {
      if (!item.first.IsScalar()) continue;  // has its problem already
      const auto& key = item.first.Scalar();
      const auto& value = item.second;
      if (key == "id") {
        spec_.id = TextAt(value, "models: id", problem_);
      } else if (key == "deployments") {
        ReadDeployments(value);
      } else if (key == "fallback") {
        spec_.fallback = TextsAt(value, Named(key), problem_);
      } else if (key == "balance") {
        Take(value, gateway::ParseBalance(TextAt(value, Named(key), problem_)), spec_.balance);
      } else if (key == "sticky") {
        Take(value, gateway::ParseSticky(TextAt(value, Named(key), problem_)), spec_.sticky);
      } else if (key == "retries") {
        spec_.retries = static_cast<int>(Integer(value, key, 0, 10));
      } else if (key == "hedge_ms") {
        spec_.hedge_after = std::chrono::milliseconds(Integer(value, key, 1, 600'000));
      } else if (key == "first_token_ms") {
        spec_.first_token_max = std::chrono::milliseconds(Integer(value, key, 1, 3'600'000));
      } else {
        Unknown(item.first, "models", key, kMembers);
      }
    }
    if (auto checked = gateway::CheckPool(spec_); !checked.has_value()) {
      problem_(node_, fmt::format("models.{}: {}", spec_.id, checked.error().message()));
    }
    return std::move(spec_);
  }

 private:
  static std::string Named(std::string_view member) { return fmt::format("models: {}", member); }

  template <class T>
  void Take(const YAML::Node& value, Result<T> parsed, T& out) {
    if (parsed.has_value()) {
      out = *parsed;
    } else {
      problem_(value, parsed.error().message());
    }
  }

  std::int64_t Integer(const YAML::Node& value, std::string_view key, std::int64_t least,
                       std::int64_t most) {
    auto text = TextAt(value, Named(key), problem_);
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    bool whole = error == std::errc() && end == text.data() + text.size();
    if (whole && number >= least && number <= most) return number;
    problem_(value, fmt::format("models: {}: '{}' is no whole number from {} to {}", key, text,
                                least, most));
    return least;
  }

  void Unknown(const YAML::Node& at, std::string_view where, std::string_view key,
               std::span<const std::string_view> known) {
    auto nearest = NearestName(key, known);
    problem_(at, fmt::format("{}: unknown member {}{}", where, key,
                             nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest)));
  }

  // A plain id, or {model, weight}.
  void ReadDeployments(const YAML::Node& list) {
    if (!list.IsSequence()) return problem_(list, "models: deployments: expected a list");
    for (const auto& item : list) {
      PoolDeployment deployment;
      if (item.IsScalar()) {
        deployment.model = item.Scalar();
      } else if (item.IsMap()) {
        for (const auto& member : item) {
          if (!member.first.IsScalar()) continue;
          const auto& key = member.first.Scalar();
          if (key == "model") {
            deployment.model = TextAt(member.second, "models: deployments: model", problem_);
          } else if (key == "weight") {
            deployment.weight = static_cast<int>(Integer(member.second, key, 1, 1000));
          } else {
            Unknown(member.first, "models: deployments", key, kDeploymentMembers);
          }
        }
      }
      spec_.deployments.push_back(std::move(deployment));
    }
  }

  const YAML::Node& node_;
  const ConfigProblem& problem_;
  PoolSpec spec_;
};

// An id that stands twice, and a configured model among the deployments of another.
void CheckTogether(const std::vector<PoolSpec>& models, const std::vector<YAML::Node>& nodes,
                   const ConfigProblem& problem) {
  std::map<std::string_view, int> lines;
  for (std::size_t i = 0; i < models.size(); ++i) {
    auto [first, fresh] = lines.emplace(models[i].id, nodes[i].Mark().line + 1);
    if (!fresh) {
      problem(nodes[i], fmt::format("models.{}: two have the id '{}', the first in line {}",
                                    models[i].id, models[i].id, first->second));
    }
  }
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const auto& deployment : models[i].deployments) {
      if (deployment.model == models[i].id || !lines.contains(deployment.model)) continue;
      problem(nodes[i], fmt::format("models.{}: '{}' is a configured model itself: it may be a "
                                    "fallback, not a deployment",
                                    models[i].id, deployment.model));
    }
  }
}

}  // namespace

std::vector<PoolSpec> ReadModels(const YAML::Node& node, const ConfigProblem& problem,
                                 const ModelFound& found) {
  std::vector<PoolSpec> models;
  std::vector<YAML::Node> nodes;
  if (!node.IsSequence()) {
    problem(node, "models: expected a list");
    return models;
  }
  for (const auto& item : node) {
    if (!item.IsMap()) {
      problem(item, "models: each entry is a mapping");
      continue;
    }
    models.push_back(ModelReader(item, problem).Read());
    nodes.push_back(item);
    found(models.back().id, item);
  }
  CheckTogether(models, nodes, problem);
  return models;
}

}  // namespace strata::server
