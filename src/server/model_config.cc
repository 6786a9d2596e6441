#include "server/model_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/options.h"

namespace strata::server {
namespace {

using gateway::PoolDeployment;
using gateway::PoolSpec;

constexpr std::string_view kMembers[] = {"id",       "deployments", "balance",  "sticky",
                                         "fallback", "retries",     "hedge_ms", "first_token_ms"};
constexpr std::string_view kDeploymentMembers[] = {"model", "weight"};
// Names that providers which strata finds by itself have, and models of the process.
constexpr std::string_view kNamesFound[] = {"openai", "anthropic", "azure",  "bedrock",
                                            "gemini", "vertex",    "cohere", "ollama",
                                            "vllm",   "builtin",   "local"};

class ModelReader {
 public:
  ModelReader(const YAML::Node& node, const ConfigProblem& problem)
      : node_(node), problem_(problem) {}

  PoolSpec Read() {
    for (const auto& item : node_) {
      auto key = item.first.as<std::string>("");
      const auto& value = item.second;
      if (key == "id") {
        spec_.id = value.as<std::string>("");
      } else if (key == "deployments") {
        ReadDeployments(value);
      } else if (key == "fallback") {
        ReadFallback(value);
      } else if (key == "balance") {
        Take(value, gateway::ParseBalance(value.as<std::string>("")), spec_.balance);
      } else if (key == "sticky") {
        Take(value, gateway::ParseSticky(value.as<std::string>("")), spec_.sticky);
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
    auto text = value.as<std::string>("");
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
          auto key = member.first.as<std::string>("");
          if (key == "model") {
            deployment.model = member.second.as<std::string>("");
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

  void ReadFallback(const YAML::Node& list) {
    if (!list.IsSequence()) return problem_(list, "models: fallback: expected a list of model ids");
    for (const auto& item : list) spec_.fallback.push_back(item.as<std::string>(""));
  }

  const YAML::Node& node_;
  const ConfigProblem& problem_;
  PoolSpec spec_;
};

void CheckTarget(const YAML::Node& node, const PoolSpec& spec, std::string_view target,
                 std::span<const std::string> providers, const ConfigProblem& problem) {
  auto slash = target.find('/');
  if (slash == target.npos) return;
  auto prefix = target.substr(0, slash);
  std::vector<std::string_view> known(providers.begin(), providers.end());
  known.insert(known.end(), std::begin(kNamesFound), std::end(kNamesFound));
  if (std::ranges::find(known, prefix) != known.end()) return;
  auto nearest = NearestName(prefix, known);
  if (nearest.empty()) return;
  problem(node, fmt::format("models.{}: no provider is named '{}' (did you mean {}?)", spec.id,
                            prefix, nearest));
}

}  // namespace

std::vector<PoolSpec> ReadModels(const YAML::Node& node, const ConfigProblem& problem) {
  std::vector<PoolSpec> models;
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
  }
  return models;
}

void CheckModels(const YAML::Node& node, const std::vector<PoolSpec>& models,
                 std::span<const std::string> providers, const ConfigProblem& problem) {
  std::set<std::string_view> ids;
  for (const auto& model : models) {
    if (!ids.insert(model.id).second) {
      problem(node, fmt::format("models: two have the id '{}'", model.id));
    }
  }
  for (const auto& model : models) {
    for (const auto& deployment : model.deployments) {
      if (ids.contains(deployment.model)) {
        problem(node, fmt::format("models.{}: '{}' is a configured model itself: it may be a "
                                  "fallback, not a deployment",
                                  model.id, deployment.model));
      }
      CheckTarget(node, model, deployment.model, providers, problem);
    }
    for (const auto& target : model.fallback) {
      if (!ids.contains(target)) CheckTarget(node, model, target, providers, problem);
    }
  }
}

}  // namespace strata::server
