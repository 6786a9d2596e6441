#pragma once
// One entry of the `providers:` list of the configuration file.
//
//   - name: azure
//     kind: azure
//     base_url: https://x.openai.azure.com
//     secret: env:AZURE_OPENAI_API_KEY
//     data_region: eu
//     models:
//       - gpt-4o                              # by its upstream id
//       - {id: o3, region: us, retention: 30d, clearance: [internal]}

#include "provider/spec.h"
#include "server/model_config.h"

namespace strata::server {

// What can be read of it; problems name the member, unknown ones the nearest known.
provider::ProviderSpec ReadProvider(const YAML::Node& node, const ConfigProblem& problem);

}  // namespace strata::server
