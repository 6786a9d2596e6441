#pragma once
// What a provider's answer says is left of its rate limits.

#include "net/http.h"

namespace strata::provider::remote {

// The smallest share, 0..1, that any of the pairs remaining/limit leaves: OpenAI's and Azure's
// x-ratelimit-{remaining,limit}-{requests,tokens} and Anthropic's
// anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{remaining,limit}. -1: none of
// them is there, or cannot be read.
double QuotaShareOf(const net::Headers& headers);

}  // namespace strata::provider::remote
