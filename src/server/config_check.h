#pragma once
// What `strata check` tries beyond the form of a configuration: everything that `strata serve`
// would refuse and that can be told without opening a data folder or a socket.

#include "base/result.h"
#include "net/server.h"
#include "server/config.h"

namespace strata::server {

// "127.0.0.1:8080" or "[::1]:8080"; `option` is named in the error.
Result<net::ListenSpec> ParseListen(std::string_view option, std::string_view text);

// Listeners, TLS files, the master key's form, mapped buckets, the exporter, aliases. Reads files.
// Error: kInvalidArgument or kNotFound that names the option; the first one found.
Result<> CheckUsable(const Config& config);

}  // namespace strata::server
