#pragma once
// Small texts that both protocols answer with.

#include <string>
#include <string_view>

#include "net/server.h"

namespace strata::net {

// Headers and body of errors that no handler saw. Where `failures` cannot tell which API the caller
// speaks (null, or a request whose target was not read), one form serves the clients of all:
// `error.type` and `error.message` (OpenAI, Anthropic), `message` and x-amzn-ErrorType (AWS).
FailureAnswer AnswerFailure(const FailureEncoder& failures, const HttpRequest& request, int status,
                            std::string_view message);

// "Sun, 22 Nov 2026 10:54:59 GMT"; made once a second and thread.
std::string_view HttpDate();

}  // namespace strata::net
