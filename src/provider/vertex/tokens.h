#pragma once
// OAuth access tokens of Google Cloud: a token as it is, or tokens for a service account, exchanged
// for a signed statement (RFC 7523) and kept until shortly before they expire.

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/client.h"

namespace strata::provider::vertex {

// What a key file of a service account says.
struct ServiceAccount {
  std::string email;
  std::string private_key;  // PEM, RSA
  std::string private_key_id;
  std::string token_uri;
  std::string project_id;
};
// Errors name the member; kInvalidArgument also for a key that is no RSA key.
Result<ServiceAccount> ParseServiceAccount(std::string_view json);

// The signed statement (a JWT, RS256) that is exchanged: for one hour from `now`.
Result<std::string> SignedStatement(const ServiceAccount& account, WallTime now);

struct AccessToken {
  std::string token;
  WallTime expires;
};
Result<AccessToken> ParseTokenAnswer(std::string_view json, WallTime now);

// Thread-safe.
class Tokens {
 public:
  // A token that never changes here.
  explicit Tokens(std::string token)
      : fixed_(true), current_{.token = std::move(token), .expires = {}} {}
  explicit Tokens(ServiceAccount account) : account_(std::move(account)) {}

  // True when the next call should fetch first: there is none yet, or it expires within minutes.
  bool Stale(WallTime now) const;
  // Fetches a new one unless another request does so and the old one is still good. Errors:
  // kPermissionDenied (the account was refused), kUnavailable.
  Task<Result<>> Refresh(net::Client& client, SteadyTime deadline, std::stop_token cancel,
                         WallTime now);
  std::string current() const;

 private:
  ServiceAccount account_;
  bool fixed_ = false;
  mutable std::mutex mutex_;
  bool fetching_ = false;
  AccessToken current_;
};

}  // namespace strata::provider::vertex
