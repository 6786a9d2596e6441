#pragma once
// Providers added by `strata provider add`: DATA/providers.yaml, in the form of the configuration
// file.

#include <string>
#include <vector>

#include "base/result.h"
#include "provider/spec.h"

namespace strata::server {

// Empty when there is no file. Errors: kInvalidArgument with file and line.
Result<std::vector<provider::ProviderSpec>> LoadProviders(const std::string& data_folder);

// Adds one; the file is replaced whole. Secrets are references, so nothing secret is written.
Result<> SaveProvider(const std::string& data_folder, const provider::ProviderSpec& spec);

// Takes one out. kNotFound when it is not there.
Result<> RemoveSavedProvider(const std::string& data_folder, const std::string& name);

}  // namespace strata::server
