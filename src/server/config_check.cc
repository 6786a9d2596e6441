#include "server/config_check.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>

#include "knowledge/source.h"
#include "observe/otlp.h"
#include "provider/registry.h"

namespace strata::server {
namespace {

Result<> CheckListeners(const Options& options) {
  STRATA_CHECK_OK(ParseListen("server.listen", options.Text("server.listen")));
  const auto& tls = options.Text("server.tls_listen");
  if (tls.empty()) return {};
  STRATA_CHECK_OK(ParseListen("server.tls_listen", tls));
  const auto& certificate = options.Text("server.tls_certificate");
  const auto& key = options.Text("server.tls_private_key");
  if (certificate.empty() != key.empty()) {
    return Fail(InvalidArgument("server.tls_private_key",
                                "a certificate and its key are given together or not at all"));
  }
  for (std::string_view name : {"server.tls_certificate", "server.tls_private_key"}) {
    const auto& path = options.Text(name);
    if (!path.empty() && !std::ifstream(path)) {
      return Fail(InvalidArgument(std::string(name), fmt::format("{} cannot be read", path)));
    }
  }
  return {};
}

Result<> CheckMasterKey(const Options& options) {
  const auto& reference = options.Text("store.master_key");
  if (reference.empty() || reference.starts_with("env:") || reference.starts_with("file:")) {
    return {};
  }
  return Fail(InvalidArgument("store.master_key", "expected env:NAME or file:PATH"));
}

Result<> CheckAliases(const Config& config) {
  provider::RegistrySnapshot models;
  for (const auto& [alias, target] : config.aliases) {
    STRATA_CHECK_OK(models.AddAlias(alias, target));
  }
  return {};
}

}  // namespace

Result<net::ListenSpec> ParseListen(std::string_view option, std::string_view text) {
  auto colon = text.rfind(':');
  net::ListenSpec spec;
  auto bad = [&] {
    return Fail(
        InvalidArgument(std::string(option), fmt::format("'{}' is not ADDRESS:PORT", text)));
  };
  if (colon == text.npos || colon == 0) return bad();
  auto address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  auto port = text.substr(colon + 1);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), spec.port);
  if (error != std::errc() || end != port.data() + port.size()) return bad();
  spec.address = address;
  return spec;
}

Result<> CheckUsable(const Config& config) {
  STRATA_CHECK_OK(CheckListeners(config.options));
  STRATA_CHECK_OK(CheckMasterKey(config.options));
  STRATA_CHECK_OK(knowledge::SourceOptionsFrom(config.options));
  STRATA_CHECK_OK(observe::OtlpOptionsOf(config.options));
  return CheckAliases(config);
}

}  // namespace strata::server
