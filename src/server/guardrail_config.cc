#include "server/guardrail_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <set>

#include "base/options.h"
#include "guard/verdicts.h"

namespace strata::server {
namespace {

constexpr std::string_view kMembers[] = {"name", "words", "action", "mask", "on"};

void ReadSides(const YAML::Node& value, guard::WordPolicySpec& spec, const ConfigProblem& problem) {
  spec.input = spec.output = false;
  for (const auto& item : value) {
    auto side = item.as<std::string>("");
    if (side == "input") {
      spec.input = true;
    } else if (side == "output") {
      spec.output = true;
    } else {
      problem(item,
              fmt::format("guardrails.{}: on: '{}' is neither input nor output", spec.name, side));
    }
  }
}

void ReadAction(const YAML::Node& value, guard::WordPolicySpec& spec,
                const ConfigProblem& problem) {
  auto action = value.as<std::string>("");
  for (auto known : {guard::Action::kBlock, guard::Action::kMask, guard::Action::kNote}) {
    if (action != guard::ActionName(known)) continue;
    spec.action = known;
    return;
  }
  problem(value, fmt::format("guardrails.{}: action: '{}' is none of block, mask and note",
                             spec.name, action));
}

guard::WordPolicySpec ReadOne(const YAML::Node& node, const ConfigProblem& problem) {
  guard::WordPolicySpec spec;
  if (auto name = node["name"]) spec.name = name.as<std::string>("");
  for (const auto& item : node) {
    auto key = item.first.as<std::string>("");
    const auto& value = item.second;
    if (key == "words") {
      for (const auto& word : value) spec.words.push_back(word.as<std::string>(""));
    } else if (key == "action") {
      ReadAction(value, spec, problem);
    } else if (key == "mask") {
      spec.mask = value.as<std::string>("");
    } else if (key == "on") {
      ReadSides(value, spec, problem);
    } else if (key != "name") {
      auto nearest = NearestName(key, kMembers);
      problem(item.first,
              fmt::format("guardrails: unknown member {}{}", key,
                          nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest)));
    }
  }
  return spec;
}

}  // namespace

std::vector<guard::WordPolicySpec> ReadGuardrails(const YAML::Node& node,
                                                  const ConfigProblem& problem) {
  std::vector<guard::WordPolicySpec> specs;
  if (!node.IsSequence()) {
    problem(node, "guardrails: expected a list");
    return specs;
  }
  std::set<std::string> names;
  for (const auto& item : node) {
    if (!item.IsMap()) {
      problem(item, "guardrails: each entry is a mapping");
      continue;
    }
    auto spec = ReadOne(item, problem);
    if (auto made = guard::MakeWordPolicy(spec); !made.has_value()) {
      problem(item, fmt::format("guardrails.{}: {}", spec.name, made.error().message()));
    }
    if (!names.insert(spec.name).second) {
      problem(item, fmt::format("guardrails: two are named '{}'", spec.name));
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

Result<std::shared_ptr<const guard::Guardrails>> MakeGuardrails(
    const std::vector<guard::WordPolicySpec>& specs) {
  std::vector<std::shared_ptr<const guard::Policy>> policies;
  for (const auto& spec : specs) {
    STRATA_TRY(auto policy, guard::MakeWordPolicy(spec));
    policies.push_back(std::move(policy));
  }
  if (policies.empty()) return std::shared_ptr<const guard::Guardrails>();
  return std::make_shared<const guard::Guardrails>(std::move(policies));
}

}  // namespace strata::server
