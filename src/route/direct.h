#pragma once
// The direct route: the caller named what answers.

#include <memory>
#include <string>

#include "base/context.h"
#include "base/result.h"
#include "domain/conversation.h"
#include "provider/chat_model.h"
#include "provider/registry.h"

namespace strata::route {

// The version that ledger rows pin for requests that name their model.
inline constexpr std::string_view kDirectVersion = "direct/1";

struct Plan {
  std::shared_ptr<provider::ChatModel> model;
  std::string reason;  // for the trace: "named by the caller", "alias of …"
};

// Errors: kNotFound (names the nearest known id), kInvalidArgument (the id is an embedding model's,
// or ambiguous).
Result<Plan> ChooseDirect(const provider::RegistrySnapshot& models,
                          const domain::ChatRequest& request);

}  // namespace strata::route
