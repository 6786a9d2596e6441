#pragma once
// Inference profiles as models: their ARN works as the model id in every dialect.

#include <memory>

#include "provider/registry.h"
#include "server/profiles/profile_store.h"

namespace strata::server {

// Source "application-inference-profile": what ARNs resolve to. Both arguments outlive it. Not
// listed among the models: profiles belong to one workspace.
std::shared_ptr<provider::ModelSource> MakeProfileSource(const ProfileStore& profiles,
                                                         const provider::Registry& registry);

}  // namespace strata::server
