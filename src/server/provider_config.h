#pragma once
// The `providers:` list of the configuration file, and of DATA/providers.yaml.
//
//   - name: azure
//     kind: azure
//     base_url: https://x.openai.azure.com
//     secret: env:AZURE_OPENAI_API_KEY
//     data_region: eu
//     models:
//       - gpt-4o                              # by its upstream id
//       - {id: o3, region: us, retention: 30d, clearance: [internal]}

#include <string>
#include <string_view>
#include <vector>

#include "provider/spec.h"
#include "server/config_node.h"

namespace strata::server {

// Every entry, as far as it can be read; problems stand at the line of the member that is wrong.
// `found` is called with the name of each entry and its node.
using ProviderFound = std::function<void(const std::string& name, const YAML::Node& node)>;
std::vector<provider::ProviderSpec> ReadProviders(const YAML::Node& node,
                                                  const ConfigProblem& problem,
                                                  const ProviderFound& found);

}  // namespace strata::server
