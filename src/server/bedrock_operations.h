#pragma once
// Every operation of Bedrock's four services, so that those which this server does not have are
// refused in a way that SDKs understand, and idempotency tokens are known.

#include <span>
#include <string_view>

#include "server/router.h"

namespace strata::server {

struct BedrockOperation {
  Face face;
  std::string_view name;    // "CreatePrompt"
  std::string_view method;  // "POST"
  std::string_view path;    // "/prompts/"
  std::string_view token;   // body member that holds the idempotency token, "" for none
};

std::span<const BedrockOperation> BedrockOperations();

}  // namespace strata::server
