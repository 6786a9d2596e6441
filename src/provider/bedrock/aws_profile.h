#pragma once
// Who we are for AWS: credentials and region from the environment or the shared files, in the order
// of the AWS SDKs (environment, then profile).
//
// Static and session credentials only: a profile that needs a login flow (sso_*, role_arn,
// credential_process) is refused by name; run `aws configure export-credentials` for those.

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/sigv4.h"
#include "provider/spec.h"

namespace strata::provider::bedrock {

// Section → key → value. Keys are lower case.
using AwsFile = std::map<std::string, std::map<std::string, std::string>>;

// Parses the INI form of ~/.aws/credentials and ~/.aws/config ("[profile NAME]" becomes "NAME").
// Lines that are neither section, assignment, comment nor continuation are kInvalidArgument with
// their number. At most 1 MiB.
Result<AwsFile> ParseAwsFile(std::string_view text);

struct AwsIdentity {
  net::SigV4Credentials credentials;  // empty access key: none found
  std::string region;                 // "" when neither environment nor profile say
  std::string source;                 // "environment", "profile NAME"; for people
};

// `profile`: "" takes AWS_PROFILE, else "default". An identity without credentials when there are
// none at all. Errors: a named profile that does not exist, a broken or unreadable file, a profile
// that needs a login flow.
Result<AwsIdentity> FindAwsIdentity(const EnvReader& env, std::string_view profile);

}  // namespace strata::provider::bedrock
