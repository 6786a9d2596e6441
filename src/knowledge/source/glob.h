#pragma once
// Globs over '/'-separated paths.

#include <string_view>

namespace strata::knowledge {

// `*` and `?` within a name, `**` over folders, `[a-z]` and `[!a-z]` sets, `\` escapes. A pattern
// without '/' matches the last name of the path; a leading '/' anchors nothing further. Work is
// bounded by the product of the lengths.
bool GlobMatches(std::string_view pattern, std::string_view path);

}  // namespace strata::knowledge
