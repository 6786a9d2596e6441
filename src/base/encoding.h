#pragma once
// Hex, base64, percent-encoding, CRC-32, SHA-256 and HMAC: pure functions over bytes.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata {

std::string HexEncode(std::string_view bytes);  // lower case
std::optional<std::string> HexDecode(
    std::string_view hex);  // nullopt: odd length or a non-hex digit

std::string Base64Encode(std::string_view bytes);  // RFC 4648 §4, padded
std::optional<std::string> Base64Decode(
    std::string_view text);                           // strict alphabet; padding may be missing
std::string Base64UrlEncode(std::string_view bytes);  // RFC 4648 §5, unpadded

// RFC 3986: everything but unreserved characters becomes %XX (upper case). `keep`: further
// characters left as they are.
std::string PercentEncode(std::string_view bytes, std::string_view keep = {});
std::optional<std::string> PercentDecode(std::string_view text);  // nullopt: a broken escape

std::uint32_t Crc32(std::string_view bytes,
                    std::uint32_t seed = 0);  // IEEE, as in zlib and event streams
std::uint64_t Hash64(std::string_view bytes,
                     std::uint64_t seed = 0);  // fast, stable across machines, not for secrets

using Sha256Digest = std::array<std::uint8_t, 32>;
Sha256Digest Sha256(std::string_view bytes);
std::string Sha256Hex(std::string_view bytes);
Sha256Digest HmacSha256(std::string_view key, std::string_view bytes);
inline std::string_view AsBytes(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// Same answer in time that depends on the lengths only: for secrets.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace strata
