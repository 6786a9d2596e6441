#pragma once
// Small texts that both protocols answer with.

#include <string>
#include <string_view>

namespace strata::net {

// `{"message": "…"}`, the body of errors that no handler saw.
std::string ErrorBody(std::string_view message);

// "Sun, 22 Nov 2026 10:54:59 GMT"; made once a second and thread.
std::string_view HttpDate();

}  // namespace strata::net
