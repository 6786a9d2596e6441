#pragma once
// What this binary contains: every concrete model, provider and exporter is named in builtins.cc,
// and nowhere else.

#include <memory>
#include <vector>

#include "base/result.h"
#include "knowledge/extract.h"
#include "provider/local_models.h"
#include "provider/registry.h"
#include "provider/spec.h"
#include "server/config.h"
#include "store/journal.h"

namespace strata::server {

struct BuiltinParts {
  provider::LocalModels& local_models;
  store::Journal& journal;
  knowledge::Parser& parser;
  std::shared_ptr<const knowledge::Extractor> extractor;
};

// The models of this process: `builtin/extract`, the shipped language and embedding models,
// imported ones; metered.
Result<> AddLocalModels(provider::RegistrySnapshot& models, const BuiltinParts& parts);

// Configured and detected providers and the aliases. A provider that cannot be made (a missing
// secret) is listed with its problem instead of failing the start.
Result<> AddProviders(provider::RegistrySnapshot& models, const Config& config,
                      const std::vector<provider::ProviderSpec>& detected,
                      std::shared_ptr<net::Client> client, store::Journal& journal);

}  // namespace strata::server
