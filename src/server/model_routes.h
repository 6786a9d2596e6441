#pragma once
// GET /v1/models is served to three dialects; the headers `anthropic-version` and `x-goog-api-key`
// decide.

#include "server/router.h"
#include "server/services.h"

namespace strata::server {

Task<Result<>> ListModelsOpenAi(Services& services, Exchange& exchange);
Task<Result<>> GetModelOpenAi(Services& services, Exchange& exchange);
Task<Result<>> ListModelsAnthropic(Services& services, Exchange& exchange);
Task<Result<>> GetModelAnthropic(Services& services, Exchange& exchange);
Task<Result<>> ListModelsGemini(Services& services, Exchange& exchange);
Task<Result<>> GetModelGemini(Services& services, Exchange& exchange);

// kPermissionDenied, kNotFound: also bases and routers of other workspaces.
Result<provider::ListedModel> DescribeVisible(const Services& services, const std::string& id,
                                              const RequestContext& ctx);

// What this key may see of the registry.
std::vector<provider::ListedModel> VisibleModels(const Services& services,
                                                 const RequestContext& ctx);

}  // namespace strata::server
