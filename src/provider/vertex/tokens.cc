#include "provider/vertex/tokens.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "base/encoding.h"
#include "dialect/json_value.h"

namespace strata::provider::vertex {
namespace {

constexpr std::size_t kAnswerBytesMax = 64u << 10;
constexpr std::chrono::seconds kStatementLife{3600};
// Renewed so early that no call goes out with a token that expires on its way.
constexpr std::chrono::minutes kRenewBefore{5};

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Result<Key> ReadKey(const std::string& pem) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr,
          EVP_PKEY_free);
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return Fail(InvalidArgument("private_key", "expected an RSA key in PEM form"));
  }
  return key;
}

Result<std::string> Sign(const std::string& pem, std::string_view text) {
  STRATA_TRY(auto key, ReadKey(pem));
  Digest digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (!digest || EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) != 1) {
    return Fail(Internal("the statement for Google cannot be signed"));
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                     text.size()) != 1) {
    return Fail(Internal("the statement for Google cannot be signed"));
  }
  signature.resize(size);
  return signature;
}

}  // namespace

Result<ServiceAccount> ParseServiceAccount(std::string_view json) {
  STRATA_TRY(auto root, dialect::ParseJson(json));
  dialect::JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  auto type = body.Get("type");
  if (!type.Is("service_account")) {
    return Fail(
        type.Wrong("expected service_account: other kinds of credentials are not supported"));
  }
  ServiceAccount out;
  auto email = body.Get("client_email");
  STRATA_TRY(out.email, email.NonEmptyString());
  auto key = body.Get("private_key");
  STRATA_TRY(out.private_key, key.NonEmptyString());
  out.private_key_id = body.TextAt("private_key_id");
  out.project_id = body.TextAt("project_id");
  out.token_uri = body.TextAt("token_uri");
  if (out.token_uri.empty()) out.token_uri = "https://oauth2.googleapis.com/token";
  STRATA_CHECK_OK(ReadKey(out.private_key));
  return out;
}

Result<std::string> SignedStatement(const ServiceAccount& account, WallTime now) {
  const auto issued = ToUnixMicros(now) / 1'000'000;
  auto quoted = [](const std::string& text) { return dialect::JsonValue(text).Dump(); };
  std::string header = R"({"alg":"RS256","typ":"JWT")";
  if (!account.private_key_id.empty()) header += ",\"kid\":" + quoted(account.private_key_id);
  header += '}';
  auto claims = fmt::format(
      R"({{"iss":{},"scope":"https://www.googleapis.com/auth/cloud-platform","aud":{},"iat":{},"exp":{}}})",
      quoted(account.email), quoted(account.token_uri), issued, issued + kStatementLife.count());
  auto text = Base64UrlEncode(header) + "." + Base64UrlEncode(claims);
  STRATA_TRY(auto signature, Sign(account.private_key, text));
  return text + "." + Base64UrlEncode(signature);
}

Result<AccessToken> ParseTokenAnswer(std::string_view json, WallTime now) {
  auto root = dialect::ParseJson(json);
  if (!root) return Fail(Code::kUnavailable, "the token endpoint's answer is no JSON");
  dialect::JsonField body(*root);
  AccessToken out;
  out.token = body.TextAt("access_token");
  auto life = body.Get("expires_in").Integer(1, 1 << 30);
  if (out.token.empty() || !life) {
    return Fail(Code::kUnavailable, "the token endpoint's answer lacks access_token or expires_in");
  }
  for (unsigned char c : out.token) {
    if (c <= 0x20 || c >= 0x7f)
      return Fail(Code::kUnavailable, "the access token is no header text");
  }
  out.expires = now + std::chrono::seconds(*life);
  return out;
}

bool Tokens::Stale(WallTime now) const {
  if (fixed_) return false;
  std::lock_guard lock(mutex_);
  return current_.token.empty() || now + kRenewBefore >= current_.expires;
}

std::string Tokens::current() const {
  std::lock_guard lock(mutex_);
  return current_.token;
}

Task<Result<>> Tokens::Refresh(net::Client& client, SteadyTime deadline, std::stop_token cancel,
                               WallTime now) {
  {
    std::lock_guard lock(mutex_);
    const bool good = !current_.token.empty() && now < current_.expires;
    if (fetching_ && good) co_return Result<>();
    fetching_ = true;
  }
  auto fetched = co_await [&]() -> Task<Result<AccessToken>> {
    STRATA_CO_TRY(auto statement, SignedStatement(account_, now));
    net::ClientRequest request;
    request.method = "POST";
    request.url = account_.token_uri;
    request.headers.Add("Content-Type", "application/x-www-form-urlencoded");
    request.body =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + statement;
    request.deadline = deadline;
    request.cancel = cancel;
    request.allow_private_addresses = true;  // the operator's key file names the address
    STRATA_CO_TRY(auto response, co_await client.Send(std::move(request)));
    STRATA_CO_TRY(auto body, co_await response->ReadAll(kAnswerBytesMax));
    if (response->status() != 200) {
      const bool refused = response->status() / 100 == 4;
      co_return Fail(
          refused ? Code::kPermissionDenied : Code::kUnavailable,
          fmt::format("the token endpoint answered {} for {}", response->status(), account_.email));
    }
    co_return ParseTokenAnswer(body, now);
  }();
  std::lock_guard lock(mutex_);
  fetching_ = false;
  if (!fetched.has_value()) {
    // While the old one holds, a token endpoint that is away fails nobody.
    if (!current_.token.empty() && now < current_.expires) co_return Result<>();
    co_return Fail(std::move(fetched.error()).Because("a Google access token"));
  }
  current_ = std::move(*fetched);
  co_return Result<>();
}

}  // namespace strata::provider::vertex
