#pragma once
// Who is calling: finds the key of an HTTP request and puts what it grants into the request's
// context.

#include <memory>

#include "base/context.h"
#include "base/result.h"
#include "net/http.h"
#include "store/keys.h"

namespace strata::gateway {

// Thread-safe. `keys` and `clock` outlive it.
class Access {
 public:
  Access(const store::KeyStore& keys, const Clock& clock) : keys_(keys), clock_(clock) {}

  // The bearer of this run of the server, for the command line on the same machine; grants every
  // role.
  void SetControlBearer(std::string bearer);

  // Looks, in this order, at: an AWS4-HMAC-SHA256 signature (service `bedrock`, checked over the
  // whole request), `Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key`,
  // on Gemini's paths also the parameter `key`. Error:
  // kUnauthenticated; the message says how to send a key, never why a given one is wrong beyond
  // "not valid".
  Result<std::shared_ptr<const store::ApiKey>> Authenticate(const net::HttpRequest& request) const;

  // Fills workspace, key, principals, labels, regions, retention and allowed models.
  static void Apply(const store::ApiKey& key, RequestContext& ctx);

 private:
  Result<std::shared_ptr<const store::ApiKey>> ByBearer(std::string_view bearer) const;
  Result<std::shared_ptr<const store::ApiKey>> BySignature(const net::HttpRequest& request) const;

  const store::KeyStore& keys_;
  const Clock& clock_;
  std::string control_bearer_;
  std::shared_ptr<const store::ApiKey> control_key_;
};

// What the key grants now, for work in the background that its owner asked for: what was taken from
// it since is gone for that work too. Ids that are no stored key's ("control") only go into `ctx`.
// kPermissionDenied: it is no longer valid.
Result<> ApplyNow(const store::KeyStore& keys, const KeyId& id, RequestContext& ctx);

// kPermissionDenied unless the key has `role` ("invoke", "kb.read", "kb.write", "admin").
Result<> RequireRole(const store::ApiKey& key, std::string_view role);

}  // namespace strata::gateway
