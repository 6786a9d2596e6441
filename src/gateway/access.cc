#include "gateway/access.h"

#include "base/encoding.h"
#include "base/format_message.h"
#include "guard/model_access.h"
#include "net/sigv4.h"

namespace strata::gateway {
namespace {

constexpr std::string_view kHowTo =
    "send a strata key as 'Authorization: Bearer KEY' or 'x-api-key: KEY', or sign with its access "
    "key pair (SigV4, "
    "service bedrock)";

bool IsGeminiPath(std::string_view path) {
  return path.starts_with("/v1beta/models") || path.starts_with("/gemini/") ||
         (path.starts_with("/v1/models/") && path.find(':') != path.npos);
}

Error NotValid() {
  return Error(Code::kUnauthenticated, "this key is not valid (unknown, expired or revoked)");
}

}  // namespace

void Access::SetControlBearer(std::string bearer) {
  auto key = std::make_shared<store::ApiKey>();
  key->id = KeyId{"control"};
  key->name = "command line on this machine";
  key->grant.roles = {"admin"};
  control_key_ = std::move(key);
  control_bearer_ = std::move(bearer);
}

Result<std::shared_ptr<const store::ApiKey>> Access::Authenticate(
    const net::HttpRequest& request) const {
  if (net::HasSigV4(request.headers)) return BySignature(request);
  auto authorization = request.headers.Get("authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (authorization.size() > kBearer.size() &&
      net::SameHeader(authorization.substr(0, kBearer.size()), kBearer)) {
    return ByBearer(authorization.substr(kBearer.size()));
  }
  for (auto name : {"x-api-key", "api-key", "x-goog-api-key"}) {
    if (request.headers.Has(name)) return ByBearer(request.headers.Get(name));
  }
  // Google's clients may have the key in the address; other APIs have parameters of that name.
  if (IsGeminiPath(request.path())) {
    if (auto key = net::QueryParameter(request.query(), "key")) return ByBearer(*key);
  }
  return Fail(Code::kUnauthenticated, FormatMessage("no key was sent: {}", Own(kHowTo)));
}

Result<std::shared_ptr<const store::ApiKey>> Access::ByBearer(std::string_view bearer) const {
  if (control_key_ && ConstantTimeEqual(bearer, control_bearer_)) return control_key_;
  auto key = keys_.snapshot()->FindBearer(bearer, clock_.Wall());
  if (!key) return Fail(NotValid());
  return key;
}

Result<std::shared_ptr<const store::ApiKey>> Access::BySignature(
    const net::HttpRequest& request) const {
  STRATA_TRY(auto parsed, net::ParseSigV4Authorization(request.headers.Get("authorization")));
  auto found = keys_.snapshot()->FindAccessKey(parsed.access_key_id, clock_.Wall());
  // During a rotation two secrets are valid; an unknown key is verified against none, at the same
  // cost.
  std::size_t tries = found ? found->secrets.size() : 1;
  Error last = NotValid();
  for (std::size_t i = 0; i < tries; ++i) {
    auto verified =
        net::VerifySigV4(request, clock_, [&](std::string_view) -> std::optional<std::string> {
          if (!found) return std::nullopt;
          return std::string(found->secrets[i].view());
        });
    if (verified.has_value()) return found->key;
    last = std::move(verified.error());
  }
  return Fail(std::move(last));
}

void Access::Apply(const store::ApiKey& key, RequestContext& ctx) {
  ctx.workspace = key.grant.workspace;
  ctx.key = key.id;
  ctx.principals = key.grant.principals;
  ctx.labels.AddAll(key.grant.labels);
  ctx.regions_allowed = key.grant.regions;
  ctx.retention_max = key.grant.retention;
  ctx.models_allowed = key.grant.models;
  if (key.HasRole("kb.write")) guard::AllowFolderBases(ctx.models_allowed);
}

Result<> ApplyNow(const store::KeyStore& keys, const KeyId& id, RequestContext& ctx) {
  ctx.key = id;
  auto key = keys.snapshot()->FindId(id);
  if (key == nullptr) {
    // The command line's, or that of a server without keys: both administer.
    guard::AllowFolderBases(ctx.models_allowed);
    return {};
  }
  if (!key->ValidAt(ctx.clock->Wall())) {
    return Fail(Code::kPermissionDenied, "the key that started this is no longer valid");
  }
  Access::Apply(*key, ctx);
  return {};
}

Result<> RequireRole(const store::ApiKey& key, std::string_view role) {
  if (key.HasRole(role)) return {};
  return Fail(Code::kPermissionDenied, FormatMessage("this key lacks the role '{}'", Own(role)));
}

}  // namespace strata::gateway
