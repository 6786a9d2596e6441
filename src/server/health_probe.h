#pragma once
// Asks each provider every few seconds whether it is there (option resilience.probe_every), so that
// an outage is seen before a request meets it, and its end before the breaker's time is over.

#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <vector>

#include "gateway/deployment_health.h"
#include "net/runtime.h"
#include "provider/remote.h"

namespace strata::server {

// Runs from construction to destruction, on `runtime`, which outlives it, as does `board`.
class HealthProbe {
 public:
  struct Parts {
    // The providers of this moment.
    std::function<std::vector<provider::ProviderSpec>()> providers;
    provider::RemoteDeps deps;
    std::chrono::milliseconds every;
  };
  HealthProbe(Parts parts, gateway::HealthBoard& board, net::Runtime& runtime);
  // Waits for the probe that runs, which is cancelled.
  ~HealthProbe();

 private:
  Task<void> Run(std::shared_ptr<std::promise<void>> ended);
  Task<void> ProbeOne(provider::ProviderSpec spec);

  Parts parts_;
  gateway::HealthBoard& board_;
  std::stop_source stop_;
  std::future<void> ended_;
};

}  // namespace strata::server
