#include "server/profiles/system_profiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "provider/registry.h"

namespace strata::server {
namespace {

constexpr std::string_view kGlobal = "global";

using Profiles = std::map<std::string, SystemProfile>;

std::size_t RegionsOf(const SystemProfile& profile) {
  std::set<std::string_view> regions;
  for (const auto& deployment : profile.deployments) regions.insert(deployment.region);
  return regions.size();
}

void Add(Profiles& profiles, std::string id, std::string_view model,
         SystemProfile::Deployment deployment) {
  auto& profile = profiles[id];
  profile.id = std::move(id);
  profile.model = model;
  profile.deployments.push_back(std::move(deployment));
}

// A foundation model under every geography that the account's region lies in.
void AddBase(Profiles& profiles, const provider::ProviderSpec& spec, const std::string& id) {
  const auto geographies = GeographiesOf(spec.region);
  const SystemProfile::Deployment deployment{.model = fmt::format("{}/{}", spec.name, id),
                                             .region = spec.region};
  for (auto geography : geographies) {
    Add(profiles, fmt::format("{}.{}", geography, id), id, deployment);
  }
  // The clouds of governments are closed.
  if (geographies.empty() || geographies.front() == "us-gov") return;
  Add(profiles, fmt::format("{}.{}", kGlobal, id), id, deployment);
}

}  // namespace

std::vector<std::string_view> GeographiesOf(std::string_view region) {
  if (region.starts_with("us-gov-")) return {"us-gov"};
  for (std::string_view alone : {"us", "eu", "ca", "sa"}) {
    if (region.starts_with(alone) && region.substr(alone.size()).starts_with('-')) return {alone};
  }
  if (!region.starts_with("ap-")) return {};
  if (region == "ap-northeast-1" || region == "ap-northeast-3") return {"apac", "jp"};
  if (region == "ap-southeast-2" || region == "ap-southeast-4") return {"apac", "au"};
  return {"apac"};
}

std::vector<SystemProfile> SystemProfiles(const std::vector<provider::ProviderSpec>& specs) {
  Profiles derived;
  Profiles listed;
  for (const auto& spec : specs) {
    if (spec.kind != provider::ProviderKind::kBedrock) continue;
    for (const auto& id : spec.models) {
      const auto spellings = provider::BedrockSpellings(id);
      if (id.starts_with("arn:")) continue;  // it is what its account alone knows
      if (spellings.empty()) {
        AddBase(derived, spec, id);
      } else {
        Add(listed, id, spellings.back(),
            {.model = fmt::format("{}/{}", spec.name, id), .region = spec.region});
      }
    }
  }
  // In one region alone a model is no cross-region profile. What an account has under the id itself
  // is AWS's own profile, and stands for it.
  std::erase_if(derived, [](const auto& item) { return RegionsOf(item.second) < 2; });
  listed.merge(derived);
  std::vector<SystemProfile> out;
  for (auto& [id, profile] : listed) out.push_back(std::move(profile));
  return out;
}

std::vector<gateway::PoolSpec> SystemPools(const std::vector<provider::ProviderSpec>& specs,
                                           const Config& config) {
  std::vector<gateway::PoolSpec> out;
  for (auto& profile : SystemProfiles(specs)) {
    const bool taken =
        config.aliases.contains(profile.id) ||
        std::ranges::find(config.models, profile.id, &gateway::PoolSpec::id) != config.models.end();
    if (taken || profile.deployments.size() < 2) continue;
    gateway::PoolSpec pool{.id = std::move(profile.id)};
    for (auto& deployment : profile.deployments) {
      pool.deployments.push_back({.model = std::move(deployment.model)});
    }
    out.push_back(std::move(pool));
  }
  return out;
}

}  // namespace strata::server
