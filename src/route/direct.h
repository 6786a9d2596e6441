#pragma once
// The direct route: the caller named what answers.

#include <string_view>

#include "base/result.h"
#include "domain/conversation.h"
#include "provider/registry.h"
#include "route/plan.h"

namespace strata::route {

// The version that ledger rows pin for requests that name their model.
inline constexpr std::string_view kDirectVersion = "direct/1";

// Errors: kNotFound (names the nearest known id), kInvalidArgument (the id is an embedding model's,
// or ambiguous).
Result<Plan> ChooseDirect(const provider::RegistrySnapshot& models,
                          const domain::ChatRequest& request);

}  // namespace strata::route
