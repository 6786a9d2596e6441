#pragma once
// For tests of the remote providers: a fake upstream, a client and an io thread, and one spec for
// each API and way to authenticate.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "net/client.h"
#include "net/runtime.h"
#include "provider/remote.h"
#include "tests/fakes/strata_fake_provider/upstream.h"

namespace strata::provider::remote {

// One API as it is configured; `chat_model` is an upstream id that the fake takes.
struct ApiCase {
  const char* name;
  ProviderKind kind;
  const char* base_path;
  const char* secret;  // reference; "" for AWS credentials of the environment
  const char* api_version;
  const char* chat_model;
  const char* embed_model;  // "": none
};

inline void PrintTo(const ApiCase& api, std::ostream* out) { *out << api.name; }

inline constexpr ApiCase kApis[] = {
    {"OpenAi", ProviderKind::kOpenAi, "/v1", "env:OPENAI", "", "gpt-4o-mini",
     "text-embedding-3-small"},
    {"AzureV1", ProviderKind::kAzure, "", "env:AZURE", "", "gpt-4o-mini", "embed-deployment"},
    {"AzureDeployments", ProviderKind::kAzure, "/", "env:AZURE", "2024-10-21", "my+deployment",
     "embed-deployment"},
    {"Anthropic", ProviderKind::kAnthropic, "", "env:ANTHROPIC", "", "claude-sonnet-4-5", ""},
    {"BedrockSigned", ProviderKind::kBedrock, "", "", "",
     "anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.titan-embed-text-v2:0"},
    {"BedrockBearer", ProviderKind::kBedrock, "", "env:BEDROCK", "",
     "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
     "cohere.embed-english-v3"},
    {"Gemini", ProviderKind::kGemini, "", "env:GEMINI", "", "gemini-2.5-flash",
     "gemini-embedding-001"},
    {"Vertex", ProviderKind::kVertex, "", "env:GOOGLE_TOKEN", "", "gemini-2.5-flash",
     "text-embedding-005"},
    {"VertexClaude", ProviderKind::kVertex, "", "env:GOOGLE_TOKEN", "",
     "claude-sonnet-4-5@20250929", ""},
};

// What is left of one answer when it is over.
struct Collected {
  std::optional<Error> error;
  domain::ChatResponse response;  // what the events add up to
  domain::Usage usage;            // UsageSoFar after the end
  int text_deltas = 0;
  bool ended = false;
};

class Fixture {
 public:
  Fixture() {
    auto started = fakes::FakeUpstream::Start({});
    if (!started.has_value()) ADD_FAILURE() << started.error().message();
    upstream = std::move(*started);
    auto table = net::Client::ClientOptions();
    client = net::Client::Create(*strata::Options::Build(std::span(&table, 1), {}));
  }

  ProviderSpec Spec(const ApiCase& api) const {
    ProviderSpec spec;
    spec.name = "up";
    spec.kind = api.kind;
    spec.base_url = upstream->url() + api.base_path;
    spec.secret = api.secret;
    spec.api_version = api.api_version;
    if (api.kind == ProviderKind::kBedrock) spec.region = "us-east-1";
    if (api.kind == ProviderKind::kVertex) {
      spec.region = "us-central1";
      spec.project = "project-1";
    }
    return spec;
  }

  RemoteDeps Deps() const {
    auto keys = upstream->keys();
    auto env = [keys](std::string_view name) -> std::string {
      if (name == "OPENAI") return keys.openai;
      if (name == "AZURE") return keys.azure;
      if (name == "ANTHROPIC") return keys.anthropic;
      if (name == "BEDROCK") return keys.bedrock_bearer;
      if (name == "GEMINI") return keys.gemini;
      if (name == "GOOGLE_TOKEN") return keys.google_token;
      if (name == "AWS_ACCESS_KEY_ID") return keys.aws_access_key_id;
      if (name == "AWS_SECRET_ACCESS_KEY") return keys.aws_secret_access_key;
      if (name == "AWS_SESSION_TOKEN") return keys.aws_session_token;
      return "";
    };
    RemoteDeps deps;
    deps.client = client;
    deps.secrets = ReadSecretsFrom(env);
    deps.env = env;
    deps.stream_idle = stream_idle;
    return deps;
  }

  std::shared_ptr<ModelSource> Source(const ApiCase& api) const {
    auto made = MakeRemoteProvider(Spec(api), Deps());
    if (!made.has_value()) {
      ADD_FAILURE() << made.error().message();
      return nullptr;
    }
    return *made;
  }
  std::shared_ptr<ChatModel> Chat(const ApiCase& api) const {
    return Source(api)->Chat(api.chat_model).value();
  }

  static domain::ChatRequest Says(std::string text, bool stream = true) {
    domain::ChatRequest request;
    domain::Message message;
    message.content.push_back(domain::TextBlock{.text = std::move(text), .citations = {}});
    request.messages.push_back(std::move(message));
    request.max_tokens = 64;
    request.stream = stream;
    return request;
  }

  static Task<Collected> Drain(ChatModel& model, domain::ChatRequest request, RequestContext& ctx) {
    Collected out;
    auto started = co_await model.Start(std::move(request), ctx);
    if (!started.has_value()) {
      out.error = started.error();
      co_return out;
    }
    auto stream = std::move(*started);
    domain::StreamAccumulator all;
    while (!all.ended()) {
      auto event = co_await stream->Next();
      if (!event.has_value()) {
        out.error = event.error();
        break;
      }
      if (std::holds_alternative<domain::TextDelta>(*event)) ++out.text_deltas;
      all.Add(*event);
    }
    out.ended = all.ended();
    out.usage = stream->UsageSoFar();
    out.response = all.Take();
    co_return out;
  }

  Collected Ask(const ApiCase& api, domain::ChatRequest request) {
    RequestContext ctx;
    return Ask(api, std::move(request), ctx);
  }
  Collected Ask(const ApiCase& api, domain::ChatRequest request, RequestContext& ctx) {
    auto model = Chat(api);
    return runtime.Run(Drain(*model, std::move(request), ctx));
  }

  std::unique_ptr<fakes::FakeUpstream> upstream;
  std::shared_ptr<net::Client> client;
  std::chrono::milliseconds stream_idle{120'000};
  net::Runtime runtime;
};

}  // namespace strata::provider::remote
