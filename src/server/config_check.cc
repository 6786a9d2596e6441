#include "server/config_check.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

#include "knowledge/source.h"
#include "net/client.h"
#include "net/tls.h"
#include "net/url.h"
#include "observe/otlp.h"
#include "provider/remote.h"
#include "server/model_names.h"
#include "store/secrets.h"

namespace strata::server {
namespace {

bool IsAddress(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  auto plain = text.substr(0, text.find('%'));  // fe80::1%eth0
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, plain.c_str(), bytes.data()) == 1;
}

class UseCheck {
 public:
  UseCheck(const Config& config, const std::string& data_folder, Findings& findings)
      : config_(config), options_(config.options), data_folder_(data_folder), findings_(findings) {}

  void Run() {
    Listeners();
    Tls();
    const auto& master = options_.Text("store.master_key");
    if (!master.empty()) Take(store::KeyRing::Load(master, ""), "store.master_key");
    const auto& url = options_.Text("server.public_url");
    if (!url.empty()) Take(net::ParseUrl(url), "server.public_url");
    Buckets();
    StorageTypes();
    Take(observe::OtlpOptionsOf(options_), "otlp.endpoint");
    Journal();
    Providers();
    Hooks();
    CheckModelNames(config_, data_folder_, findings_);
  }

 private:
  void Hooks() {
    const auto secrets = provider::ReadSecretsFrom(provider::ProcessEnv());
    for (const auto& spec : config_.hooks) {
      if (!spec.secret.empty()) Take(secrets(spec.secret), "hooks." + spec.name);
    }
  }

  void Problem(std::string_view option, std::string_view what) {
    findings_.Problem(config_.PlaceOf(option), fmt::format("{}: {}", option, what));
  }

  // The error's own option, where it names one, else `option`.
  template <class T>
  void Take(const Result<T>& result, std::string_view option) {
    if (result.has_value()) return;
    const auto& error = result.error();
    bool named = options_names_.contains(error.field());
    auto key = named ? std::string_view(error.field()) : option;
    auto text = std::string_view(error.message());
    if (named) text.remove_prefix(std::min(text.size(), error.field().size() + 2));
    Problem(key, text);
  }

  void Listeners() {
    auto plain = options_.Text("server.listen");
    auto tls = options_.Text("server.tls_listen");
    auto first = ParseListen("server.listen", plain);
    Take(first, "server.listen");
    if (!options_.Flag("server.require_keys")) {
      WarnOpen(first, "server.listen");
      if (!tls.empty()) WarnOpen(ParseListen("server.tls_listen", tls), "server.tls_listen");
    }
    if (tls.empty()) return;
    auto second = ParseListen("server.tls_listen", tls);
    Take(second, "server.tls_listen");
    if (!first.has_value() || !second.has_value() || first->port == 0) return;
    if (first->port == second->port && first->address == second->address) {
      Problem("server.tls_listen",
              fmt::format("'{}' is server.listen too; expected another port", tls));
    }
  }

  void WarnOpen(const Result<net::ListenSpec>& at, std::string_view option) {
    if (!at.has_value() || at->address == "::1" || at->address.starts_with("127.")) return;
    findings_.Warning(config_.PlaceOf(option),
                      fmt::format("{}: whoever reaches {} may do everything, as "
                                  "server.require_keys is off",
                                  option, at->address));
  }

  void Tls() {
    if (options_.Text("server.tls_listen").empty()) return;
    const auto& certificate = options_.Text("server.tls_certificate");
    const auto& key = options_.Text("server.tls_private_key");
    if (certificate.empty() && key.empty()) return;
    if (certificate.empty() != key.empty()) {
      return Problem(certificate.empty() ? "server.tls_certificate" : "server.tls_private_key",
                     "a certificate and its key are given together or not at all");
    }
    bool readable = true;
    for (std::string_view name : {"server.tls_certificate", "server.tls_private_key"}) {
      const auto& path = options_.Text(name);
      std::error_code ignored;
      if (std::ifstream(path) && !std::filesystem::is_directory(path, ignored)) continue;
      Problem(name, fmt::format("{} cannot be read; expected a PEM file", path));
      readable = false;
    }
    if (!readable) return;
    auto fits = net::CheckTlsFiles(certificate, key);
    if (fits.has_value()) return;
    bool of_key = fits.error().message().starts_with("private key");
    Problem(of_key ? "server.tls_private_key" : "server.tls_certificate", fits.error().message());
  }

  void Buckets() {
    auto sources = knowledge::SourceOptionsFrom(options_);
    Take(sources, "kb.s3_map");
    if (!sources.has_value()) return;
    for (const auto& [bucket, folder] : sources->s3_map) {
      std::error_code ignored;
      if (std::filesystem::is_directory(folder, ignored)) continue;
      findings_.Warning(config_.PlaceOf("kb.s3_map"),
                        fmt::format("kb.s3_map: {} of bucket {} is no folder", folder, bucket));
    }
  }

  void StorageTypes() {
    for (const auto& entry : options_.TextList("kb.storage_map")) {
      if (entry.ends_with("=embedded") && entry.size() > 9) continue;
      Problem("kb.storage_map",
              fmt::format("'{}' maps to no store; expected TYPE=embedded", entry));
    }
  }

  void Journal() {
    if (options_.Integer("journal.bytes_max") >= options_.Integer("journal.segment_bytes")) return;
    Problem("journal.bytes_max", "is less than journal.segment_bytes; expected at least as much");
  }

  // Also what the client that calls them is made of.
  void Providers() {
    std::shared_ptr<net::Client> client;
    try {
      client = net::Client::Create(options_);
    } catch (const std::exception& e) {
      return Problem("net.client.ca_file", e.what());
    }
    for (const auto& spec : config_.providers) {
      if (LeadsHere(spec.base_url)) {
        const auto key = "providers." + spec.name;
        findings_.Problem(
            config_.PlaceOf(key),
            fmt::format("{}: base_url {} is this server itself; every call would come "
                        "back",
                        key, spec.base_url));
      }
      auto made = provider::MakeRemoteProvider(spec, {.client = client});
      if (made.has_value()) continue;
      findings_.Warning(config_.PlaceOf("providers." + spec.name),
                        fmt::format("providers.{}: its models will not answer: {}", spec.name,
                                    made.error().message()));
    }
  }

  // Whether it is the address of a listener, as far as the options say it; what they do not say is
  // found out by the calls (base/hops.h).
  bool LeadsHere(const std::string& base_url) const {
    const auto url = net::ParseUrl(base_url);
    if (!url.has_value()) return false;
    const auto& host = url->host;
    for (std::string_view option : {"server.listen", "server.tls_listen"}) {
      const auto at = ParseListen(option, options_.Text(option));
      if (!at.has_value() || at->port != url->port) continue;
      const auto& address = at->address;
      const bool any = address == "0.0.0.0" || address == "::";
      const bool local = host == "localhost" || host == "::1" || host.starts_with("127.");
      const bool named = host == "localhost" && (address == "::1" || address.starts_with("127."));
      if (host == address || named || (any && local)) return true;
    }
    return false;
  }

  const Config& config_;
  const Options& options_;
  const std::string& data_folder_;
  Findings& findings_;
  const std::set<std::string, std::less<>> options_names_ = OptionNames();

  static std::set<std::string, std::less<>> OptionNames() {
    std::set<std::string, std::less<>> names;
    for (auto table : AllOptionTables()) {
      for (const auto& option : table) names.emplace(option.name);
    }
    return names;
  }
};

}  // namespace

Result<net::ListenSpec> ParseListen(std::string_view option, std::string_view text) {
  auto colon = text.rfind(':');
  net::ListenSpec spec;
  auto bad = [&] {
    return Fail(InvalidArgument(
        std::string(option),
        fmt::format("'{}' is not ADDRESS:PORT, with an IP address: 127.0.0.1:8080, [::1]:8080",
                    text)));
  };
  if (colon == text.npos || colon == 0) return bad();
  auto address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  auto port = text.substr(colon + 1);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), spec.port);
  if (error != std::errc() || end != port.data() + port.size()) return bad();
  spec.address = address;
  if (!IsAddress(spec.address)) return bad();
  return spec;
}

void CheckUsable(const Config& config, const std::string& data_folder, Findings& findings) {
  UseCheck(config, data_folder, findings).Run();
}

Result<CheckedConfig> CheckConfig(const std::string& path, const Overrides& overrides,
                                  const std::string& data_folder) {
  STRATA_TRY(auto text, ReadConfigFile(path));
  Findings findings;
  STRATA_TRY(auto config,
             ReadConfig(text, path.empty() ? kDefaultsName : path, overrides, findings));
  CheckUsable(config, data_folder, findings);
  return CheckedConfig{std::move(config), std::move(findings)};
}

Result<Config> LoadUsableConfig(const std::string& path, const Overrides& overrides,
                                const std::string& data_folder) {
  STRATA_TRY(auto checked, CheckConfig(path, overrides, data_folder));
  STRATA_CHECK_OK(checked.findings.Verdict());
  return std::move(checked.config);
}

}  // namespace strata::server
