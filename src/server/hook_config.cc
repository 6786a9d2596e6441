#include "server/hook_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <set>

#include "base/options.h"

namespace strata::server {
namespace {

constexpr std::string_view kMembers[] = {"name",       "url",      "secret",
                                         "timeout_ms", "region",   "cleared_for_all_labels",
                                         "clearance",  "retention"};

class HookReader {
 public:
  HookReader(const YAML::Node& node, const ConfigProblem& problem)
      : node_(node), problem_(problem) {
    if (auto name = node["name"]; name.IsDefined() && name.IsScalar()) prefix_ += name.Scalar();
  }

  gateway::HookSpec Read() {
    for (const auto& item : node_) {
      if (item.first.IsScalar()) ReadMember(item.first, item.second);
    }
    for (const auto& error : gateway::HookProblems(spec_)) {
      auto at = node_[error.field()];
      problem_(at.IsDefined() ? at : node_, fmt::format("{}: {}", prefix_, error.message()));
    }
    return std::move(spec_);
  }

 private:
  void ReadMember(const YAML::Node& at, const YAML::Node& value) {
    const auto& key = at.Scalar();
    const auto named = fmt::format("{}: {}", prefix_, key);
    if (auto* text = TextMember(key); text != nullptr) {
      *text = TextAt(value, named, problem_);
    } else if (key == "timeout_ms") {
      ReadTimeout(value);
    } else if (key == "cleared_for_all_labels") {
      spec_.cleared_for_all_labels = FlagAt(value, named, problem_);
    } else if (key == "clearance") {
      for (const auto& label : TextsAt(value, named, problem_)) spec_.clearance.Add(label);
    } else if (key == "retention") {
      auto retention = ParseRetention(TextAt(value, named, problem_));
      if (retention.has_value()) spec_.retention = *retention;
      if (!retention.has_value()) {
        problem_(value, fmt::format("{}: {}", prefix_, retention.error().message()));
      }
    } else {
      auto nearest = NearestName(key, kMembers);
      problem_(at, fmt::format("{}: unknown member {}{}", prefix_, key,
                               nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest)));
    }
  }

  std::string* TextMember(std::string_view key) {
    if (key == "name") return &spec_.name;
    if (key == "url") return &spec_.url;
    if (key == "secret") return &spec_.secret;
    return key == "region" ? &spec_.region : nullptr;
  }

  // What is no number is out of range.
  void ReadTimeout(const YAML::Node& value) {
    const auto text = TextAt(value, prefix_ + ": timeout_ms", problem_);
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    spec_.timeout = std::chrono::milliseconds(whole ? number : 0);
  }

  const YAML::Node node_;
  const ConfigProblem& problem_;
  std::string prefix_ = "hooks.";
  gateway::HookSpec spec_;
};

}  // namespace

std::vector<gateway::HookSpec> ReadHooks(const YAML::Node& node, const ConfigProblem& problem,
                                         const HookFound& found) {
  std::vector<gateway::HookSpec> specs;
  if (!node.IsSequence()) {
    problem(node, "hooks: expected a list");
    return specs;
  }
  std::set<std::string> names;
  for (const auto& item : node) {
    if (!item.IsMap()) {
      problem(item, "hooks: each entry is a mapping, {name: …, url: …}");
      continue;
    }
    auto spec = HookReader(item, problem).Read();
    if (!names.insert(spec.name).second) {
      problem(item, fmt::format("hooks: two are named '{}'", spec.name));
    }
    found(spec.name, item);
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace strata::server
