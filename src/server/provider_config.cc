#include "server/provider_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <span>

#include "base/options.h"

namespace strata::server {
namespace {

using provider::ProviderSpec;

constexpr std::string_view kMembers[] = {
    "name",      "kind",      "base_url", "secret", "api_version", "region",
    "project",   "profile",   "headers",  "models", "data_region", "cleared_for_all_labels",
    "clearance", "retention", "responses"};

constexpr std::string_view kModelMembers[] = {"id",        "region",    "cleared_for_all_labels",
                                              "clearance", "retention", "price"};

constexpr std::string_view kPriceMembers[] = {"input", "output", "cache_read", "cache_write",
                                              "as_of"};

// Where the texts of an entry go.
std::string* TextMember(ProviderSpec& spec, std::string_view key) {
  if (key == "name") return &spec.name;
  if (key == "base_url") return &spec.base_url;
  if (key == "secret") return &spec.secret;
  if (key == "api_version") return &spec.api_version;
  if (key == "region") return &spec.region;
  if (key == "project") return &spec.project;
  if (key == "profile") return &spec.profile;
  if (key == "data_region") return &spec.data_region;
  return nullptr;
}

class ProviderReader {
 public:
  ProviderReader(const YAML::Node& node, const ConfigProblem& problem)
      : node_(node), problem_(problem) {
    if (auto name = node["name"]; name.IsDefined() && name.IsScalar()) prefix_ += name.Scalar();
  }

  ProviderSpec Read() {
    bool kind_known = false;
    for (const auto& item : node_) {
      if (!item.first.IsScalar()) continue;  // has its problem already
      const auto& key = item.first.Scalar();
      if (key == "kind") kind_known = ReadKind(item.second);
      if (key != "kind") ReadMember(item.first, item.second);
    }
    if (!node_["kind"].IsDefined()) {
      problem_(node_, fmt::format("{}: kind: is missing", prefix_));
    }
    for (const auto& error : provider::SpecProblems(spec_)) {
      // Whether an address or a region is needed depends on the kind.
      bool by_kind = error.field() == "base_url" || error.field() == "region";
      if (by_kind && !kind_known) continue;
      auto at = node_[error.field()];
      problem_(at.IsDefined() ? at : node_, fmt::format("{}: {}", prefix_, error.message()));
    }
    return std::move(spec_);
  }

 private:
  std::string Named(std::string_view member) const {
    return fmt::format("{}: {}", prefix_, member);
  }

  bool ReadKind(const YAML::Node& value) {
    auto kind = provider::ParseKind(TextAt(value, Named("kind"), problem_));
    if (kind.has_value()) {
      spec_.kind = *kind;
    } else {
      problem_(value, fmt::format("{}: {}", prefix_, kind.error().message()));
    }
    return kind.has_value();
  }

  void ReadMember(const YAML::Node& at, const YAML::Node& value) {
    const auto& key = at.Scalar();
    if (auto* text = TextMember(spec_, key); text != nullptr) {
      *text = TextAt(value, Named(key), problem_);
    } else if (key == "cleared_for_all_labels") {
      spec_.cleared_for_all_labels = FlagAt(value, Named(key), problem_);
    } else if (key == "responses") {
      spec_.responses = FlagAt(value, Named(key), problem_);
    } else if (key == "models") {
      ReadModelsOf(value);
    } else if (key == "clearance") {
      spec_.clearance = LabelsAt(value, key);
    } else if (key == "headers") {
      spec_.headers = PairsAt(value, Named(key), problem_);
    } else if (key == "retention") {
      ReadRetention(value, spec_.retention);
    } else {
      Unknown(at, prefix_, kMembers);
    }
  }

  LabelSet LabelsAt(const YAML::Node& value, std::string_view member) {
    LabelSet labels;
    for (const auto& label : TextsAt(value, Named(member), problem_)) labels.Add(label);
    return labels;
  }

  void ReadRetention(const YAML::Node& value, std::optional<Retention>& out) {
    auto retention = ParseRetention(TextAt(value, Named("retention"), problem_));
    if (retention.has_value()) {
      out = *retention;
    } else {
      problem_(value, fmt::format("{}: {}", prefix_, retention.error().message()));
    }
  }

  // Upstream ids, or mappings with what a model declares for itself.
  void ReadModelsOf(const YAML::Node& list) {
    if (!list.IsSequence()) {
      return problem_(list, fmt::format("{}: expected a list of model ids", Named("models")));
    }
    for (const auto& item : list) {
      if (item.IsMap()) {
        ReadTerms(item);
      } else {
        spec_.models.push_back(TextAt(item, Named("models"), problem_));
      }
    }
  }

  void ReadTerms(const YAML::Node& node) {
    provider::ModelTerms terms;
    for (const auto& item : node) {
      if (!item.first.IsScalar()) continue;
      const auto& key = item.first.Scalar();
      const auto& value = item.second;
      if (key == "id") {
        terms.model = TextAt(value, Named("models: id"), problem_);
      } else if (key == "region") {
        terms.data_region = TextAt(value, Named("models: region"), problem_);
      } else if (key == "cleared_for_all_labels") {
        terms.cleared_for_all_labels = FlagAt(value, Named("models: " + key), problem_);
      } else if (key == "clearance") {
        terms.clearance = LabelsAt(value, "models: clearance");
      } else if (key == "retention") {
        ReadRetention(value, terms.retention);
      } else if (key == "price") {
        terms.price = ReadPrice(value);
      } else {
        Unknown(item.first, Named("models"), kModelMembers);
      }
    }
    if (terms.model.empty()) {
      return problem_(node, fmt::format("{}: a mapping needs an id", Named("models")));
    }
    spec_.models.push_back(terms.model);
    spec_.model_terms.push_back(std::move(terms));
  }

  // USD per million tokens.
  provider::ModelPrice ReadPrice(const YAML::Node& node) {
    provider::ModelPrice price;
    if (!node.IsMap()) {
      problem_(node, fmt::format("{}: expected a mapping of input, output, cache_read, "
                                 "cache_write and as_of",
                                 Named("models: price")));
      return price;
    }
    for (const auto& item : node) {
      if (!item.first.IsScalar()) continue;
      const auto& key = item.first.Scalar();
      const auto member = Named("models: price: " + key);
      if (key == "as_of") {
        price.as_of = TextAt(item.second, member, problem_);
      } else if (auto* amount = AmountOf(price, key); amount != nullptr) {
        auto parsed = provider::ParsePrice(TextAt(item.second, member, problem_));
        if (parsed.has_value()) *amount = *parsed;
        if (!parsed.has_value()) {
          problem_(item.second, fmt::format("{}: {}", member, parsed.error().message()));
        }
      } else {
        Unknown(item.first, Named("models: price"), kPriceMembers);
      }
    }
    if (!node["input"].IsDefined()) {
      problem_(node, fmt::format("{}: is missing", Named("models: price: input")));
    }
    if (!provider::IsDay(price.as_of)) {
      problem_(node, fmt::format("{}: '{}' is no day: expected the day from which these prices "
                                 "hold, as 2026-11-01",
                                 Named("models: price: as_of"), price.as_of));
    }
    return price;
  }

  static std::optional<std::int64_t>* AmountOf(provider::ModelPrice& price, std::string_view key) {
    if (key == "input") return &price.input;
    if (key == "output") return &price.output;
    if (key == "cache_read") return &price.cache_read;
    return key == "cache_write" ? &price.cache_write : nullptr;
  }

  void Unknown(const YAML::Node& at, std::string_view where,
               std::span<const std::string_view> known) {
    auto nearest = NearestName(at.Scalar(), known);
    problem_(at, fmt::format("{}: unknown member {}{}", where, at.Scalar(),
                             nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest)));
  }

  const YAML::Node node_;
  const ConfigProblem& problem_;
  std::string prefix_ = "providers.";
  ProviderSpec spec_;
};

}  // namespace

std::vector<ProviderSpec> ReadProviders(const YAML::Node& node, const ConfigProblem& problem,
                                        const ProviderFound& found) {
  std::vector<ProviderSpec> specs;
  if (!node.IsSequence()) {
    problem(node, "providers: expected a list");
    return specs;
  }
  std::map<std::string, int> lines;
  for (const auto& item : node) {
    if (!item.IsMap()) {
      problem(item, "providers: each entry is a mapping, {name: …, kind: …}");
      continue;
    }
    auto spec = ProviderReader(item, problem).Read();
    auto [first, fresh] = lines.emplace(spec.name, item.Mark().line + 1);
    if (!fresh) {
      problem(item, fmt::format("providers.{}: two have this name, the first in line {}", spec.name,
                                first->second));
    }
    found(spec.name, item);
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace strata::server
