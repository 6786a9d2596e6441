#pragma once
// Writing JSON without a library, for hot paths and for headers that must stay light. Reading is
// simdjson's or boost.json's business, in .cc files.

#include <string>
#include <string_view>

namespace strata {

// Appends `text` as a quoted JSON string. Invalid UTF-8 becomes U+FFFD, so the output is always
// valid JSON. O(n).
void AppendJsonString(std::string& out, std::string_view text);

// `"…"`, see above.
std::string JsonString(std::string_view text);

}  // namespace strata
