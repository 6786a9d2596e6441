#pragma once
// Providers behind the network, as sources of the registry: one ModelSource for each ProviderSpec.
// What differs between the APIs lives in openai/, anthropic/ and bedrock/, what is common in
// remote/.
//
//   STRATA_TRY(auto source, MakeRemoteProvider(spec, {.client = client, .secrets = secrets}));
//   registry.Update([&](RegistrySnapshot& next) { return next.AddSource(source); });

#include <chrono>
#include <memory>
#include <string>

#include "base/options.h"
#include "net/client.h"
#include "provider/registry.h"
#include "provider/spec.h"

namespace strata::provider {

// `provider.*`: limits of answers, probes and model caches.
OptionTable ProviderOptions();

struct RemoteDeps {
  std::shared_ptr<net::Client> client;
  SecretReader secrets = ReadSecretsFrom(ProcessEnv());
  EnvReader env = ProcessEnv();  // AWS credentials; HOME unless AWS_*_FILE name the files
  std::size_t answer_bytes_max = 64u << 20;        // provider.answer_bytes_max
  std::chrono::milliseconds stream_idle{120'000};  // provider.stream_idle_ms
  std::size_t models_cached_max = 1024;            // provider.models_cached_max
};

// Reads files (secret, AWS profile): at start-up or on a pool, not on an io thread. Credentials are
// read once; make the source anew to take changed ones. Errors: those of CheckSpec and the
// SecretReader; kUnauthenticated when Bedrock has neither key nor credentials.
Result<std::shared_ptr<ModelSource>> MakeRemoteProvider(ProviderSpec spec, RemoteDeps deps);

// Ids that the provider lists, one call. Errors as ChatModel::Start; kUnsupported when it has no
// such list.
Task<Result<std::vector<std::string>>> ListUpstreamModels(ProviderSpec spec, RemoteDeps deps,
                                                          RequestContext& ctx);

}  // namespace strata::provider
