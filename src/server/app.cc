#include "server/app.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/background.h"
#include "base/check.h"
#include "base/encoding.h"
#include "base/format_message.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/utf8.h"
#include "gateway/key_budgets.h"
#include "gateway/meter.h"
#include "job/evaluation.h"
#include "knowledge/eval_history.h"
#include "knowledge/vector_stores.h"
#include "net/runtime.h"
#include "net/sigv4.h"
#include "observe/drain.h"
#include "observe/load_spending.h"
#include "provider/detect.h"
#include "route/direct.h"
#include "server/access_page.h"
#include "server/answer_sinks.h"
#include "server/async_invoke.h"
#include "server/azure_paths.h"
#include "server/builtins.h"
#include "server/health_probe.h"
#include "server/idempotency.h"
#include "server/job_pruner.h"
#include "server/profiles/profile_model.h"
#include "server/profiles/system_profiles.h"
#include "server/prompts/prompt_model.h"
#include "server/prompts/prompt_target.h"
#include "server/provider_file.h"
#include "server/request_body.h"
#include "server/request_record.h"
#include "server/resource_tags.h"
#include "server/router.h"
#include "server/routers/router_alarms.h"
#include "server/routers/router_store.h"
#include "server/routes.h"
#include "server/services.h"
#include "store/file_store.h"
#include "store/jobs.h"
#include "store/kept_responses.h"
#include "store/open_files.h"
#include "store/sql_file.h"

namespace strata::server {
namespace {

constexpr std::size_t kRoutesMax = 1024;      // the metrics keep a line for each
constexpr std::uint64_t kFilesEnough = 4096;  // for the default of kb.open_max

constexpr Option kServerOptions[] = {
    {"server.listen", OptionKind::kText, "", "127.0.0.1:8080", "",
     "Address of the plain listener, HTTP/1.1 and HTTP/2 by prior knowledge; port 0 takes a free "
     "one."},
    {"server.tls_listen", OptionKind::kText, "", "127.0.0.1:8443", "",
     "Address of the TLS listener, HTTP/1.1 and HTTP/2 by ALPN; empty for none."},
    {"server.tls_certificate", OptionKind::kText, "", "", "",
     "PEM chain of the TLS listener; empty: a self-signed authority is made in the data folder."},
    {"server.tls_private_key", OptionKind::kText, "", "", "",
     "PEM key that belongs to server.tls_certificate."},
    {"server.public_url", OptionKind::kText, "", "", "",
     "Address under which users reach this server, used in links to traces; empty: the plain "
     "listener's."},
    {"server.request_timeout", OptionKind::kInteger, "s", "600", "1..86400",
     "Longest time of one request; then it fails with deadline_exceeded."},
    {"server.drain_timeout", OptionKind::kInteger, "s", "30", "0..3600",
     "How long running requests may take after SIGTERM before they are cancelled."},
    {"server.cors_origins", OptionKind::kTextList, "", "", "",
     "Origins whose pages may call this server from a browser (https://app.example.com), or *; "
     "empty: none."},
    {"server.idempotency_hours", OptionKind::kInteger, "h", "24", "1..720",
     "How long the answer to a request with a clientToken or clientRequestToken is kept and given "
     "again."},
    {"server.metrics_access", OptionKind::kText, "", "key", "key|loopback|open",
     "Who may read /metrics: keys with the role metrics (or admin); these and, without a key, this "
     "machine unless a proxy forwarded the request; or everybody."},
    {"server.background_nice", OptionKind::kInteger, "", "10", "0..19",
     "Niceness of background work (ingestion, asynchronous invocations, building of graphs) above "
     "the server's own: at 10 it gets about a tenth of a core that requests or other programs "
     "want, "
     "at 0 an equal share; either way all of a free one."},
    {"server.disk_free_min", OptionKind::kInteger, "bytes", "67108864", "0..1099511627776",
     "With less free space on the data folder's disk, /readyz answers 503."},
    {"server.require_keys", OptionKind::kFlag, "", "true", "",
     "Whether every request needs a key. false lets anybody who reaches the port in: only for a "
     "machine of your own."},
    {"server.detect_providers", OptionKind::kFlag, "", "true", "",
     "Whether keys in the environment and local Ollama or vLLM servers become providers at start."},
    {"server.trace_text", OptionKind::kFlag, "", "true", "",
     "Whether traces keep what people, documents, models and providers wrote. With false no text "
     "of "
     "theirs is stored: no question, prompt, answer, quote or tool call, no title or address of a "
     "document, and of an error its code, the field and our own words, not what it quotes or what "
     "a "
     "provider said. What stays: the names a request is addressed with (model, knowledge base, "
     "router, guardrail, key, end user, tags, labels), ids, counts, scores, costs and times."},
    {"server.export_text", OptionKind::kFlag, "", "false", "",
     "Whether exported spans (otlp.*) carry texts too, as far as server.trace_text keeps them; "
     "with "
     "false they hold what stays there without texts."},
    {"store.master_key", OptionKind::kText, "", "", "",
     "env:NAME or file:PATH of the master key that seals secrets; empty: DATA/secrets/master.key, "
     "made at first start."},
};

}  // namespace

OptionTable ServerOptionTable() { return kServerOptions; }

struct App::Prepared {
  std::shared_ptr<const LiveState> state;
  std::unique_ptr<net::Runtime> runtime;
  std::shared_ptr<net::Client> client;
  std::unique_ptr<provider::LocalModels> local_models;
  ProviderSpecs detected;
};

// In order of making; destroyed last to first.
struct App::Parts {
  const std::shared_ptr<const LiveState> first;  // as it was at the start
  const Config& config;
  LiveConfig live;
  const WallTime started = SystemClock().Wall();
  Readiness readiness;
  std::unique_ptr<observe::CallMetrics> call_metrics = std::make_unique<observe::CallMetrics>();
  std::unique_ptr<Pool> ops_pool = std::make_unique<Pool>("ops", 1, 256);
  std::unique_ptr<Pool> body_pool = std::make_unique<Pool>("body", 1, 256);
  std::unique_ptr<net::Runtime> runtime;  // start-up probes and background tasks
  store::DataDir folder;
  store::KeyRing ring;
  std::unique_ptr<store::SqlFile> meta;
  std::unique_ptr<store::KeyStore> keys;
  std::unique_ptr<store::ResponseStore> responses;
  std::unique_ptr<store::KeptResponses> kept_responses;
  std::unique_ptr<store::FileStore> files;
  std::unique_ptr<store::JobQueue> jobs;
  observe::Accounting accounting;
  std::unique_ptr<observe::TraceStore> traces;
  std::shared_ptr<net::Client> client;
  std::shared_ptr<observe::OtlpExporter> otlp;
  std::unique_ptr<provider::LocalModels> local_models;
  std::unique_ptr<PromptStore> prompts;
  std::unique_ptr<ResourceTags> tags;
  std::unique_ptr<ProfileStore> profiles;
  std::shared_ptr<const vector::StaticEmbedder> static_embedder;
  std::unique_ptr<RouterStore> routers;
  gateway::RouterMemory router_memory;
  std::unique_ptr<job::Evaluation> evaluation;
  ProviderList providers;
  std::unique_ptr<gateway::Resilience> resilience;
  provider::Registry registry;
  std::unique_ptr<Pool> parse_pool;
  std::unique_ptr<Pool> kb_pool;
  std::unique_ptr<Pool> check_pool;  // statements of SQL that models wrote
  std::unique_ptr<knowledge::Parser> parser;
  std::unique_ptr<knowledge::PageRenderer> renderer;
  std::unique_ptr<knowledge::KnowledgeBases> bases;
  std::unique_ptr<knowledge::VectorStores> vector_stores;
  std::unique_ptr<knowledge::EvalHistory> eval_history;
  std::unique_ptr<knowledge::Answerer> answerer;
  std::unique_ptr<knowledge::RetrieveAndGenerate> answers;
  std::unique_ptr<gateway::Access> access;
  std::optional<TraceLinks> links;
  std::unique_ptr<IdempotencyStore> idempotency;
  std::unique_ptr<Reloader> reloader;
  std::unique_ptr<observe::RequestMetrics> request_metrics;
  std::unique_ptr<Services> services;
  std::optional<job::AskerParts> asker;
  std::unique_ptr<AsyncInvokes> async_invokes;
  Router router;
  std::shared_ptr<const store::ApiKey> anonymous;  // set when keys are not required
  std::unique_ptr<HealthProbe> probe;              // null: switched off
  std::unique_ptr<JobPruner> job_pruner;
  std::unique_ptr<RouterAlarms> router_alarms;  // looks at evaluation until it goes
  std::unique_ptr<Pool> admin_pool = std::make_unique<Pool>("admin", 2, 256);  // works on all above

  ProviderSpecs detected;

  Parts(Prepared prepared, store::DataDir f, store::KeyRing r)
      : first(std::move(prepared.state)),
        config(first->config),
        live(first),
        runtime(std::move(prepared.runtime)),
        folder(std::move(f)),
        ring(std::move(r)),
        client(std::move(prepared.client)),
        local_models(std::move(prepared.local_models)),
        detected(std::move(prepared.detected)) {}

  Result<> OpenStores();
  Result<> OpenKnowledge();
  // Every model that callers can name. `extractor`: what builtin/extract answers with.
  Result<> RegisterModels(const std::shared_ptr<const knowledge::Extractor>& extractor);
  Result<> OpenAccess();
  void MakeServices();
  Result<> OpenRoutes();
  std::shared_ptr<const store::ApiKey> KeyNamedBy(const net::HttpRequest& head) const;
  Task<Result<>> Dispatch(Exchange& exchange, const Route& route);
  static Task<Result<>> AnswerPreflight(const Settings& settings, Exchange& exchange,
                                        bool path_exists);
  Task<Result<>> AnswerUnrouted(const Settings& settings, Exchange& exchange,
                                const Router::Match& match, Face face);
};

Result<> App::Parts::OpenStores() {
  STRATA_TRY(meta, store::SqlFile::Open(folder.meta_db(), {}));
  STRATA_TRY(keys, store::KeyStore::Open(*meta, ring));
  const auto response_limits = store::ResponseLimitsOf(config.options);
  STRATA_TRY(responses, store::ResponseStore::Open(*meta, response_limits));
  STRATA_TRY(kept_responses, store::KeptResponses::Open(*meta, response_limits));
  STRATA_TRY(files, store::FileStore::Open(folder.files_db(), store::FileLimitsOf(config.options)));
  STRATA_TRY(prompts, PromptStore::Open(*meta));
  STRATA_TRY(tags, ResourceTags::Open(*meta));
  STRATA_TRY(profiles, ProfileStore::Open(*meta, *tags));
  STRATA_TRY(static_embedder, local_models->Static());
  STRATA_TRY(routers, RouterStore::Open(*meta, static_embedder));
  STRATA_TRY(evaluation, job::Evaluation::Open(folder.eval_db()));
  STRATA_TRY(jobs, store::JobQueue::Open(folder.jobs_db()));
  STRATA_TRY(accounting, observe::OpenAccounting(folder, config.options, call_metrics.get()));
  accounting.journal->SetAdmission(gateway::MakeBudgetCheck(*keys, *accounting.spending));
  STRATA_TRY(traces, observe::TraceStore::Open(
                         observe::TraceStoreOptionsOf(config.options, folder.path())));
  STRATA_TRY(auto otlp_options, observe::OtlpOptionsOf(config.options));
  if (!otlp_options.endpoint.empty()) {
    otlp = observe::OtlpExporter::Create(std::move(otlp_options), client);
    runtime->Spawn(otlp->Run());
  }
  return {};
}

Result<> App::Parts::OpenKnowledge() {
  resilience = std::make_unique<gateway::Resilience>(gateway::ResilienceOptionsOf(config.options));
  STRATA_TRY(auto added, LoadProviders(folder.path()));
  providers.Swap(
      std::make_shared<const ProviderSpecs>(MergeProviders(config.providers, added, detected)));
  auto children = static_cast<std::size_t>(config.options.Integer("kb.parse.processes"));
  parse_pool = std::make_unique<Pool>("parse", children, 4096);
  kb_pool = std::make_unique<Pool>("kb", 4, 4096);
  check_pool = std::make_unique<Pool>("check", 2, 256);
  knowledge::ChildParserOptions child{.limits = knowledge::ParseLimitsFrom(config.options)};
  parser = knowledge::MakeChildParser(*parse_pool, child);
  renderer = std::make_unique<knowledge::PageRenderer>(*parse_pool, child);

  // The extractor's embedder is metered like every other call.
  STRATA_TRY(auto own_embedder, local_models->AnyEmbedder(provider::kBuiltinEmbedder));
  auto embedder = gateway::Metered(std::move(own_embedder), *accounting.journal);
  auto extractor = std::make_shared<const knowledge::Extractor>(embedder, static_embedder);

  knowledge::KnowledgeBasesParts parts;
  parts.folder = folder.path();
  parts.meta = meta.get();
  parts.jobs = jobs.get();
  parts.parser = parser.get();
  parts.pool = kb_pool.get();
  parts.embedder = [this](std::string_view model) { return registry.Embed(model); };
  parts.reranker = [this](std::string_view model) { return registry.Rerank(model); };
  parts.grant = [this](const KeyId& key, RequestContext& ctx) {
    return gateway::ApplyNow(*keys, key, ctx);
  };
  STRATA_TRY(parts.sources, knowledge::SourceOptionsFrom(config.options));
  STRATA_TRY(bases, knowledge::KnowledgeBases::Open(std::move(parts), config.options));
  STRATA_TRY(vector_stores, knowledge::VectorStores::Open(*bases, *meta, *files));
  eval_history = std::make_unique<knowledge::EvalHistory>(*meta);

  auto meter = [this](std::shared_ptr<provider::ChatModel> model) {
    return gateway::Metered(std::move(model), *accounting.journal);
  };
  answerer = std::make_unique<knowledge::Answerer>(extractor, registry, config.options, meter);
  answers = std::make_unique<knowledge::RetrieveAndGenerate>(
      *bases, *answerer, *parser, config.options, [this] { return live.Now()->guardrails; });

  return RegisterModels(extractor);
}

Result<> App::Parts::RegisterModels(const std::shared_ptr<const knowledge::Extractor>& extractor) {
  return registry.Update([&](provider::RegistrySnapshot& models) -> Result<> {
    BuiltinParts builtin{{*local_models, *accounting.journal, *parser}, extractor};
    STRATA_CHECK_OK(AddLocalModels(models, builtin));
    STRATA_CHECK_OK(models.AddSource(knowledge::MakeKbModelSource(*bases, *answerer)));
    STRATA_CHECK_OK(models.AddSource(
        MakePromptSource(*prompts, registry, [this] { return live.Now()->guardrails; })));
    STRATA_CHECK_OK(models.AddSource(MakeProfileSource(*profiles, registry)));
    STRATA_CHECK_OK(models.AddSource(
        gateway::MakeRouterSource({.book = *routers,
                                   .registry = registry,
                                   .embedder = static_embedder,
                                   .memory = router_memory,
                                   .taker = &evaluation->labeler(),
                                   .spending = accounting.spending.get(),
                                   .latencies = accounting.latencies.get(),
                                   .guardrails = [this] { return live.Now()->guardrails; },
                                   .hooks = [this] { return live.Now()->hooks; },
                                   .client = client.get(),
                                   .pool = check_pool.get()})));
    for (const auto& spec : *providers.Now()) {
      STRATA_CHECK_OK(AddOneProvider(models, spec, RemoteDepsFrom(config.options, client),
                                     *accounting.journal, *resilience));
    }
    for (const auto& spec : config.models)
      STRATA_CHECK_OK(AddConfiguredModel(models, spec, registry, *resilience));
    for (const auto& [alias, target] : config.aliases)
      STRATA_CHECK_OK(models.AddAlias(alias, target));
    STRATA_CHECK_OK(
        SwapSystemPools(models, {}, SystemPools(*providers.Now(), config), registry, *resilience));
    for (const auto& [alias, target] : config.aliases) {
      auto found = models.Describe(alias);
      if (found.has_value()) continue;
      Log(Level::kWarning, "server.alias_without_model",
          {{"alias", alias}, {"target", target}, {"reason", found.error().message()}});
    }
    return {};
  });
}

Result<> App::Parts::OpenAccess() {
  access = std::make_unique<gateway::Access>(*keys, SystemClock());
  STRATA_TRY(auto loaded,
             TraceLinks::Load(folder.secrets(), config.options.Text("server.public_url")));
  links.emplace(std::move(loaded));
  std::chrono::hours keep_answers(config.options.Integer("server.idempotency_hours"));
  STRATA_TRY(idempotency, IdempotencyStore::Open(*meta, *links, keep_answers));
  if (!config.options.Flag("server.require_keys")) {
    auto everybody = std::make_shared<store::ApiKey>();
    everybody->id = KeyId{"anonymous"};
    everybody->grant.roles = {"admin"};
    anonymous = std::move(everybody);
  }
  return {};
}

void App::Parts::MakeServices() {
  gateway::TraceSinks sinks{.store = traces.get(),
                            .otlp = otlp.get(),
                            .export_text = config.options.Flag("server.export_text")};
  reloader = std::make_unique<Reloader>(Reloader::Parts{.live = live,
                                                        .registry = registry,
                                                        .providers = providers,
                                                        .journal = *accounting.journal,
                                                        .resilience = *resilience,
                                                        .client = client,
                                                        .data_folder = folder.path()},
                                        config.options);
  router_alarms = std::make_unique<RouterAlarms>(
      router_memory, *runtime, [this](const gateway::RouterRecord& record) {
        return job::QualityAlarm(record, evaluation->labeler());
      });
  request_metrics = std::make_unique<observe::RequestMetrics>(2 * kRoutesMax);
  services.reset(new Services{
      .live = live,
      .folder = folder,
      .ring = ring,
      .keys = *keys,
      .ledger = *accounting.ledger,
      .spending = *accounting.spending,
      .latencies = *accounting.latencies,
      .journal = *accounting.journal,
      .traces = *traces,
      .registry = registry,
      .resilience = *resilience,
      .local_models = *local_models,
      .client = client,
      .access = *access,
      .trace_sinks = sinks,
      .chat = gateway::ChatService(registry, [this] { return live.Now()->guardrails; }),
      .embed = gateway::EmbedService(registry, [this] { return live.Now()->guardrails; }),
      .judge = gateway::JudgeService(registry, [this] { return live.Now()->guardrails; }),
      .bases = *bases,
      .vector_stores = *vector_stores,
      .eval_history = *eval_history,
      .answerer = *answerer,
      .answers = *answers,
      .parser = *parser,
      .parse_pool = *parse_pool,
      .renderer = *renderer,
      .responses = *responses,
      .kept_responses = *kept_responses,
      .files = *files,
      .links = *links,
      .prompts = *prompts,
      .tags = *tags,
      .profiles = *profiles,
      .routers = *routers,
      .router_memory = router_memory,
      .router_alarms = *router_alarms,
      .evaluation = *evaluation,
      .jobs = *jobs,
      .meta = *meta,
      .kb_pool = *kb_pool,
      .ops_pool = *ops_pool,
      .admin_pool = *admin_pool,
      .readiness = readiness,
      .request_metrics = *request_metrics,
      .call_metrics = *call_metrics,
      .started = started,
      .providers = providers,
      .reloader = *reloader,
      .async_invokes = nullptr,
      .hand_over = {},
      .server_stats = {}});
}

Result<> App::Parts::OpenRoutes() {
  STRATA_CHECK_OK(OpenAccess());
  MakeServices();
  STRATA_TRY(auto sources, knowledge::SourceOptionsFrom(config.options));
  async_invokes =
      std::make_unique<AsyncInvokes>(AsyncInvokes::Parts{.jobs = *jobs,
                                                         .keys = *keys,
                                                         .routers = *routers,
                                                         .chat = services->chat,
                                                         .embed = services->embed,
                                                         .trace_sinks = services->trace_sinks,
                                                         .live = live,
                                                         .pool = *ops_pool,
                                                         .s3_map = std::move(sources.s3_map)});
  services->async_invokes = async_invokes.get();
  auto call_settings = [this] {
    const auto& settings = live.Now()->settings;
    return job::CallSettings{.timeout = settings.request_timeout, .texts = settings.trace_text};
  };
  asker.emplace(job::AskerParts{.chat = services->chat,
                                .trace_sinks = services->trace_sinks,
                                .registry = registry,
                                .keys = *keys,
                                .embedder = static_embedder,
                                .pool = *kb_pool,
                                .settings = std::move(call_settings),
                                .as_prompt = MakePromptFiller(*prompts, registry)});
  evaluation->MakeWorker(*jobs, *asker);
  AddOpenAiRoutes(router, *services);
  AddResponsesRoutes(router, *services);
  AddFileRoutes(router, *services);
  AddVectorStoreRoutes(router, *services);
  AddCompletionRoutes(router, *services);
  AddRerankRoutes(router, *services);
  AddAnthropicRoutes(router, *services);
  AddGeminiRoutes(router, *services);
  AddBedrockRuntimeRoutes(router, *services);
  AddBedrockModelRoutes(router, *services);
  AddBedrockAgentRoutes(router, *services);
  AddBedrockAsyncRoutes(router, *services);
  AddBedrockPromptRoutes(router, *services);
  AddBedrockTagRoutes(router, *services);
  AddBedrockRouterRoutes(router, *services);
  AddBedrockProfileRoutes(router, *services);
  AddBedrockAgentRuntimeRoutes(router, *services);
  AddBedrockGuardrailRoutes(router, *services);
  AddOtherBedrockRoutes(router, *services);
  AddFeedbackRoutes(router, *services);
  AddAdminRoutes(router, *services);
  AddOpsRoutes(router, *services);
  AddConsoleRoutes(router, *services);
  AddAccessRoutes(router);
  STRATA_FATAL(router.size() < kRoutesMax, "more routes than the metrics have room for");
  return {};
}

App::App(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

App::~App() {
  parts_->async_invokes->Stop();
  parts_->evaluation->worker().Stop();
  parts_->evaluation->labeler().Stop();
  parts_->bases->Stop();
  if (parts_->otlp) parts_->otlp->Stop();
}

Result<std::shared_ptr<App::Prepared>> App::Prepare(Config config, const std::string& data_folder) {
  auto out = std::make_shared<Prepared>();
  STRATA_TRY(out->state, LiveConfig::Make(std::move(config)));
  const auto& options = out->state->config.options;
  ApplyLogOptions(options);
  if (const auto files = store::RaiseOpenFilesMax(); files < kFilesEnough) {
    Log(Level::kWarning, "server.few_open_files", {{"limit", files}, {"enough", kFilesEnough}});
  }
  SetBackgroundNice(static_cast<int>(options.Integer("server.background_nice")));
  out->runtime = std::make_unique<net::Runtime>(1);
  out->client = net::Client::Create(options);
  provider::LocalModelsSpec spec{.data_folder = data_folder + "/models"};
  STRATA_TRY(out->local_models, provider::LocalModels::Open(options, std::move(spec)));
  STRATA_TRY(auto embedder, out->local_models->AnyEmbedder(provider::kBuiltinEmbedder));
  if (options.Flag("server.detect_providers")) {
    RequestContext ctx;
    provider::DetectOptions detect;
    detect.client = out->client;
    detect.probe_time = std::chrono::milliseconds(options.Integer("provider.probe_ms"));
    for (auto& found : out->runtime->Run(provider::DetectProviders(std::move(detect), ctx))) {
      out->detected.push_back(std::move(found.spec));
    }
  }
  return out;
}

Result<std::unique_ptr<App>> App::Open(Config config, store::DataDir folder) {
  STRATA_TRY(auto prepared, Prepare(std::move(config), folder.path()));
  return Open(prepared, std::move(folder));
}

Result<std::unique_ptr<App>> App::Open(const std::shared_ptr<Prepared>& prepared,
                                       store::DataDir folder) {
  const auto& options = prepared->state->config.options;
  STRATA_TRY(auto ring, store::KeyRing::Load(options.Text("store.master_key"), folder.secrets()));
  auto parts = std::make_unique<Parts>(std::move(*prepared), std::move(folder), std::move(ring));
  STRATA_CHECK_OK(parts->OpenStores());
  STRATA_CHECK_OK(parts->OpenKnowledge());
  STRATA_CHECK_OK(parts->OpenRoutes());
  return std::unique_ptr<App>(new App(std::move(parts)));
}

namespace {

// Where no key is asked for, a page that somebody visits on this machine could act for everybody:
// browsers send the page's origin with every request that may change something.
Result<> CheckOrigin(const Cors& cors, const net::HttpRequest& request) {
  auto origin = request.headers.Get("origin");
  if (origin.empty() || cors.Allows(origin)) return {};
  return Fail(
      Code::kPermissionDenied,
      FormatMessage("without keys (server.require_keys), pages of {} are refused; expected an "
                    "origin of server.cors_origins",
                    Utf8Prefix(origin, 200)));
}

// What HTTP has a status and a header of its own for, beside the dialect's error.
struct HttpRefusal {
  int status;
  std::string header;
  std::string value;
  std::string message;
};

Task<Result<>> Refuse(Face face, const HttpRefusal& refusal, Exchange& exchange) {
  Error error(Code::kUnsupported, refusal.message);
  exchange.ctx.span.Fail(error);
  auto http = EncodeFaceError(face, error, exchange.ctx.request_id.value);
  auto headers = ToHeaders(http.headers);
  headers.Set(refusal.header, refusal.value);
  co_return co_await exchange.writer.Send(refusal.status, std::move(headers), std::move(http.body));
}

Task<Result<>> RefuseCoding(std::string_view coding, const Route& route, Exchange& exchange) {
  auto problem = fmt::format("the request body comes in Content-Encoding '{}'; expected one of: {}",
                             Utf8Prefix(coding, 100), kBodyCodings);
  HttpRefusal refusal{415, "accept-encoding", std::string(kBodyCodings), std::move(problem)};
  co_return co_await Refuse(FaceOf(route, exchange.http), refusal, exchange);
}

Face FaceOfMatch(const Result<Router::Match>& match, const net::HttpRequest& request) {
  const Route* route = match.has_value() ? match->route : nullptr;
  if (route == nullptr && match.has_value()) route = match->other;
  return route != nullptr ? FaceOf(*route, request) : FaceOfPath(request.path(), request.headers);
}

}  // namespace

// Runs the handler of a matched route with the caller's grants in the context.
Task<Result<>> App::Parts::Dispatch(Exchange& exchange, const Route& route) {
  if (!route.role.empty()) {
    if (anonymous) {
      STRATA_CO_CHECK_OK(CheckOrigin(live.Now()->settings.cors, exchange.http));
      exchange.key = anonymous;
    } else {
      STRATA_CO_TRY(exchange.key, access->Authenticate(exchange.http));
    }
    gateway::Access::Apply(*exchange.key, exchange.ctx);
    routers->AddForms(exchange.ctx.models_allowed, exchange.ctx.workspace);
    if (route.role != kAnyRole) {
      STRATA_CO_CHECK_OK(gateway::RequireRole(*exchange.key, route.role));
    }
    if (auto coding = exchange.http.headers.Get("content-encoding"); !coding.empty()) {
      if (!TakesBodyCoding(coding)) co_return co_await RefuseCoding(coding, route, exchange);
      const auto bytes_max = live.Now()->config.options.Integer("net.body_bytes_max");
      STRATA_CO_CHECK_OK(
          co_await UnpackBody(exchange.http, static_cast<std::size_t>(bytes_max), *body_pool));
    }
  }
  STRATA_CO_CHECK_OK(gateway::TakeHeaders(exchange.http.headers, exchange.ctx));
  exchange.ctx.header = [&exchange](std::string_view name) {
    return exchange.http.headers.Get(name);
  };
  exchange.ctx.span.Set("operation", route.operation);
  if (const auto azure = AzurePathOf(exchange.http.path()); azure && !azure->deployment.empty()) {
    const auto model = PercentDecode(azure->deployment);
    if (!model) co_return Fail(InvalidArgument("model", "the path holds a broken percent escape"));
    exchange.http.body = WithModel(std::move(exchange.http.body), *model);
  }
  if (!route.token_member.empty()) co_return co_await idempotency->Answer(exchange, route);
  co_return co_await route.handler(exchange);
}

// The key that a head names; null: none, or it is not valid. A signature covers the body, so only
// whose it claims to be is looked at.
std::shared_ptr<const store::ApiKey> App::Parts::KeyNamedBy(const net::HttpRequest& head) const {
  if (!net::HasSigV4(head.headers)) {
    auto key = access->Authenticate(head);
    return key.has_value() ? *key : nullptr;
  }
  auto parsed = net::ParseSigV4Authorization(head.headers.Get("authorization"));
  if (!parsed.has_value()) return nullptr;
  auto found = keys->snapshot()->FindAccessKey(parsed->access_key_id, SystemClock().Wall());
  return found ? found->key : nullptr;
}

// A browser's question before the request that it wants to make; needs no key.
Task<Result<>> App::Parts::AnswerPreflight(const Settings& settings, Exchange& exchange,
                                           bool path_exists) {
  if (!path_exists) co_return Fail(NotFound("path", exchange.http.path()));
  STRATA_CO_TRY(auto headers, settings.cors.Preflight(exchange.http));
  co_return co_await exchange.writer.Send(204, std::move(headers), {});
}

// Of requests that fit no route.
Task<Result<>> App::Parts::AnswerUnrouted(const Settings& settings, Exchange& exchange,
                                          const Router::Match& match, Face face) {
  const auto& http = exchange.http;
  const bool path_exists = match.other != nullptr;
  if (Cors::IsPreflight(http)) {
    co_return co_await AnswerPreflight(settings, exchange, path_exists);
  }
  if (!path_exists) co_return Fail(NotFound("path", http.path()));
  auto problem =
      fmt::format("{} does not take {}; expected {}", http.path(), http.method, match.allow);
  HttpRefusal refusal{405, "allow", match.allow, std::move(problem)};
  co_return co_await Refuse(face, refusal, exchange);
}

Face App::FaceFor(const net::HttpRequest& request) const {
  return FaceOfMatch(parts_->router.Find(request.method, request.path()), request);
}

bool App::Admits(const net::HttpRequest& head) const {
  auto match = parts_->router.Find(head.method, head.path());
  if (!match.has_value() || match->route == nullptr || match->route->role.empty()) return false;
  if (parts_->anonymous) return CheckOrigin(parts_->live.Now()->settings.cors, head).has_value();
  auto key = parts_->KeyNamedBy(head);
  if (key == nullptr) return false;
  const auto& role = match->route->role;
  return role == kAnyRole || gateway::RequireRole(*key, role).has_value();
}

Task<void> App::Handle(net::HttpRequest& request, net::ResponseWriter& writer,
                       std::stop_token client_gone) {
  auto live = parts_->live.Now();
  const auto& settings = live->settings;
  auto match = parts_->router.Find(request.method, request.path());
  bool found = match.has_value() && match->route != nullptr;
  Face face = FaceOfMatch(match, request);
  Outgoing outgoing(writer, settings.cors.on() ? &settings.cors : nullptr,
                    request.headers.Get("origin"));
  RequestRecord::About about{.slot = 0, .dialect = "none", .operation = "unknown"};
  if (found) {
    const auto& route = *match->route;
    about = {.slot = 2 * route.number + (face == route.face ? 0 : 1),
             .dialect = FaceName(face),
             .operation = route.operation,
             .probe = route.probe};
  }
  RequestRecord record(*parts_->request_metrics, settings, about, outgoing);
  gateway::RequestScope scope(
      parts_->services->trace_sinks, found ? "server." + match->route->operation : "server.unknown",
      FaceName(face), settings.request_timeout, std::move(client_gone), settings.trace_text);
  scope.AtEnd([&record](const auto& trace, const auto& ended) { record.Finish(trace, ended); });
  auto& ctx = scope.ctx();
  ctx.decided_by.router = route::kDirectVersion;  // unless a route asks another one
  Exchange exchange{request, outgoing, ctx, {}, nullptr};
  outgoing.NameTrace(exchange, face, *parts_->links);
  Result<> done;
  if (!match.has_value()) {
    done = std::unexpected(std::move(match.error()));
  } else if (!found) {
    done = co_await parts_->AnswerUnrouted(settings, exchange, *match, face);
  } else {
    exchange.params = std::move(match->params);
    done = co_await parts_->Dispatch(exchange, *match->route);
  }
  if (!KeepsTrace(exchange, face, !done.has_value())) scope.Discard();
  if (!done.has_value()) co_await FailRequest(face, done.error(), outgoing, ctx);
}

// Writes an error that no handler has written.
Task<void> App::FailRequest(Face face, const Error& error, net::ResponseWriter& writer,
                            RequestContext& ctx) {
  ctx.span.Fail(error);
  if (error.code() == Code::kInternal || error.code() == Code::kCorruption) {
    Log(Level::kError, "server.request_failed",
        {{"trace", ctx.request_id.value}, {"error", error.words().own()}});
  }
  if (writer.started()) {
    writer.Abort();
    co_return;
  }
  auto http = EncodeFaceError(face, error, ctx.request_id.value);
  [[maybe_unused]] auto sent =
      co_await writer.Send(http.status, ToHeaders(http.headers), std::move(http.body));
}

Result<> App::StartJobs() {
  // Behind the start: a month of rows takes a while.
  parts_->runtime->Spawn(
      observe::LoadSpending(parts_->accounting.spending, *parts_->accounting.ledger,
                            [](std::chrono::milliseconds wait) { return net::Sleep(wait); }));
  const auto& options = parts_->config.options;
  std::chrono::seconds every(options.Integer("resilience.probe_every"));
  if (every.count() > 0) {
    parts_->probe = std::make_unique<HealthProbe>(
        HealthProbe::Parts{.providers = [p = parts_.get()] { return *p->providers.Now(); },
                           .deps = RemoteDepsFrom(options, parts_->client),
                           .every = every},
        parts_->resilience->board(), *parts_->runtime);
  }
  parts_->job_pruner = std::make_unique<JobPruner>(*parts_->jobs, SystemClock(), *parts_->runtime);
  parts_->async_invokes->Start(*parts_->runtime);
  parts_->evaluation->worker().Start(*parts_->runtime);
  parts_->evaluation->labeler().Start(*parts_->asker, *parts_->runtime);
  return parts_->bases->Start();
}
void App::SetListenUrl(std::string url) {
  const bool named = !parts_->config.options.Text("server.public_url").empty();
  if (!named) parts_->links->SetPublicUrl(std::move(url));
}
void App::SetControlBearer(std::string bearer) {
  parts_->access->SetControlBearer(std::move(bearer));
}
Result<> App::PublishAddress(const std::string& url, const std::string& control_bearer) {
  return parts_->folder.PublishServer({.pid = ::getpid(), .url = url, .control = control_bearer});
}
void App::UnpublishAddress() { parts_->folder.UnpublishServer(); }
Result<std::optional<store::NewKey>> App::MakeFirstKey() {
  if (!parts_->keys->snapshot()->empty()) return std::optional<store::NewKey>();
  store::CreateKey first;
  first.name = "first key";
  first.grant.roles = {"admin"};
  STRATA_TRY(auto made, parts_->keys->CreateBlocking(std::move(first)));
  return std::optional<store::NewKey>(std::move(made));
}

std::shared_ptr<const LiveState> App::live() const { return parts_->live.Now(); }
void App::SetPhase(Phase phase) { parts_->readiness.Set(phase); }
void App::SetConfigReader(std::function<Result<Config>()> read) {
  parts_->reloader->SetReader(std::move(read));
}
Result<ReloadReport> App::Reload() { return parts_->reloader->Reload(); }
void App::SetHandOver(std::function<void()> begin_stop) {
  parts_->services->hand_over = std::move(begin_stop);
}
void App::SetServerStats(std::function<net::ServerStats()> stats) {
  parts_->services->server_stats = std::move(stats);
}
void App::SetListeners(std::function<Result<>()> listen_anew) {
  parts_->reloader->SetListeners(std::move(listen_anew));
}
std::string App::tls_folder() const { return parts_->folder.tls(); }
std::string App::ConsoleUrl() const { return parts_->links->ConsoleUrl(); }
Services& App::services() { return *parts_->services; }

}  // namespace strata::server
