#pragma once
// Token estimates for remote models, whose tokenizers are not here.

#include <cstdint>
#include <string_view>

#include "domain/conversation.h"

namespace strata::provider::remote {

// Characters / 4, rounded up: the rule of thumb of the providers for English. Bytes of images and
// documents do not count; each costs a flat 1,000.
std::int64_t EstimatePromptTokens(const domain::ChatRequest& request);
std::int64_t EstimateTokens(std::size_t characters);

// An upper estimate of the tokens of one text: three letters a token, every other character one a
// byte. Byte-level vocabularies never need more than one token a byte.
std::int64_t TokensAtMost(std::string_view text);

}  // namespace strata::provider::remote
