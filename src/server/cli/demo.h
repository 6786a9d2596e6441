#pragma once
// `strata demo`: serve with a sample knowledge base, ask it one question, and show how anybody's
// SDK does the same.

#include <map>
#include <string>

#include "base/result.h"
#include "server/cli/caller.h"

namespace strata::server {

// Serves until SIGINT or SIGTERM. `samples`: a folder of documents.
Result<int> Demo(const CallerFlags& common, const std::map<std::string, std::string>& overrides,
                 const std::string& samples);

}  // namespace strata::server
