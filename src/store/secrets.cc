#include "store/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/encoding.h"
#include "base/rng.h"
#include "store/file.h"

namespace strata::store {
namespace {

constexpr std::string_view kPrefix = "sealed:v1.";
constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::uint64_t kSecretFileMax = 64 << 10;
constexpr std::size_t kKeysMax = 64;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string_view TrimEnd(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string MasterPath(const std::string& folder) { return folder + "/master.key"; }

Result<SecretText> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    return Fail(NotFound("environment variable", name));
  }
  return SecretText(value);
}

Result<SecretText> FromFile(const std::string& path) {
  STRATA_TRY(auto text, ReadWholeFile(path, kSecretFileMax));
  SecretText whole(std::move(text));
  return SecretText(std::string(TrimEnd(whole.view())));
}

struct SealedParts {
  std::string key_id;
  std::string body;  // nonce and sealed bytes
};

std::optional<SealedParts> ParseSealed(std::string_view sealed) {
  if (!sealed.starts_with(kPrefix)) return std::nullopt;
  sealed.remove_prefix(kPrefix.size());
  auto dot = sealed.find('.');
  if (dot == sealed.npos) return std::nullopt;
  auto text = std::string(sealed.substr(dot + 1));
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  auto body = Base64Decode(text);
  if (!body || body->size() < kNonce + kTag) return std::nullopt;
  return SealedParts{std::string(sealed.substr(0, dot)), std::move(*body)};
}

// Made once; two processes cannot race, as the data folder is held.
Result<> MakeMasterKey(const std::string& folder) {
  STRATA_CHECK_OK(MakeFolder(folder));
  return WriteFileAtomic(MasterPath(folder), SecureRandomHex(32) + "\n");
}

Result<> CheckPrivate(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return Fail(SystemError(errno, "reading", path));
  if ((info.st_mode & 077) != 0) {
    return Fail(Code::kPermissionDenied,
                fmt::format("{} can be read by others (mode {:o}): chmod 600 it", path,
                            info.st_mode & 0777));
  }
  return {};
}

}  // namespace

// ---- SecretText

void SecretText::Wipe() noexcept {
  if (text_.capacity() == 0) return;
  text_.resize(text_.capacity());
  sodium_memzero(text_.data(), text_.size());
  text_.clear();
}
SecretText::SecretText(SecretText&& other) noexcept : text_(other.text_) { other.Wipe(); }
SecretText& SecretText::operator=(const SecretText& other) {
  if (this != &other) {
    Wipe();
    text_ = other.text_;
  }
  return *this;
}
SecretText& SecretText::operator=(SecretText&& other) noexcept {
  if (this != &other) {
    Wipe();
    text_ = other.text_;
    other.Wipe();
  }
  return *this;
}
SecretText::~SecretText() { Wipe(); }

// ---- KeyRing

KeyRing::~KeyRing() {
  for (auto& key : keys_) sodium_memzero(key.bytes.data(), key.bytes.size());
}

Result<std::vector<KeyRing::Key>> KeyRing::ParseKeys(std::string_view text,
                                                     std::string_view where) {
  std::vector<Key> keys;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    line = TrimEnd(line);
    if (line.empty()) continue;
    auto bytes = HexDecode(line);
    if (!bytes || bytes->size() != 32) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}: a master key is a line of 64 hex digits", where));
    }
    Key key;
    std::memcpy(key.bytes.data(), bytes->data(), 32);
    key.id = Sha256Hex("strata master key id\n" + *bytes).substr(0, 8);
    sodium_memzero(bytes->data(), bytes->size());
    keys.push_back(std::move(key));
  }
  if (keys.empty() || keys.size() > kKeysMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} holds {} master keys, not 1 to {}", where, keys.size(), kKeysMax));
  }
  return keys;
}

Result<KeyRing> KeyRing::Load(std::string_view reference, const std::string& secrets_folder) {
  if (::sodium_init() < 0) return Fail(Internal("libsodium does not start"));
  SecretText text;
  std::string where(reference);
  if (reference.empty()) {
    where = MasterPath(secrets_folder);
    if (::access(where.c_str(), F_OK) != 0) STRATA_CHECK_OK(MakeMasterKey(secrets_folder));
    STRATA_CHECK_OK(CheckPrivate(where));
    STRATA_TRY(text, FromFile(where));
  } else if (reference.starts_with("env:")) {
    STRATA_TRY(text, FromEnvironment(std::string(reference.substr(4))));
  } else if (reference.starts_with("file:")) {
    auto path = std::string(reference.substr(5));
    STRATA_CHECK_OK(CheckPrivate(path));
    STRATA_TRY(text, FromFile(path));
  } else {
    return Fail(InvalidArgument("store.master_key", "expected env:NAME or file:PATH"));
  }
  STRATA_TRY(auto keys, ParseKeys(text.view(), where));
  return KeyRing(std::move(keys));
}

const KeyRing::Key* KeyRing::Find(std::string_view id) const {
  auto it = std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) { return key.id == id; });
  return it == keys_.end() ? nullptr : &*it;
}

Result<std::string> KeyRing::Seal(std::string_view secret, std::string_view context) const {
  const auto& key = keys_.front();
  std::string body(kNonce + secret.size() + kTag, '\0');
  auto* out = reinterpret_cast<unsigned char*>(body.data());
  ::randombytes_buf(out, kNonce);
  unsigned long long written = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(out + kNonce, &written, Bytes(secret), secret.size(),
                                             Bytes(context), context.size(), nullptr, out,
                                             key.bytes.data());
  return fmt::format("{}{}.{}", kPrefix, key.id, Base64UrlEncode(body));
}

Result<SecretText> KeyRing::Unseal(std::string_view sealed, std::string_view context) const {
  auto parts = ParseSealed(sealed);
  if (!parts) return Fail(Code::kInvalidArgument, "it is no sealed text (sealed:v1.KEYID.…)");
  const auto* key = Find(parts->key_id);
  if (key == nullptr) return Fail(NotFound("master key", parts->key_id));
  std::string secret(parts->body.size() - kNonce - kTag, '\0');
  unsigned long long written = 0;
  int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
      reinterpret_cast<unsigned char*>(secret.data()), &written, nullptr,
      Bytes(parts->body) + kNonce, parts->body.size() - kNonce, Bytes(context), context.size(),
      Bytes(parts->body), key->bytes.data());
  if (failed != 0) {
    return Fail(Code::kCorruption, "a sealed text was changed, or is for something else");
  }
  SecretText out(secret);
  sodium_memzero(secret.data(), secret.size());
  return out;
}

Result<std::string> KeyRing::Reseal(std::string_view sealed, std::string_view context) const {
  auto parts = ParseSealed(sealed);
  if (parts && parts->key_id == newest_key_id()) return std::string(sealed);
  STRATA_TRY(auto secret, Unseal(sealed, context));
  return Seal(secret.view(), context);
}

Result<SecretText> KeyRing::Resolve(std::string_view reference, std::string_view context) const {
  if (reference.starts_with("env:")) return FromEnvironment(std::string(reference.substr(4)));
  if (reference.starts_with("file:")) return FromFile(std::string(reference.substr(5)));
  if (reference.starts_with("sealed:")) return Unseal(reference, context);
  // The text itself may be a secret that was put here by mistake: it is not repeated.
  return Fail(
      Code::kInvalidArgument,
      fmt::format("{}: a secret is given as env:NAME, file:PATH or sealed:…, never as it is",
                  context));
}

Result<> KeyRing::Rotate(const std::string& secrets_folder) {
  auto path = MasterPath(secrets_folder);
  STRATA_TRY(auto old, FromFile(path));
  SecretText keys(SecureRandomHex(32) + "\n" + std::string(old.view()) + "\n");
  return WriteFileAtomic(path, keys.view());
}

}  // namespace strata::store
