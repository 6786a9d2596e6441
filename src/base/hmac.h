#pragma once
// HMAC-SHA-256 with a key that many messages have in common: half of the work is the key's, and
// done once.

#include <string>
#include <string_view>

#include "base/encoding.h"

namespace strata {

// `key` in the form that HmacSha256With takes: bytes for this process only, as secret as the key.
std::string PrepareHmacKey(std::string_view key);

// HmacSha256 of the key that was prepared.
Sha256Digest HmacSha256With(std::string_view prepared, std::string_view bytes);

}  // namespace strata
