#include "server/reload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "base/log.h"
#include "net/changes.h"
#include "server/builtins.h"
#include "server/profiles/system_profiles.h"
#include "server/provider_file.h"

namespace strata::server {
namespace {

// What a running server can take over. Everything else is read where threads, files and caches are
// made.
constexpr std::string_view kLiveOptions[] = {"server.listen",
                                             "server.tls_listen",
                                             "server.tls_certificate",
                                             "server.tls_private_key",
                                             "server.request_timeout",
                                             "server.drain_timeout",
                                             "server.trace_text",
                                             "server.cors_origins",
                                             "server.metrics_access",
                                             "server.disk_free_min",
                                             "log.level",
                                             "log.format",
                                             "log.requests",
                                             "provider.answer_bytes_max",
                                             "provider.stream_idle_ms",
                                             "provider.models_cached_max",
                                             "resilience.retries",
                                             "resilience.retry_base",
                                             "resilience.retry_max",
                                             "resilience.retry_after_max",
                                             "resilience.retry_percent",
                                             "resilience.retries_per_second",
                                             "resilience.breaker_faults",
                                             "resilience.breaker_percent",
                                             "resilience.breaker_open",
                                             "resilience.breaker_open_max"};

// Io threads have files and caches of their own, so they are made once.
constexpr std::string_view kThreads = "net.threads";

bool IsLive(std::string_view name) {
  if (name.starts_with("net.")) return name != kThreads;
  return std::find(std::begin(kLiveOptions), std::end(kLiveOptions), name) !=
         std::end(kLiveOptions);
}

const provider::ProviderSpec* Find(const ProviderSpecs& specs, std::string_view name) {
  auto at = std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.name == name; });
  return at == specs.end() ? nullptr : &*at;
}

// The names of options whose values differ.
std::vector<std::string> Differences(const Options& before, const Options& after) {
  std::vector<std::string> names;
  for (auto table : AllOptionTables()) {
    for (const auto& option : table) {
      if (before.Text(option.name) != after.Text(option.name)) names.emplace_back(option.name);
    }
  }
  return names;
}

// All that is in a spec; a member that is added must be named here to compile.
auto Members(const provider::ProviderSpec& spec) {
  const auto& [name, kind, base_url, secret, api_version, region, project, responses, profile,
               headers, models, detected_by, data_region, cleared, clearance, retention,
               model_terms] = spec;
  return std::tie(name, kind, base_url, secret, api_version, region, project, responses, profile,
                  headers, models, detected_by, data_region, cleared, clearance, retention,
                  model_terms);
}

bool Same(const provider::ProviderSpec& a, const provider::ProviderSpec& b) {
  return Members(a) == Members(b);
}

// What puts `net.client.*` of `after` in force.
Result<net::Commit> ChangeClient(net::Client& client, const Options& before, const Options& after) {
  const auto is_client = [](std::string_view name) { return name.starts_with("net.client."); };
  if (std::ranges::none_of(Differences(before, after), is_client)) return [] {};
  return net::PrepareChange(client, after);
}

// A secret in a file may have been replaced behind the same reference.
bool MustRemake(const provider::ProviderSpec& before, const provider::ProviderSpec& after) {
  return !Same(before, after) || after.secret.starts_with("file:");
}

// The cross-region profiles of other accounts, under the configuration in force.
Result<> SwapPools(provider::RegistrySnapshot& models, const ProviderSpecs& before,
                   const ProviderSpecs& after, const Reloader::Parts& parts) {
  const auto live = parts.live.Now();
  return SwapSystemPools(models, SystemPools(before, live->config),
                         SystemPools(after, live->config), parts.registry, parts.resilience);
}

}  // namespace

ProviderSpecs MergeProviders(const ProviderSpecs& configured, const ProviderSpecs& added,
                             const ProviderSpecs& detected) {
  ProviderSpecs out;
  for (const auto* list : {&configured, &added, &detected}) {
    for (const auto& spec : *list) {
      if (Find(out, spec.name) == nullptr) out.push_back(spec);
    }
  }
  return out;
}

void Reloader::SetReader(std::function<Result<Config>()> read) {
  std::lock_guard lock(mutex_);
  read_ = std::move(read);
}

void Reloader::SetListeners(std::function<Result<>()> listen_anew) {
  std::lock_guard lock(mutex_);
  listen_anew_ = std::move(listen_anew);
}

ReloadReport Reloader::Compare(const Config& before, const Config& after) const {
  ReloadReport report;
  for (auto& name : Differences(before.options, after.options)) {
    if (IsLive(name)) report.changed.push_back(std::move(name));
  }
  for (auto& name : Differences(at_start_, after.options)) {
    if (!IsLive(name)) report.restart.push_back(std::move(name));
  }
  if (before.aliases != after.aliases) report.changed.emplace_back("aliases");
  if (before.models != after.models) report.changed.emplace_back("models");
  if (before.guardrails != after.guardrails) report.changed.emplace_back("guardrails");
  if (before.hooks != after.hooks) report.changed.emplace_back("hooks");
  return report;
}

Result<ReloadReport> Reloader::Apply(Config config) {
  STRATA_TRY(auto added, LoadProviders(parts_.data_folder));
  auto before = parts_.live.Now();
  auto specs_before = parts_.providers.Now();
  ProviderSpecs detected;
  for (const auto& spec : *specs_before) {
    if (!spec.detected_by.empty()) detected.push_back(spec);
  }
  auto specs = MergeProviders(config.providers, added, detected);
  auto report = Compare(before->config, config);
  STRATA_TRY(auto next, LiveConfig::Make(std::move(config)));
  STRATA_TRY(auto client,
             ChangeClient(*parts_.client, before->config.options, next->config.options));
  auto changes = [&](std::string_view prefix) {
    return std::ranges::any_of(report.changed,
                               [&](const auto& name) { return name.starts_with(prefix); });
  };
  // The models of all accounts are made anew with what holds for all of them.
  const bool resilience = changes("resilience.");
  const bool all = resilience || changes("provider.");
  if (resilience) {
    parts_.resilience.SetOptions(gateway::ResilienceOptionsOf(next->config.options));
  }
  auto change = [&](provider::RegistrySnapshot& models) -> Result<> {
    const auto pools = SystemPools(*specs_before, before->config);
    STRATA_CHECK_OK(SwapSystemPools(models, pools, {}, parts_.registry, parts_.resilience));
    for (const auto& [alias, target] : before->config.aliases) models.RemoveAlias(alias);
    for (const auto& spec : *specs_before) {
      if (Find(specs, spec.name) != nullptr) continue;
      models.RemoveSource(spec.name);
      report.changed.push_back("providers." + spec.name);
    }
    for (const auto& spec : specs) {
      const auto* old = Find(*specs_before, spec.name);
      if (old != nullptr && !all && !MustRemake(*old, spec)) continue;
      if (old != nullptr) models.RemoveSource(spec.name);
      if (old == nullptr || !Same(*old, spec)) report.changed.push_back("providers." + spec.name);
      STRATA_CHECK_OK(AddOneProvider(models, spec,
                                     RemoteDepsFrom(next->config.options, parts_.client),
                                     parts_.journal, parts_.resilience));
    }
    // Configured models find their deployments when requests come; they are made anew whole.
    for (const auto& spec : before->config.models) models.RemoveModel(spec.id);
    for (const auto& spec : next->config.models) {
      STRATA_CHECK_OK(AddConfiguredModel(models, spec, parts_.registry, parts_.resilience));
    }
    for (const auto& [alias, target] : next->config.aliases) {
      STRATA_CHECK_OK(models.AddAlias(alias, target));
    }
    return SwapSystemPools(models, {}, SystemPools(specs, next->config), parts_.registry,
                           parts_.resilience);
  };
  // The last that is likely to fail: what the registry refuses, the reader has refused before.
  if (listen_anew_) {
    if (auto listening = listen_anew_(); !listening.has_value()) {
      parts_.resilience.SetOptions(gateway::ResilienceOptionsOf(before->config.options));
      return std::unexpected(std::move(listening.error()));
    }
  }
  if (auto updated = parts_.registry.Update(change); !updated.has_value()) {
    parts_.resilience.SetOptions(gateway::ResilienceOptionsOf(before->config.options));
    return std::unexpected(std::move(updated.error()));
  }
  parts_.providers.Swap(std::make_shared<const ProviderSpecs>(std::move(specs)));
  ApplyLogOptions(next->config.options);
  parts_.live.Swap(std::move(next));
  client();
  return report;
}

Result<> Reloader::AddProvider(const provider::ProviderSpec& spec) {
  std::lock_guard lock(mutex_);
  // The registry refuses a name that is taken; the file is written only after that, so both agree.
  const auto before = parts_.providers.Now();
  auto specs = *before;
  specs.push_back(spec);
  STRATA_CHECK_OK(parts_.registry.Update([&](provider::RegistrySnapshot& models) -> Result<> {
    STRATA_CHECK_OK(AddOneProvider(models, spec,
                                   RemoteDepsFrom(parts_.live.Now()->config.options, parts_.client),
                                   parts_.journal, parts_.resilience));
    return SwapPools(models, *before, specs, parts_);
  }));
  auto saved = SaveProvider(parts_.data_folder, spec);
  if (saved.has_value()) {
    parts_.providers.Swap(std::make_shared<const ProviderSpecs>(std::move(specs)));
    return saved;
  }
  [[maybe_unused]] auto undone =
      parts_.registry.Update([&](provider::RegistrySnapshot& models) -> Result<> {
        models.RemoveSource(spec.name);
        return SwapPools(models, specs, *before, parts_);
      });
  return saved;
}

Result<> Reloader::CheckRemovable(const std::string& name, const ProviderSpecs& saved) const {
  if (Find(saved, name) != nullptr) return {};
  auto specs = parts_.providers.Now();
  if (const auto* spec = Find(*specs, name); spec != nullptr && !spec->detected_by.empty()) {
    return Fail(Code::kConflict,
                fmt::format("provider '{}' was found by itself ({}): take that away, or set "
                            "server.detect_providers: false, and start strata again",
                            name, spec->detected_by));
  }
  if (Find(*specs, name) != nullptr) {
    return Fail(Code::kConflict,
                fmt::format("provider '{}' is configured at {}: take it out there, then strata "
                            "reload",
                            name, parts_.live.Now()->config.PlaceOf("providers." + name)));
  }
  if (parts_.registry.Snapshot()->IsPartOfStrata(name)) {
    return Fail(Code::kConflict, fmt::format("'{}' is a part of strata itself", name));
  }
  std::vector<std::string_view> names;
  for (const auto& spec : saved) names.push_back(spec.name);
  auto nearest = NearestName(name, names);
  return Fail(Code::kNotFound,
              fmt::format("provider '{}' does not exist{}", name,
                          nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest)));
}

Result<std::vector<std::string>> Reloader::RemoveProvider(const std::string& name) {
  std::lock_guard lock(mutex_);
  STRATA_TRY(auto saved, LoadProviders(parts_.data_folder));
  STRATA_CHECK_OK(CheckRemovable(name, saved));
  STRATA_CHECK_OK(RemoveSavedProvider(parts_.data_folder, name));
  std::vector<std::string> named_by;
  auto live = parts_.live.Now();
  if (Find(live->config.providers, name) != nullptr) return named_by;  // the file's own goes on
  const auto before = parts_.providers.Now();
  auto specs = *before;
  std::erase_if(specs, [&](const auto& spec) { return spec.name == name; });
  STRATA_CHECK_OK(parts_.registry.Update([&](provider::RegistrySnapshot& models) -> Result<> {
    models.RemoveSource(name);
    return SwapPools(models, *before, specs, parts_);
  }));
  parts_.providers.Swap(std::make_shared<const ProviderSpecs>(std::move(specs)));
  auto names = [&](std::string_view id) { return id.starts_with(name + "/"); };
  for (const auto& [alias, target] : live->config.aliases) {
    if (names(target)) named_by.push_back("aliases." + alias);
  }
  for (const auto& model : live->config.models) {
    bool used =
        std::ranges::any_of(model.deployments, [&](const auto& each) { return names(each.model); });
    if (used || std::ranges::any_of(model.fallback, names))
      named_by.push_back("models." + model.id);
  }
  return named_by;
}

Result<ReloadReport> Reloader::Reload() {
  std::lock_guard lock(mutex_);
  if (!read_) return Fail(Code::kUnsupported, "this process has no configuration file to reload");
  auto config = read_();
  auto report = config.has_value() ? Apply(std::move(*config))
                                   : Result<ReloadReport>(std::unexpected(config.error()));
  if (!report.has_value()) {
    ++refused_;
    Log(Level::kWarning, "server.reload_refused", {{"reason", report.error().message()}});
    return report;
  }
  ++taken_;
  Log(Level::kInfo, "server.reloaded",
      {{"changed", report->changed.size()}, {"need_restart", report->restart.size()}});
  if (!report->restart.empty()) {
    Log(Level::kWarning, "server.restart_needed",
        {{"options", fmt::format("{}", fmt::join(report->restart, ", "))},
         {"how", "strata serve --takeover replaces this server without refusing a request"}});
  }
  return report;
}

}  // namespace strata::server
