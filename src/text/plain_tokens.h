#pragma once
// Tokens of a text where no model's tokenizer counts: for models that write without one. A token is
// a word or number ("81.7", "don't"), an ideograph, or any other character that is not white space;
// marks, joiners and halves of a flag stay with the character that they belong to.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strata::text {

// O(n); malformed bytes are tokens of their own.
std::int64_t CountPlainTokens(std::string_view text);

// Bytes of the longest beginning of `text` that holds at most `tokens_max` tokens: text.size() when
// all of it does, else where the last of them ends.
std::size_t PlainTokenPrefix(std::string_view text, std::int64_t tokens_max);

}  // namespace strata::text
