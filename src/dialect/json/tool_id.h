#pragma once
// Ids of tool calls where they must be words.

#include <string>
#include <string_view>

namespace strata::dialect {

// `id` as Anthropic and Bedrock take it: at most 64 letters, digits, '_' and '-'. Others (some
// servers write "functions.weather:0") are spelt so, with a hash against mix-ups; the same id
// always comes out the same, so that a call and its result stay together.
std::string WordId(std::string_view id);

}  // namespace strata::dialect
