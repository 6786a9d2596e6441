#pragma once
// AWS Signature Version 4 in the Authorization header: signing (providers) and verifying (the
// Bedrock dialect). Source: AWS General Reference, "Create a signed AWS API request"; checked
// against botocore's signer.
//
// The canonical path is the path as sent, percent-encoded once more (so %3A becomes %253A), for
// every service but S3.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace strata::net {

struct SigV4Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // "": none
};

struct SigV4Scope {
  std::string region;               // "us-east-1"
  std::string service = "bedrock";  // the signing name
};

// Sets Host (unless present), X-Amz-Date, X-Amz-Security-Token (with a session token),
// X-Amz-Content-Sha256 (S3 only) and Authorization in `headers`. Signs host, content-type and all
// x-amz-* headers; X-Amz-Content-Sha256: UNSIGNED-PAYLOAD, when set before, leaves the body
// unsigned. `target` is path and query exactly as they will be sent; `host` as in the Host
// header, with the port when it is not the scheme's own.
void SignSigV4(const SigV4Credentials& credentials, const SigV4Scope& scope, WallTime now,
               std::string_view method, std::string_view host, std::string_view target,
               std::string_view body, Headers& headers);

// The parsed Authorization header; views into the text given.
struct SigV4Authorization {
  std::string_view access_key_id;
  std::string_view date;  // "20261122"
  std::string_view region;
  std::string_view service;
  std::vector<std::string_view> signed_headers;  // lower case, sorted, unique
  std::string_view signature;                    // 64 lower-case hex digits
};

// kUnauthenticated, naming the part that is missing or malformed.
Result<SigV4Authorization> ParseSigV4Authorization(std::string_view header);

// True when the request carries an AWS4-HMAC-SHA256 Authorization header.
bool HasSigV4(const Headers& headers);

struct SigV4Verified {
  std::string access_key_id;
  std::string region;
  std::string service;
  std::string session_token;  // as sent; "" when absent. Its validity is the caller's to check.
};

struct SigV4VerifyOptions {
  std::string_view service = "bedrock";  // must match the credential scope
  std::chrono::seconds skew_max{300};
};

// The secret of an access key id; nullopt: unknown key. Called at most once.
using SigV4SecretOf = std::function<std::optional<std::string>(std::string_view access_key_id)>;

// Checks scope, time, signed headers (host, or :authority of HTTP/2, and every x-amz-* header sent
// must be signed), payload hash and signature; the comparison takes constant time, and an unknown
// key costs as much as a wrong signature and gives the same message. kUnauthenticated with the
// reason otherwise.
Result<SigV4Verified> VerifySigV4(const HttpRequest& request, const Clock& clock,
                                  const SigV4SecretOf& secret_of,
                                  const SigV4VerifyOptions& options = {});

}  // namespace strata::net
