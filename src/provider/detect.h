#pragma once
// Finds providers that can be used without configuration, and tests those that are configured.
//
// Detection asks the environment, the AWS files and two local ports; it never calls out with a key,
// and what is absent is no error.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "provider/remote.h"
#include "provider/spec.h"

namespace strata::provider {

struct DetectOptions {
  EnvReader env = ProcessEnv();
  std::shared_ptr<net::Client> client;                // for the local probes; null: none are made
  std::chrono::milliseconds probe_time{300};          // each; provider.probe_ms
  std::string ollama_url = "http://127.0.0.1:11434";  // OLLAMA_HOST overrides it
  std::string vllm_url = "http://127.0.0.1:8000";
};

struct Detected {
  ProviderSpec spec;
  std::string problem;  // why it cannot be used as it is ("region is missing: …"); empty: it can
};

// In a fixed order: openai, anthropic, azure, bedrock, gemini, vertex, cohere, ollama, vllm; each
// at most once. Reads the AWS files: at start-up or on a pool, not on a serving io thread.
//
//   openai     OPENAI_API_KEY (OPENAI_BASE_URL, OPENAI_ORG_ID, OPENAI_PROJECT_ID)
//   anthropic  ANTHROPIC_API_KEY (ANTHROPIC_BASE_URL)
//   azure      AZURE_OPENAI_API_KEY or AZURE_API_KEY, AZURE_OPENAI_ENDPOINT or AZURE_API_BASE
//              (AZURE_OPENAI_API_VERSION, AZURE_API_VERSION, AZURE_OPENAI_DEPLOYMENT)
//   bedrock    AWS_BEARER_TOKEN_BEDROCK, or AWS credentials of the environment or a profile
//              (AWS_REGION, AWS_ENDPOINT_URL_BEDROCK_RUNTIME)
//   gemini     GEMINI_API_KEY or GOOGLE_API_KEY (GOOGLE_GEMINI_BASE_URL)
//   vertex     GOOGLE_APPLICATION_CREDENTIALS (GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION)
//   cohere     COHERE_API_KEY or CO_API_KEY (CO_API_URL)
Task<std::vector<Detected>> DetectProviders(DetectOptions options, RequestContext& ctx);

// What one real, cheap call showed.
struct ProviderTest {
  std::vector<std::string> models;  // what the provider lists; empty when it has no list
  std::chrono::milliseconds took{0};
  std::string summary;  // "lists 12 models, 80 ms"
};

// Lists the models; where there is no list, asks the first known model for one token. The error
// says what is wrong and what to do: an address that does not resolve, a refused connection, a bad
// certificate, a refused key (naming its reference), a base_url that is not the API's.
Task<Result<ProviderTest>> TestProvider(ProviderSpec spec, RemoteDeps deps, RequestContext& ctx);

}  // namespace strata::provider
