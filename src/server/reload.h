#pragma once
// Reading the configuration again while requests run: SIGHUP and `strata reload`.
//
// The file is read and checked whole first; a bad one changes nothing. Then providers, aliases and
// the options that can change are swapped; requests that run keep what they began with. Options
// that need a restart are named in the report.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/resilience.h"
#include "net/client.h"
#include "provider/registry.h"
#include "provider/spec.h"
#include "server/live_config.h"
#include "store/journal.h"

namespace strata::server {

using ProviderSpecs = std::vector<provider::ProviderSpec>;

// The accounts whose models are in the registry, in order of precedence. Thread-safe.
class ProviderList {
 public:
  std::shared_ptr<const ProviderSpecs> Now() const {
    std::lock_guard lock(mutex_);
    return specs_;
  }
  void Swap(std::shared_ptr<const ProviderSpecs> next) {
    std::lock_guard lock(mutex_);
    specs_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ProviderSpecs> specs_ = std::make_shared<ProviderSpecs>();
};

// What is configured wins over what was added by command, and that over what was found, by name.
ProviderSpecs MergeProviders(const ProviderSpecs& configured, const ProviderSpecs& added,
                             const ProviderSpecs& detected);

struct ReloadReport {
  std::vector<std::string> changed;  // options, "providers.NAME", "aliases", "guardrails", "hooks"
  std::vector<std::string>
      restart;  // options that changed in the file but hold only after a restart
};

// Thread-safe; reloads are serialised. What the parts refer to outlives it.
class Reloader {
 public:
  struct Parts {
    LiveConfig& live;
    provider::Registry& registry;
    ProviderList& providers;
    store::Journal& journal;
    gateway::Resilience& resilience;
    std::shared_ptr<net::Client> client;
    std::string data_folder;
  };
  // `at_start`: the options that the process was made with.
  Reloader(Parts parts, const Options& at_start) : parts_(std::move(parts)), at_start_(at_start) {}

  // Where the configuration comes from; without one Reload is kUnsupported.
  void SetReader(std::function<Result<Config>()> read);

  // What takes addresses, certificates and limits of the listeners from the configuration that was
  // just read, all or none; before requests come.
  void SetListeners(std::function<Result<>()> listen_anew);

  // Blocks. Errors: of the reader (kInvalidArgument with file and line), of certificates, kConflict
  // and kInvalidArgument of providers and aliases; then the configuration has not changed.
  Result<ReloadReport> Reload();

  // One more account, kept in the data folder. Blocks. kConflict: the name is taken; on an error
  // nothing has changed.
  Result<> AddProvider(const provider::ProviderSpec& spec);

  // Takes out what AddProvider put in. Blocks. Gives what still names its models ("aliases.fast").
  // Errors: kNotFound (with the nearest name), kConflict (configured, found by itself, or strata's
  // own: the message says how to be rid of it).
  Result<std::vector<std::string>> RemoveProvider(const std::string& name);

  std::uint64_t taken() const { return taken_; }
  std::uint64_t refused() const { return refused_; }

 private:
  Result<ReloadReport> Apply(Config config);
  Result<> CheckRemovable(const std::string& name, const ProviderSpecs& saved) const;
  ReloadReport Compare(const Config& before, const Config& after) const;

  Parts parts_;
  const Options& at_start_;
  std::mutex mutex_;
  std::function<Result<Config>()> read_;
  std::function<Result<>()> listen_anew_;
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace strata::server
