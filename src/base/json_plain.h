#pragma once
// The run of bytes that a JSON string holds as they are, found eight at a time: what readers and
// writers of JSON spend their time on.

#include <cstddef>
#include <string_view>

namespace strata {

// Bytes at the beginning of `text` that need no look: ASCII before the first quote, backslash or
// control character. O(n).
std::size_t JsonPlainPrefix(std::string_view text);

}  // namespace strata
