#pragma once
// UTF-8 checks and offsets. Inside strata offsets are bytes; public APIs speak code points (Unicode
// scalar values).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

// Length (1..4) of the well-formed sequence at byte `at`, 0 when it is malformed, truncated,
// overlong or a surrogate.
std::size_t Utf8SequenceSize(std::string_view text, std::size_t at);

bool IsValidUtf8(std::string_view text);

// Malformed bytes replaced by U+FFFD, one each.
std::string ReplaceInvalidUtf8(std::string_view text);

// Number of code points; malformed bytes count as one each. O(n).
std::size_t CodePointCount(std::string_view text);

// Byte offset of code point number `code_point`, at most text.size(). O(n).
std::size_t ByteOffset(std::string_view text, std::size_t code_point);

// Longest prefix of at most `bytes_max` bytes that does not cut a sequence.
std::string_view Utf8Prefix(std::string_view text, std::size_t bytes_max);

void AppendUtf8(std::string& out, char32_t code_point);

}  // namespace strata
