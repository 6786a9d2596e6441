#pragma once
// TLS settings of listeners and of the client. Only for .cc files: it needs Asio.

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.h"

namespace strata::net {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// TLS 1.2 and later, ALPN h2 and http/1.1. kInvalidArgument when a file cannot be used.
Result<TlsContext> MakeServerTlsContext(const std::string& certificate_file,
                                        const std::string& private_key_file);

// Verifies servers against the system's authorities and those of `ca_file` ("": none).
Result<TlsContext> MakeClientTlsContext(const std::string& ca_file);

}  // namespace strata::net
