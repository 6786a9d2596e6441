// OpenSSL's SHA256_… functions are the digest without the provider layer of EVP, whose look-ups
// cost more than the digest of a key; they are deprecated, not removed.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/encoding.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <cstring>
#include <initializer_list>

#include "base/check.h"
#include "base/hmac.h"

namespace strata {
namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<std::int16_t, 256> MakeBase64Values() {
  std::array<std::int16_t, 256> values{};
  for (auto& v : values) v = -1;
  for (int i = 0; i < 64; ++i)
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int16_t>(i);
  return values;
}

std::uint64_t Load64(const char* p) {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

Sha256Digest Sha256Of(std::initializer_list<std::string_view> parts) {
  SHA256_CTX context;
  Sha256Digest digest;
  bool ok = SHA256_Init(&context) == 1;
  for (auto part : parts) {
    ok = ok && SHA256_Update(&context, part.data(), part.size()) == 1;
  }
  ok = ok && SHA256_Final(digest.data(), &context) == 1;
  STRATA_FATAL(ok, "SHA-256 is unavailable");
  OPENSSL_cleanse(&context, sizeof(context));  // what is digested may be a key
  return digest;
}

}  // namespace

std::string HexEncode(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(bytes.size() * 2, '\0');
  char* at = out.data();
  for (unsigned char c : bytes) {
    *at++ = kDigits[c >> 4];
    *at++ = kDigits[c & 15];
  }
  return out;
}

std::optional<std::string> HexDecode(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    int high = HexValue(hex[i]);
    int low = HexValue(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string Base64Encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 2 < bytes.size(); i += 3) {
    std::uint32_t v = static_cast<unsigned char>(bytes[i]) << 16 |
                      static_cast<unsigned char>(bytes[i + 1]) << 8 |
                      static_cast<unsigned char>(bytes[i + 2]);
    out += kBase64[v >> 18];
    out += kBase64[(v >> 12) & 63];
    out += kBase64[(v >> 6) & 63];
    out += kBase64[v & 63];
  }
  if (i == bytes.size()) return out;
  bool two = i + 1 < bytes.size();
  std::uint32_t v = static_cast<unsigned char>(bytes[i]) << 16 |
                    (two ? static_cast<unsigned char>(bytes[i + 1]) << 8 : 0);
  out += kBase64[v >> 18];
  out += kBase64[(v >> 12) & 63];
  out += two ? kBase64[(v >> 6) & 63] : '=';
  out += '=';
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  static constexpr auto kValues = MakeBase64Values();
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (unsigned char c : text) {
    int value = kValues[c];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 255);
    }
  }
  return out;
}

std::string Base64UrlEncode(std::string_view bytes) {
  auto out = Base64Encode(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (auto& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

std::string PercentEncode(std::string_view bytes, std::string_view keep) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : bytes) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.' || c == '~' ||
                 keep.find(static_cast<char>(c)) != keep.npos;
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    }
  }
  return out;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int high = HexValue(text[i + 1]);
    int low = HexValue(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed) {
  // The folded-multiply construction of wyhash (Wang Yi, public domain), little-endian loads.
  constexpr std::uint64_t kP0 = 0xA0761D6478BD642FULL;
  constexpr std::uint64_t kP1 = 0xE7037ED1A0B428DBULL;
  std::uint64_t h = seed ^ kP0;
  std::size_t left = bytes.size();
  const char* p = bytes.data();
  for (; left > 16; left -= 16, p += 16) h = Mix(Load64(p) ^ kP1, Load64(p + 8) ^ h);
  char tail[16] = {};
  if (left > 0) std::memcpy(tail, p, left);
  return Mix(kP1 ^ bytes.size(), Mix(Load64(tail) ^ kP1, Load64(tail + 8) ^ h));
}

Sha256Digest Sha256(std::string_view bytes) { return Sha256Of({bytes}); }

std::string Sha256Hex(std::string_view bytes) { return HexEncode(AsBytes(Sha256(bytes))); }

namespace {

// RFC 2104: where the two digests stand behind the first block, which is the key's.
struct HmacStart {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

SHA256_CTX StartWith(const std::array<char, SHA256_CBLOCK>& key, char pad) {
  std::array<char, SHA256_CBLOCK> block = key;
  for (char& c : block) c = static_cast<char>(c ^ pad);
  SHA256_CTX context;
  bool ok = SHA256_Init(&context) == 1 && SHA256_Update(&context, block.data(), block.size()) == 1;
  STRATA_FATAL(ok, "SHA-256 is unavailable");
  OPENSSL_cleanse(block.data(), block.size());
  return context;
}

Sha256Digest FinishWith(SHA256_CTX context, std::string_view bytes) {
  Sha256Digest digest;
  bool ok = SHA256_Update(&context, bytes.data(), bytes.size()) == 1 &&
            SHA256_Final(digest.data(), &context) == 1;
  STRATA_FATAL(ok, "SHA-256 is unavailable");
  OPENSSL_cleanse(&context, sizeof(context));
  return digest;
}

}  // namespace

std::string PrepareHmacKey(std::string_view key) {
  std::array<char, SHA256_CBLOCK> padded{};
  if (key.size() > padded.size()) {
    auto digest = Sha256(key);
    std::memcpy(padded.data(), digest.data(), digest.size());
  } else {
    key.copy(padded.data(), key.size());
  }
  HmacStart start{.inner = StartWith(padded, 0x36), .outer = StartWith(padded, 0x5c)};
  std::string prepared(reinterpret_cast<const char*>(&start), sizeof(start));
  OPENSSL_cleanse(padded.data(), padded.size());
  OPENSSL_cleanse(&start, sizeof(start));
  return prepared;
}

Sha256Digest HmacSha256With(std::string_view prepared, std::string_view bytes) {
  HmacStart start;
  STRATA_FATAL(prepared.size() == sizeof(start), "the key was not prepared");
  std::memcpy(&start, prepared.data(), sizeof(start));
  auto digest = FinishWith(start.inner, bytes);
  digest = FinishWith(start.outer, AsBytes(digest));
  OPENSSL_cleanse(&start, sizeof(start));
  return digest;
}

Sha256Digest HmacSha256(std::string_view key, std::string_view bytes) {
  auto prepared = PrepareHmacKey(key);
  auto digest = HmacSha256With(prepared, bytes);
  OPENSSL_cleanse(prepared.data(), prepared.size());
  return digest;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace strata
