#include "server/provider_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/options.h"

namespace strata::server {
namespace {

using provider::ModelTerms;
using provider::ProviderSpec;

constexpr std::string_view kMembers[] = {
    "name",      "kind",     "base_url", "secret", "api_version", "region",
    "project",   "profile",  "headers",  "models", "data_region", "cleared_for_all_labels",
    "clearance", "retention"};
constexpr std::string_view kModelMembers[] = {"id", "region", "cleared_for_all_labels", "clearance",
                                              "retention"};

struct TextMember {
  std::string_view key;
  std::string ProviderSpec::* member;
};
constexpr std::array<TextMember, 8> kTexts = {{{"name", &ProviderSpec::name},
                                               {"base_url", &ProviderSpec::base_url},
                                               {"secret", &ProviderSpec::secret},
                                               {"api_version", &ProviderSpec::api_version},
                                               {"region", &ProviderSpec::region},
                                               {"project", &ProviderSpec::project},
                                               {"profile", &ProviderSpec::profile},
                                               {"data_region", &ProviderSpec::data_region}}};

LabelSet Labels(const YAML::Node& value) {
  LabelSet labels;
  for (const auto& label : value) labels.Add(label.as<std::string>(""));
  return labels;
}

class ProviderReader {
 public:
  explicit ProviderReader(const ConfigProblem& problem) : problem_(problem) {}

  ProviderSpec Read(const YAML::Node& node) {
    for (const auto& item : node) {
      auto key = item.first.as<std::string>("");
      auto text = std::ranges::find(kTexts, key, &TextMember::key);
      if (text != kTexts.end()) {
        spec_.*text->member = item.second.as<std::string>("");
      } else if (!Member(key, item.second)) {
        Unknown(item.first, "providers", key, kMembers);
      }
    }
    return std::move(spec_);
  }

 private:
  bool Member(std::string_view key, const YAML::Node& value) {
    if (key == "kind") {
      Take(value, provider::ParseKind(value.as<std::string>("")), spec_.kind);
    } else if (key == "retention") {
      Take(value, ParseRetention(value.as<std::string>("")), spec_.retention);
    } else if (key == "cleared_for_all_labels") {
      spec_.cleared_for_all_labels = value.as<bool>(false);
    } else if (key == "clearance") {
      spec_.clearance = Labels(value);
    } else if (key == "models") {
      for (const auto& model : value) Model(model);
    } else if (key == "headers") {
      for (const auto& header : value) {
        spec_.headers.emplace_back(header.first.as<std::string>(""),
                                   header.second.as<std::string>(""));
      }
    } else {
      return false;
    }
    return true;
  }

  // An upstream id, or a mapping with what this model declares for itself.
  void Model(const YAML::Node& node) {
    if (!node.IsMap()) {
      spec_.models.push_back(node.as<std::string>(""));
      return;
    }
    ModelTerms terms;
    for (const auto& item : node) {
      auto key = item.first.as<std::string>("");
      const auto& value = item.second;
      if (key == "id") {
        terms.model = value.as<std::string>("");
      } else if (key == "region") {
        terms.data_region = value.as<std::string>("");
      } else if (key == "cleared_for_all_labels") {
        terms.cleared_for_all_labels = value.as<bool>(false);
      } else if (key == "clearance") {
        terms.clearance = Labels(value);
      } else if (key == "retention") {
        Take(value, ParseRetention(value.as<std::string>("")), terms.retention);
      } else {
        Unknown(item.first, "providers: models", key, kModelMembers);
      }
    }
    if (terms.model.empty()) return problem_(node, "providers: models: a mapping needs an id");
    spec_.models.push_back(terms.model);
    spec_.model_terms.push_back(std::move(terms));
  }

  template <class Parsed, class Out>
  void Take(const YAML::Node& value, Result<Parsed> parsed, Out& out) {
    if (parsed.has_value()) {
      out = *parsed;
    } else {
      problem_(value, parsed.error().message());
    }
  }

  void Unknown(const YAML::Node& at, std::string_view where, std::string_view key,
               std::span<const std::string_view> known) {
    auto nearest = NearestName(key, known);
    problem_(at, fmt::format("{}: unknown member {}{}", where, key,
                             nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest)));
  }

  const ConfigProblem& problem_;
  ProviderSpec spec_;
};

}  // namespace

ProviderSpec ReadProvider(const YAML::Node& node, const ConfigProblem& problem) {
  return ProviderReader(problem).Read(node);
}

}  // namespace strata::server
