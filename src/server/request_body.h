#pragma once
// The content coding of a request's body: taken off between the check of the key, whose signature
// covers the bytes as sent, and the handler.

#include <cstddef>
#include <string_view>

#include "base/pool.h"
#include "base/task.h"
#include "net/http.h"

namespace strata::server {

inline constexpr std::string_view kBodyCodings = "gzip, identity";  // what Accept-Encoding says

// Whether `coding`, the value of Content-Encoding, is one of kBodyCodings.
bool TakesBodyCoding(std::string_view coding);

// Puts the plain body in the place of a packed one and removes the header. Large bodies are
// unpacked on `pool`. Errors: kTooLarge (more than `bytes_max`, which is net.body_bytes_max, comes
// out), kInvalidArgument (broken gzip), kUnavailable (the pool's queue is full).
Task<Result<>> UnpackBody(net::HttpRequest& request, std::size_t bytes_max, Pool& pool);

}  // namespace strata::server
