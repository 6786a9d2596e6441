#pragma once
// Small texts that both protocols answer with.

#include <string>
#include <string_view>

#include "net/http.h"

namespace strata::net {

// Headers and body of errors that no handler saw. Which API the caller speaks is not known then, so
// the one form serves the clients of all: `error.type` and `error.message` (OpenAI, Anthropic),
// `message` and x-amzn-ErrorType (AWS).
Headers ErrorHeaders();
std::string ErrorBody(int status, std::string_view message);

// "Sun, 22 Nov 2026 10:54:59 GMT"; made once a second and thread.
std::string_view HttpDate();

}  // namespace strata::net
