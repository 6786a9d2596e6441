#pragma once
// Bedrock's cross-region inference profiles ("us.anthropic.claude-…", "global.…") as far as this
// server can serve them: a model that accounts of several regions list is one profile of each
// geography which holds two of them, and what an account lists under such an id is one itself.

#include <string>
#include <string_view>
#include <vector>

#include "gateway/model_pool.h"
#include "provider/spec.h"
#include "server/config.h"

namespace strata::server {

struct SystemProfile {
  struct Deployment {
    std::string model;   // id of this server: "PROVIDER/ID"
    std::string region;  // that the account is called in
  };
  std::string id;     // "us.anthropic.claude-…"
  std::string model;  // the foundation model behind it
  std::vector<Deployment> deployments;
};

// Of the accounts of kind bedrock that name their models, by id. What an account that does not name
// them has is not known here.
std::vector<SystemProfile> SystemProfiles(const std::vector<provider::ProviderSpec>& specs);

// The geographies of cross-region profiles that hold an AWS region, without "global": the widest
// first ("apac", "jp"); none for a region that is not known.
std::vector<std::string_view> GeographiesOf(std::string_view region);

// Those that need a model of their own, as several deployments stand behind them: but for ids that
// the configuration gives to something else.
std::vector<gateway::PoolSpec> SystemPools(const std::vector<provider::ProviderSpec>& specs,
                                           const Config& config);

}  // namespace strata::server
