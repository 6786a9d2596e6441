#include "provider/detect.h"

#include <fmt/format.h>

#include <algorithm>

#include "dialect/openai.h"
#include "net/url.h"
#include "provider/bedrock/aws_profile.h"
#include "provider/remote/call.h"

namespace strata::provider {
namespace {

constexpr std::size_t kProbeBytesMax = 4u << 20;
constexpr std::size_t kProbeModelsMax = 1000;

// The first of `names` that is set.
std::string FirstSet(const EnvReader& env, std::initializer_list<std::string_view> names) {
  for (auto name : names) {
    if (!env(name).empty()) return std::string(name);
  }
  return "";
}

std::string Or(std::string value, std::string_view fallback) {
  return value.empty() ? std::string(fallback) : value;
}

void Add(std::vector<Detected>& out, ProviderSpec spec) {
  auto checked = CheckSpec(spec);
  std::string problem;
  if (!checked.has_value()) {
    problem = fmt::format("{} {}", checked.error().field(), checked.error().message());
  }
  out.push_back({std::move(spec), std::move(problem)});
}

void DetectOpenAi(const EnvReader& env, std::vector<Detected>& out) {
  if (env("OPENAI_API_KEY").empty()) return;
  ProviderSpec spec;
  spec.name = "openai";
  spec.kind = ProviderKind::kOpenAi;
  spec.base_url = Or(env("OPENAI_BASE_URL"), "https://api.openai.com/v1");
  spec.secret = "env:OPENAI_API_KEY";
  spec.detected_by = "environment variable OPENAI_API_KEY";
  if (auto id = env("OPENAI_ORG_ID"); !id.empty()) {
    spec.headers.emplace_back("OpenAI-Organization", id);
  }
  if (auto id = env("OPENAI_PROJECT_ID"); !id.empty()) {
    spec.headers.emplace_back("OpenAI-Project", id);
  }
  Add(out, std::move(spec));
}

void DetectAnthropic(const EnvReader& env, std::vector<Detected>& out) {
  if (env("ANTHROPIC_API_KEY").empty()) return;
  ProviderSpec spec;
  spec.name = "anthropic";
  spec.kind = ProviderKind::kAnthropic;
  spec.base_url = Or(env("ANTHROPIC_BASE_URL"), "https://api.anthropic.com");
  spec.secret = "env:ANTHROPIC_API_KEY";
  spec.detected_by = "environment variable ANTHROPIC_API_KEY";
  Add(out, std::move(spec));
}

void DetectCohere(const EnvReader& env, std::vector<Detected>& out) {
  auto variable = FirstSet(env, {"COHERE_API_KEY", "CO_API_KEY"});
  if (variable.empty()) return;
  ProviderSpec spec;
  spec.name = "cohere";
  spec.kind = ProviderKind::kCohere;
  spec.base_url = Or(env("CO_API_URL"), "https://api.cohere.com");
  spec.secret = "env:" + variable;
  spec.detected_by = "environment variable " + variable;
  Add(out, std::move(spec));
}

void DetectAzure(const EnvReader& env, std::vector<Detected>& out) {
  auto key = FirstSet(env, {"AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY", "AZURE_API_KEY"});
  auto endpoint = FirstSet(env, {"AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE"});
  if (key.empty() && endpoint.empty()) return;
  ProviderSpec spec;
  spec.name = "azure";
  spec.kind = ProviderKind::kAzure;
  if (!endpoint.empty()) spec.base_url = env(endpoint);
  if (!key.empty()) spec.secret = "env:" + key;
  auto version = FirstSet(env, {"AZURE_OPENAI_API_VERSION", "AZURE_API_VERSION"});
  if (!version.empty()) spec.api_version = env(version);
  auto deployment = FirstSet(env, {"AZURE_OPENAI_DEPLOYMENT", "AZURE_OPENAI_DEPLOYMENT_NAME"});
  if (!deployment.empty()) spec.models.push_back(env(deployment));
  spec.detected_by = "environment variable " + (key.empty() ? endpoint : key);
  Add(out, std::move(spec));
  if (key.empty()) {
    out.back().problem = fmt::format("{} is set, but AZURE_OPENAI_API_KEY is not", endpoint);
  } else if (endpoint.empty()) {
    out.back().problem = fmt::format("{} is set, but AZURE_OPENAI_ENDPOINT is not", key);
  }
}

void DetectBedrock(const EnvReader& env, std::vector<Detected>& out) {
  ProviderSpec spec;
  spec.name = "bedrock";
  spec.kind = ProviderKind::kBedrock;
  spec.base_url = Or(env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"), env("AWS_ENDPOINT_URL"));
  auto identity = bedrock::FindAwsIdentity(env, "");
  if (identity.has_value()) spec.region = identity->region;
  if (!env("AWS_BEARER_TOKEN_BEDROCK").empty()) {
    spec.secret = "env:AWS_BEARER_TOKEN_BEDROCK";
    spec.detected_by = "environment variable AWS_BEARER_TOKEN_BEDROCK";
    if (spec.region.empty()) spec.region = Or(env("AWS_REGION"), env("AWS_DEFAULT_REGION"));
    Add(out, std::move(spec));
    return;
  }
  if (!identity.has_value()) {
    spec.detected_by = "AWS files";
    out.push_back({std::move(spec), identity.error().message()});
    return;
  }
  if (identity->credentials.access_key_id.empty()) return;
  spec.detected_by = "AWS credentials of " + identity->source;
  Add(out, std::move(spec));
}

void DetectGemini(const EnvReader& env, std::vector<Detected>& out) {
  auto key = FirstSet(env, {"GEMINI_API_KEY", "GOOGLE_API_KEY"});
  if (key.empty()) return;
  ProviderSpec spec;
  spec.name = "gemini";
  spec.kind = ProviderKind::kGemini;
  spec.base_url =
      Or(env("GOOGLE_GEMINI_BASE_URL"), "https://generativelanguage.googleapis.com/v1beta");
  spec.secret = "env:" + key;
  spec.detected_by = "environment variable " + key;
  Add(out, std::move(spec));
}

void DetectVertex(const EnvReader& env, std::vector<Detected>& out) {
  auto file = env("GOOGLE_APPLICATION_CREDENTIALS");
  if (file.empty()) return;
  ProviderSpec spec;
  spec.name = "vertex";
  spec.kind = ProviderKind::kVertex;
  spec.base_url = env("GOOGLE_VERTEX_BASE_URL");
  spec.secret = "file:" + file;
  auto location = FirstSet(env, {"GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION"});
  spec.region = location.empty() ? "global" : env(location);
  spec.project = env("GOOGLE_CLOUD_PROJECT");
  spec.detected_by = "environment variable GOOGLE_APPLICATION_CREDENTIALS";
  Add(out, std::move(spec));
}

// "0.0.0.0:11434", "box", "http://box:11434/": what OLLAMA_HOST may hold. 0.0.0.0 is an address to
// listen on; from here it is the loopback.
std::string OllamaUrl(std::string host) {
  if (host.find("://") == std::string::npos) {
    if (host.find(':') == std::string::npos) host += ":11434";
    host = "http://" + host;
  }
  if (auto any = host.find("//0.0.0.0"); any != std::string::npos) {
    host.replace(any + 2, 7, "127.0.0.1");
  }
  return remote::TrimmedBase(host);
}

// Model ids of BASE/v1/models; an error when nobody, or nobody who speaks this API, is there.
Task<Result<std::vector<std::string>>> ProbeModels(net::Client& client, std::string base,
                                                   std::chrono::milliseconds time,
                                                   RequestContext& ctx) {
  net::ClientRequest request;
  request.url = base + "/v1/models";
  request.deadline = std::min(ctx.deadline, std::chrono::steady_clock::now() + time);
  request.cancel = ctx.cancel;
  request.allow_private_addresses = true;  // the point of the probe
  STRATA_CO_TRY(auto response, co_await client.Send(std::move(request)));
  if (response->status() != 200) co_return Fail(Code::kNotFound, "no model list");
  STRATA_CO_TRY(auto body, co_await response->ReadAll(kProbeBytesMax));
  STRATA_CO_TRY(auto ids, dialect::openai::DecodeModelList(body));
  if (ids.size() > kProbeModelsMax) ids.resize(kProbeModelsMax);
  co_return std::move(ids);
}

struct LocalServer {
  std::string name;
  std::string base_url;
};

Task<void> DetectLocal(LocalServer server, DetectOptions& options, RequestContext& ctx,
                       std::vector<Detected>& out) {
  auto ids = co_await ProbeModels(*options.client, server.base_url, options.probe_time, ctx);
  if (!ids.has_value()) co_return;
  ProviderSpec spec;
  spec.name = std::move(server.name);
  spec.kind = ProviderKind::kOpenAi;
  spec.base_url = server.base_url + "/v1";
  spec.models = std::move(*ids);
  spec.detected_by = "answers at " + server.base_url;
  Add(out, std::move(spec));
}

// Adds what a person can do about the commonest failures.
Error Advise(const ProviderSpec& spec, Error error) {
  int status = error.upstream_status();
  std::string_view reference =
      spec.secret.empty() ? std::string_view("the credentials") : std::string_view(spec.secret);
  if (status == 401 || status == 403) {
    auto code = error.code();
    return Error(code,
                 fmt::format("{} was refused (HTTP {}): {}", reference, status, error.message()))
        .FromUpstream(status);
  }
  if (status == 404) {
    return Error(error.code(), fmt::format("base_url {} is not the root of this API (HTTP 404): {}",
                                           spec.base_url, error.message()))
        .FromUpstream(status);
  }
  return error;
}

bool HasNoList(const Error& error) {
  int status = error.upstream_status();
  return status == 404 || status == 405 || status == 501 || error.code() == Code::kUnsupported;
}

Task<Result<>> AskOneToken(ProviderSpec spec, RemoteDeps deps, RequestContext& ctx) {
  domain::ChatRequest request;
  request.max_tokens = 1;
  domain::Message message;
  message.content.push_back(domain::TextBlock{.text = "Hi", .citations = {}});
  request.messages.push_back(std::move(message));
  std::string id = spec.models.front();
  STRATA_CO_TRY(auto source, MakeRemoteProvider(std::move(spec), std::move(deps)));
  STRATA_CO_TRY(auto model, source->Chat(id));
  STRATA_CO_TRY(auto stream, co_await model->Start(std::move(request), ctx));
  STRATA_CO_TRY(auto first, co_await stream->Next());
  (void)first;
  co_return Result<>();
}

}  // namespace

Task<std::vector<Detected>> DetectProviders(DetectOptions options, RequestContext& ctx) {
  std::vector<Detected> out;
  DetectOpenAi(options.env, out);
  DetectAnthropic(options.env, out);
  DetectAzure(options.env, out);
  DetectBedrock(options.env, out);
  DetectGemini(options.env, out);
  DetectVertex(options.env, out);
  DetectCohere(options.env, out);
  if (options.client == nullptr) co_return out;
  if (auto host = options.env("OLLAMA_HOST"); !host.empty()) options.ollama_url = OllamaUrl(host);
  LocalServer ollama{"ollama", options.ollama_url};
  LocalServer vllm{"vllm", options.vllm_url};
  co_await DetectLocal(std::move(ollama), options, ctx, out);
  co_await DetectLocal(std::move(vllm), options, ctx, out);
  co_return out;
}

Task<Result<ProviderTest>> TestProvider(ProviderSpec spec, RemoteDeps deps, RequestContext& ctx) {
  auto started = std::chrono::steady_clock::now();
  auto listed = co_await ListUpstreamModels(spec, deps, ctx);
  ProviderTest test;
  if (listed.has_value()) {
    test.models = std::move(*listed);
  } else if (HasNoList(listed.error()) && !spec.models.empty()) {
    auto asked = co_await AskOneToken(spec, deps, ctx);
    if (!asked.has_value()) co_return Fail(Advise(spec, std::move(asked.error())));
  } else {
    co_return Fail(Advise(spec, std::move(listed.error())));
  }
  test.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started);
  test.summary = listed.has_value()
                     ? fmt::format("lists {} models, {} ms", test.models.size(), test.took.count())
                     : fmt::format("{} answers, {} ms", spec.models.front(), test.took.count());
  co_return test;
}

}  // namespace strata::provider
