#pragma once
// Text bytes of any encoding to UTF-8.

#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::knowledge {

// A byte order mark decides; then valid UTF-8 is taken as such; then zero bytes that alternate with
// Latin letters are UTF-16; then `hint` (a charset name from a header or a meta element, "" for
// none); then ICU's detector; at last windows-1252, which never fails. Bytes without a meaning
// become U+FFFD. The result has no byte order mark. Errors: kTooLarge when the result would exceed
// `bytes_max`; kUnsupported when the bytes are no text: zero bytes in what is not UTF-16, or more
// than one control character in fifty.
Result<std::string> DecodeText(std::string_view bytes, std::string_view hint,
                               std::size_t bytes_max);

// What a reader should know of how text bytes were decoded: that their encoding was guessed, or
// that some of them were replaced. "" when nothing had to be guessed.
std::string EncodingNote(std::string_view bytes);

}  // namespace strata::knowledge
