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
#include <mutex>
#include <optional>
#include <vector>

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

// Of lines that are not empty.
std::string_view FirstLines(std::string_view text, std::size_t lines) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size() && lines > 0; at = end) {
    const auto length = text.substr(at).find('\n');
    if (!TrimEnd(text.substr(at, length)).empty()) --lines;
    end = length == text.npos ? text.size() : at + length + 1;
  }
  return TrimEnd(text.substr(0, end));
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

struct KeyRing::Keys {
  Keys() = default;
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;
  ~Keys() {
    for (auto& key : list) sodium_memzero(key.bytes.data(), key.bytes.size());
  }
  std::vector<Key> list;  // newest first, never empty
};

struct KeyRing::State {
  std::string path;     // of the file that it rotates in; "" for keys of a reference
  std::mutex rotating;  // held over the file's change
  mutable std::mutex mutex;
  std::shared_ptr<const Keys> keys;
};

KeyRing::KeyRing(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyRing::KeyRing(KeyRing&&) noexcept = default;
KeyRing& KeyRing::operator=(KeyRing&&) noexcept = default;
KeyRing::~KeyRing() = default;

std::shared_ptr<const KeyRing::Keys> KeyRing::Now() const {
  std::lock_guard lock(state_->mutex);
  return state_->keys;
}

std::string KeyRing::newest_key_id() const { return Now()->list.front().id; }

Result<std::shared_ptr<const KeyRing::Keys>> KeyRing::ParseKeys(std::string_view text,
                                                                std::string_view where) {
  auto keys = std::make_shared<Keys>();
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
    keys->list.push_back(std::move(key));
  }
  if (keys->list.empty() || keys->list.size() > kKeysMax) {
    return Fail(Code::kInvalidArgument, fmt::format("{} holds {} master keys, not 1 to {}", where,
                                                    keys->list.size(), kKeysMax));
  }
  return keys;
}

Result<KeyRing> KeyRing::Load(std::string_view reference, const std::string& secrets_folder) {
  if (::sodium_init() < 0) return Fail(Internal("libsodium does not start"));
  SecretText text;
  auto state = std::make_unique<State>();
  std::string where(reference);
  if (reference.empty()) {
    where = state->path = MasterPath(secrets_folder);
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
  STRATA_TRY(state->keys, ParseKeys(text.view(), where));
  return KeyRing(std::move(state));
}

const KeyRing::Key* KeyRing::Find(const Keys& keys, std::string_view id) {
  auto it = std::ranges::find(keys.list, id, &Key::id);
  return it == keys.list.end() ? nullptr : &*it;
}

Result<std::string> KeyRing::Seal(std::string_view secret, std::string_view context) const {
  const auto keys = Now();
  const auto& key = keys->list.front();
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
  const auto keys = Now();
  const auto* key = Find(*keys, parts->key_id);
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

Result<> KeyRing::Rotate() {
  std::lock_guard one_at_a_time(state_->rotating);
  const auto& path = state_->path;
  if (path.empty()) {
    return Fail(Code::kConflict,
                "the master key is given by store.master_key: put a line of 64 fresh hex digits "
                "before the ones that it has and start the server again");
  }
  STRATA_TRY(auto old, FromFile(path));
  const SecretText text(SecureRandomHex(32) + "\n" +
                        std::string(FirstLines(old.view(), kKeysMax - 1)) + "\n");
  STRATA_TRY(auto keys, ParseKeys(text.view(), path));
  STRATA_CHECK_OK(WriteFileAtomic(path, text.view()));
  std::lock_guard lock(state_->mutex);
  state_->keys = std::move(keys);
  return {};
}

}  // namespace strata::store
