#pragma once
// What is tried of a configuration beyond its form: everything that `strata serve` would refuse and
// that can be told without opening a database or a socket. `strata check` and `strata serve` use
// the same functions, so what one accepts the other does.

#include <string>

#include "base/result.h"
#include "net/server.h"
#include "server/config.h"
#include "server/findings.h"

namespace strata::server {

// "127.0.0.1:8080" or "[::1]:8080"; `option` is named in the error.
Result<net::ListenSpec> ParseListen(std::string_view option, std::string_view text);

// Listeners, TLS files, the master key, mapped buckets, the exporter, trusted authorities, models
// and aliases. Reads files, among them DATA/providers.yaml and DATA/models; changes nothing.
// `data_folder` need not exist.
void CheckUsable(const Config& config, const std::string& data_folder, Findings& findings);

// Reads a file, checks form and use. With problems `config` is what could be read of it.
struct CheckedConfig {
  Config config;
  Findings findings;
};
Result<CheckedConfig> CheckConfig(const std::string& path, const Overrides& overrides,
                                  const std::string& data_folder);

// The same, refused with all problems, one a line: what serves.
Result<Config> LoadUsableConfig(const std::string& path, const Overrides& overrides,
                                const std::string& data_folder);

}  // namespace strata::server
