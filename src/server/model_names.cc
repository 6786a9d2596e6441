#include "server/model_names.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "knowledge/extract.h"
#include "provider/local_models.h"
#include "provider/registry.h"
#include "server/profiles/system_profiles.h"
#include "server/provider_file.h"
#include "server/reload.h"

namespace strata::server {
namespace {

// Providers that strata finds by itself have these names.
constexpr std::string_view kNamesFound[] = {"openai", "anthropic", "azure",  "bedrock", "gemini",
                                            "vertex", "cohere",    "ollama", "vllm"};
// Prefixes of what only the running server knows: knowledge bases, prompts, routers, inference
// profiles.
constexpr std::string_view kKept[] = {"kb", "prompt", "router", "application-inference-profile"};

enum class Use : std::uint8_t { kAny, kEmbed, kDeployment, kFallback, kQuery };

class NameCheck {
 public:
  NameCheck(const Config& config, const std::string& data_folder, Findings& findings)
      : config_(config), data_folder_(data_folder), findings_(findings) {}

  void Run() {
    if (!ReadModelsHere()) return;
    ReadProviders();
    CheckIds();
    for (const auto& [alias, target] : config_.aliases) {
      auto key = "aliases." + alias;
      auto chain = aliases_.AddAlias(alias, target);
      if (!chain.has_value()) {
        findings_.Problem(config_.PlaceOf(key),
                          fmt::format("{}: {}", key, chain.error().message()));
      }
    }
    for (const auto& [alias, target] : config_.aliases) Target("aliases." + alias, target);
    for (const auto& model : config_.models) {
      auto key = "models." + model.id;
      for (const auto& deployment : model.deployments) {
        Target(key, deployment.model, Use::kDeployment);
      }
      for (const auto& id : model.fallback) Target(key, id, Use::kFallback);
    }
    Target("kb.embedding_model", config_.options.Text("kb.embedding_model"), Use::kEmbed);
    const auto& writer = config_.options.Text("kb.query.model");
    if (!writer.empty()) Target("kb.query.model", writer, Use::kQuery);
  }

 private:
  void Problem(std::string_view key, std::string_view what) {
    findings_.Problem(config_.PlaceOf(key), fmt::format("{}: {}", key, what));
  }
  void Warning(std::string_view key, std::string_view what) {
    findings_.Warning(config_.PlaceOf(key), fmt::format("{}: {}", key, what));
  }

  // Id → whether it embeds.
  bool ReadModelsHere() {
    provider::LocalModelsSpec spec{.data_folder = data_folder_ + "/models"};
    auto models = provider::LocalModels::Open(config_.options, std::move(spec));
    if (!models.has_value()) {
      Problem("models.folder", models.error().message());
      return false;
    }
    for (const auto& info : (*models)->List()) here_[info.id] = info.can.embed;
    here_.emplace(std::string(knowledge::kExtractModelId), false);
    here_.emplace(std::string(provider::kBuiltinReranker), false);
    return true;
  }

  void ReadProviders() {
    for (auto name : kKept) prefixes_.emplace(name);
    for (auto name : {"builtin", "local"}) prefixes_.emplace(name);
    auto take = [&](const provider::ProviderSpec& spec) {
      prefixes_.insert(spec.name);
      bare_.insert(spec.models.begin(), spec.models.end());
    };
    for (const auto& spec : config_.providers) take(spec);
    auto added = LoadProviders(data_folder_);
    // The message has the place in that file.
    if (!added.has_value()) return findings_.Problem("", added.error().message());
    for (const auto& spec : *added) take(spec);
    for (auto& profile : SystemProfiles(MergeProviders(config_.providers, *added, {}))) {
      bare_.insert(std::move(profile.id));
    }
    if (!config_.options.Flag("server.detect_providers")) return;
    for (auto name : kNamesFound) prefixes_.emplace(name);
  }

  // Ids that this process has already.
  void CheckIds() {
    for (const auto& model : config_.models) {
      if (here_.contains(model.id)) {
        Problem("models." + model.id, "is the id of a model of strata's own; expected another");
      }
    }
    for (const auto& [alias, target] : config_.aliases) {
      bool configured =
          std::ranges::any_of(config_.models, [&](const auto& model) { return model.id == alias; });
      if (configured || here_.contains(alias)) {
        Problem("aliases." + alias, "is a model's own id, so it cannot be an alias");
      }
    }
  }

  // `id` behind its aliases; as far as they go when they go in a circle.
  std::string Behind(std::string id) const {
    std::set<std::string> seen;
    while (seen.insert(id).second) {
      auto next = config_.aliases.find(id);
      if (next == config_.aliases.end()) break;
      id = next->second;
    }
    return id;
  }

  void Target(const std::string& key, const std::string& given, Use use = Use::kAny) {
    auto id = Behind(given);
    if (id != given && key.starts_with("aliases.")) return;  // the alias that it names is checked
    if (auto at = here_.find(id); at != here_.end()) {
      if (use == Use::kEmbed && !at->second) {
        Problem(key, fmt::format("'{}' makes no embeddings; expected one of {}", id,
                                 fmt::join(Known(use), ", ")));
      }
      return;
    }
    bool configured =
        std::ranges::any_of(config_.models, [&](const auto& model) { return model.id == id; });
    if (configured && use == Use::kDeployment && id != given) {
      Problem(key, fmt::format("'{}' is the configured model '{}': it may be a fallback, not a "
                               "deployment",
                               given, id));
    }
    if (configured || config_.aliases.contains(id)) return;
    auto prefix = PrefixOf(id);
    if (prefix.empty()) return Bare(key, id);
    if (prefix == "builtin" || prefix == "local") return Here(key, id, prefix, use);
    if (std::ranges::find(kKept, prefix) != std::end(kKept)) return Kept(key, id, prefix, use);
    if (!prefixes_.contains(prefix)) UnknownProvider(key, id, prefix);
  }

  // What stands before the slash, in Bedrock's own spelling of the id too.
  static std::string PrefixOf(const std::string& id) {
    const auto spellings = provider::BedrockSpellings(id);
    const std::string& plain = spellings.empty() ? id : spellings.front();
    auto slash = plain.find('/');
    if (slash == plain.npos) slash = 0;
    return plain.substr(0, slash);
  }

  // Of models that stand for others: what leads back to `key` would be asked without end.
  void Kept(std::string_view key, const std::string& id, std::string_view prefix, Use use) {
    const bool of_pool = use == Use::kDeployment || use == Use::kFallback;
    if (use == Use::kEmbed) return Problem(key, fmt::format("'{}' makes no embeddings", id));
    if (of_pool && prefix == "kb") {
      return Problem(key,
                     fmt::format("'{}' is a knowledge base: name it in the request instead", id));
    }
    if (of_pool && prefix == "application-inference-profile") {
      return Problem(key, fmt::format("'{}' is an inference profile: name its model instead", id));
    }
    if (use == Use::kQuery && prefix == "kb") {
      return Problem(key, fmt::format("'{}' is no language model", id));
    }
    const auto at = id.find('@');
    if (prefix == "kb" && at != id.npos && PrefixOf(Behind(id.substr(at + 1))) == "kb") {
      return Problem(key, fmt::format("'{}': a knowledge base cannot answer for another one", id));
    }
    Warning(key, fmt::format("whether '{}' exists is known only when strata serves", id));
  }

  // Models of this process that can be used so.
  std::vector<std::string_view> Known(Use use) const {
    std::vector<std::string_view> known;
    for (const auto& [name, embeds] : here_) {
      if (use == Use::kAny || embeds) known.push_back(name);
    }
    return known;
  }

  // Below a prefix of this process, but not there.
  void Here(std::string_view key, const std::string& id, std::string_view prefix, Use use) {
    if (prefix == "local") {
      return Warning(key, fmt::format("'{}' is not in {}/models; strata model import puts it there",
                                      id, data_folder_));
    }
    auto known = Known(use);
    auto near = DidYouMean(id, known);
    if (near.empty()) near = fmt::format("; expected one of {}", fmt::join(known, ", "));
    Problem(key, fmt::format("'{}' does not exist{}", id, near));
  }

  void Bare(std::string_view key, const std::string& id) {
    if (bare_.contains(id) || here_.contains("builtin/" + id) || here_.contains("local/" + id)) {
      return;
    }
    std::vector<std::string_view> known(bare_.begin(), bare_.end());
    for (const auto& [name, embeds] : here_) known.push_back(name);
    Warning(key, fmt::format("no provider here lists '{}'; expected PROVIDER/MODEL, or an id that "
                             "exactly one provider has{}",
                             id, DidYouMean(id, known)));
  }

  void UnknownProvider(std::string_view key, const std::string& id, std::string_view prefix) {
    std::vector<std::string_view> known(prefixes_.begin(), prefixes_.end());
    auto near = DidYouMean(prefix, known);
    auto text = fmt::format("'{}': no provider is named '{}'{}", id, prefix, near);
    if (!near.empty()) return Problem(key, text);
    Warning(key, text + "; it answers when one is added (strata provider add)");
  }

  static std::string DidYouMean(std::string_view name, std::span<const std::string_view> known) {
    auto nearest = NearestName(name, known);
    return nearest.empty() ? std::string() : fmt::format(" (did you mean {}?)", nearest);
  }

  const Config& config_;
  const std::string& data_folder_;
  Findings& findings_;
  std::map<std::string, bool, std::less<>> here_;
  std::set<std::string, std::less<>> prefixes_;
  std::set<std::string, std::less<>> bare_;  // ids that providers are said to have
  provider::RegistrySnapshot aliases_;
};

}  // namespace

void CheckModelNames(const Config& config, const std::string& data_folder, Findings& findings) {
  NameCheck(config, data_folder, findings).Run();
}

}  // namespace strata::server
