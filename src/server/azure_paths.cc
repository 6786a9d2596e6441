#include "server/azure_paths.h"

namespace strata::server {

std::optional<AzurePath> AzurePathOf(std::string_view raw_path) {
  constexpr std::string_view kPrefix = "/openai";
  constexpr std::string_view kDeployments = "/deployments/";
  if (!raw_path.starts_with("/openai/") || raw_path.starts_with("/openai/v1/")) {
    return std::nullopt;
  }
  const auto path = raw_path.substr(kPrefix.size());
  if (!path.starts_with(kDeployments)) return AzurePath{.deployment = {}, .rest = path};
  // Model ids hold slashes.
  const auto named = path.substr(kDeployments.size());
  for (std::string_view operation : {"/chat/completions", "/completions", "/embeddings"}) {
    if (!named.ends_with(operation) || named.size() == operation.size()) continue;
    const auto size = named.size() - operation.size();
    return AzurePath{.deployment = named.substr(0, size), .rest = named.substr(size)};
  }
  return std::nullopt;
}

}  // namespace strata::server
