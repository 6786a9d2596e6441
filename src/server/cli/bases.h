#pragma once
// What commands ask about knowledge bases before they make one.

#include <string>

#include "server/cli/caller.h"

namespace strata::server {

// Whether a knowledge base of that name is there. Asked before it is made: a name that is taken
// would stand in the server's log as a refused request.
Result<bool> HasBase(Caller& caller, const std::string& name);

}  // namespace strata::server
