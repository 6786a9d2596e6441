#pragma once
// Which header fields travel with a request or an answer that is forwarded: all but those of one
// connection, of one host, and those that say who is asking or whose account pays.

#include "domain/wire.h"
#include "net/http.h"

namespace strata::provider {

// Those of a client's request that a provider may see. Left out are, beside the above, strata's own
// (x-strata-…), addresses of proxies (forwarded, x-forwarded-…), and what the client of the
// provider sets itself (content-length, accept-encoding).
domain::WireHeaders RequestHeadersToForward(const net::Headers& headers);

// Those of a provider's answer that a client may see.
domain::WireHeaders AnswerHeadersToForward(const net::Headers& headers);

}  // namespace strata::provider
