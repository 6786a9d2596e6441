#pragma once
// What this binary contains: every concrete model, provider and exporter is named in builtins.cc,
// and nowhere else.

#include <memory>
#include <vector>

#include "base/result.h"
#include "gateway/resilience.h"
#include "knowledge/extract.h"
#include "net/client.h"
#include "provider/local_models.h"
#include "provider/registry.h"
#include "provider/remote.h"
#include "provider/spec.h"
#include "store/journal.h"

namespace strata::server {

// What a model of a file needs.
struct ImportedParts {
  provider::LocalModels& local_models;
  store::Journal& journal;
  knowledge::Parser& parser;
};

struct BuiltinParts {
  ImportedParts imported;
  std::shared_ptr<const knowledge::Extractor> extractor;
};

// The models of this process: `builtin/extract`, the shipped language and embedding models,
// imported ones; metered.
Result<> AddLocalModels(provider::RegistrySnapshot& models, const BuiltinParts& parts);

// A model that was imported while the server runs.
Result<> AddImportedModel(provider::RegistrySnapshot& models, const ImportedParts& parts,
                          const std::string& id);

// What providers share, with the limits of the configuration (`provider.*`).
provider::RemoteDeps RemoteDepsFrom(const Options& options, std::shared_ptr<net::Client> client);

// One provider, metered, behind retries and a breaker. One that cannot be made (a missing secret)
// is listed with its problem and answers every call with it, so that it neither fails the start nor
// disappears. kConflict when the name is taken.
Result<> AddOneProvider(provider::RegistrySnapshot& models, const provider::ProviderSpec& spec,
                        provider::RemoteDeps deps, store::Journal& journal,
                        gateway::Resilience& resilience);

// A model of the `models:` list, after every source that it may name. What is known of it is what
// is known of its first deployment. `registry` is where deployments are found when requests come.
Result<> AddConfiguredModel(provider::RegistrySnapshot& models, const gateway::PoolSpec& spec,
                            const provider::Registry& registry, gateway::Resilience& resilience);

// Cross-region inference profiles (profiles/system_profiles.h), after everything that may have
// their ids: those of `before` go, those of `after` come. An id that is taken stays what it is.
Result<> SwapSystemPools(provider::RegistrySnapshot& models,
                         const std::vector<gateway::PoolSpec>& before,
                         const std::vector<gateway::PoolSpec>& after,
                         const provider::Registry& registry, gateway::Resilience& resilience);

}  // namespace strata::server
