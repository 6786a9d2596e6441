#pragma once
// A router as bytes: magic, format version, checksum, content. Little-endian. What is read is
// untrusted: every count is checked against what is left, every reference against its table, and
// every number must be finite.

#include <string>
#include <string_view>

#include "base/result.h"
#include "route/router.h"

namespace strata::route {

std::string WriteRouter(const RouterState& state);

// kCorruption: not a router, cut off, damaged, or inconsistent; kUnsupported: of a later format.
Result<RouterState> ReadRouter(std::string_view bytes);

}  // namespace strata::route
