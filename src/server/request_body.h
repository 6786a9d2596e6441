#pragma once
// What becomes of a request's body between the check of the key, whose signature covers the bytes
// as sent, and the handler: its content coding is taken off, and Azure's clients name the model in
// the path.

#include <cstddef>
#include <string>
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

// `body` with `model` in the place of the model that it names, or before its first member. What is
// no JSON object stays as it is: its reader says what is wrong.
std::string WithModel(std::string body, std::string_view model);

}  // namespace strata::server
