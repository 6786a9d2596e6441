#pragma once
// Secrets at rest: sealed with XChaCha20-Poly1305 (libsodium) under a master key, bound to what
// they are for, so that a sealed text cannot be moved to another place and opened there.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

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

// The master keys: the newest seals, all open. Thread-safe.
class KeyRing {
 public:
  // `reference`: "env:NAME" or "file:PATH" (one key a line, 64 hex digits each, the newest first),
  // or "" for DIR/secrets/master.key, which is made (mode 0600) when it is not there.
  static Result<KeyRing> Load(std::string_view reference, const std::string& secrets_folder);
  ~KeyRing();
  KeyRing(KeyRing&&) noexcept;
  KeyRing& operator=(KeyRing&&) noexcept;

  // "sealed:v1.KEYID.BASE64URL". `context` says what it is for ("key AKIA… secret") and must be the
  // same to open it.
  Result<std::string> Seal(std::string_view secret, std::string_view context) const;

  // kInvalidArgument: not a sealed text; kNotFound: sealed under a key that is not in the ring;
  // kCorruption: changed, or another context.
  Result<SecretText> Unseal(std::string_view sealed, std::string_view context) const;

  // Opened and sealed again under the newest key; the same text when it already is.
  Result<std::string> Reseal(std::string_view sealed, std::string_view context) const;

  std::string newest_key_id() const;

  // Puts a fresh key in front of DIR/secrets/master.key, then of this ring. The 63 before it stay,
  // to open what they sealed: KeyStore seals it again, at its next opening or when told, so tell it
  // before and after. kConflict: this ring's keys come from a reference, whose owner changes it.
  Result<> Rotate();

 private:
  struct Key {
    std::string id;  // 8 hex digits of the key's hash
    std::array<std::uint8_t, 32> bytes;
  };
  struct Keys;
  struct State;
  explicit KeyRing(std::unique_ptr<State> state);
  static Result<std::shared_ptr<const Keys>> ParseKeys(std::string_view text,
                                                       std::string_view where);
  static const Key* Find(const Keys& keys, std::string_view id);
  std::shared_ptr<const Keys> Now() const;
  std::unique_ptr<State> state_;
};

}  // namespace strata::store
