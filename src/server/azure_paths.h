#pragma once
// The paths of Azure's OpenAI clients: behind /openai the /v1 may be missing, and
// /openai/deployments/MODEL/chat/completions is /v1/chat/completions of that model, whatever model
// the body names.

#include <optional>
#include <string_view>

namespace strata::server {

struct AzurePath {
  std::string_view deployment;  // as sent; "" where the path names none
  std::string_view rest;        // "/chat/completions", behind /v1
};

// Views into `raw_path`. nullopt: another form.
std::optional<AzurePath> AzurePathOf(std::string_view raw_path);

}  // namespace strata::server
