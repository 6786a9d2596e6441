#pragma once
// Reads what FormatIso8601 writes.

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace strata {

// "2026-11-22T08:23:39Z", with up to nine decimals, of which microseconds are kept; nullopt: it is
// not written so, or there is no such time.
std::optional<WallTime> ParseIso8601(std::string_view text);

}  // namespace strata
