#pragma once
// Secrets at rest: sealed with XChaCha20-Poly1305 (libsodium) under a master key, bound to what
// they are for, so that a sealed text cannot be moved to another place and opened there.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::store {

// Text that is overwritten when it goes away. Never logged: it has no formatter.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  SecretText(const SecretText&) = default;
  SecretText(SecretText&& other) noexcept;
  SecretText& operator=(const SecretText& other);
  SecretText& operator=(SecretText&& other) noexcept;
  ~SecretText();

  std::string_view view() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void Wipe() noexcept;
  std::string text_;
};

// The master keys: the first seals, all open. Immutable after Load; thread-safe.
class KeyRing {
 public:
  // `reference`: "env:NAME" or "file:PATH" (one key a line, 64 hex digits each, the newest first),
  // or "" for DIR/secrets/master.key, which is made (mode 0600) when it is not there.
  static Result<KeyRing> Load(std::string_view reference, const std::string& secrets_folder);
  ~KeyRing();
  KeyRing(KeyRing&&) noexcept = default;
  KeyRing& operator=(KeyRing&&) noexcept = default;

  // "sealed:v1.KEYID.BASE64URL". `context` says what it is for ("key AKIA… secret") and must be the
  // same to open it.
  Result<std::string> Seal(std::string_view secret, std::string_view context) const;

  // kInvalidArgument: not a sealed text; kNotFound: sealed under a key that is not in the ring;
  // kCorruption: changed, or another context.
  Result<SecretText> Unseal(std::string_view sealed, std::string_view context) const;

  // Opened and sealed again under the newest key; the same text when it already is.
  Result<std::string> Reseal(std::string_view sealed, std::string_view context) const;

  // What a secret reference of the configuration stands for: env:NAME, file:PATH (a trailing
  // newline is dropped) or sealed:…. kInvalidArgument for anything else: a secret in plain text is
  // refused.
  Result<SecretText> Resolve(std::string_view reference, std::string_view context) const;

  const std::string& newest_key_id() const { return keys_.front().id; }

  // Puts a fresh key in front of DIR/secrets/master.key (old ones stay to open what they sealed).
  // Only for a ring that lives there. Done while no server runs; the next start loads both keys and
  // seals everything again (KeyStore::ResealAll and the like), which is harmless to repeat.
  static Result<> Rotate(const std::string& secrets_folder);

 private:
  struct Key {
    std::string id;  // 8 hex digits of the key's hash
    std::array<std::uint8_t, 32> bytes;
  };
  explicit KeyRing(std::vector<Key> keys) : keys_(std::move(keys)) {}
  static Result<std::vector<Key>> ParseKeys(std::string_view text, std::string_view where);
  const Key* Find(std::string_view id) const;
  std::vector<Key> keys_;
};

}  // namespace strata::store
