#pragma once
// Gzip (RFC 1952), one direction: bytes from outside, so what comes out is bounded.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

// What `bytes`, every member of a gzip file, hold. Errors: kTooLarge (more than `bytes_max` come
// out; no more than that is ever held), kCorruption (broken, cut off, or followed by other bytes).
Result<std::string> Gunzip(std::string_view bytes, std::size_t bytes_max);

}  // namespace strata
