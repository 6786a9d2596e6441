#pragma once
// The self-signed authority and server certificate of a first start.

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace strata::net {

struct TlsFiles {
  std::string authority_file;    // PEM certificate that clients are told to trust
  std::string certificate_file;  // PEM chain: server certificate, authority
  std::string private_key_file;  // PEM, of the server certificate
  bool created = false;          // the authority was made by this call
};

// Makes what is missing in `folder` (created, mode 0700): an EC P-256 authority for ten years, and
// a server certificate for one year with the names localhost, 127.0.0.1, ::1 and this machine's
// host name. The server certificate is made again when it has fewer than 30 days left, does not
// carry the host name, or does not belong to the authority. Files are mode 0600 and replaced whole.
// The authority's key stays in `folder` as well. Errors: kUnavailable (folder not writable),
// kCorruption (the authority's files do not fit together), kInternal.
Result<TlsFiles> EnsureTlsFiles(const std::string& folder, const Clock& clock = SystemClock());

// Whether a TLS listener can use these PEM files. kInvalidArgument: "certificate PATH: …" or
// "private key PATH: …", also when they do not belong together.
Result<> CheckTlsFiles(const std::string& certificate_file, const std::string& private_key_file);

}  // namespace strata::net
