#pragma once
// Everything that routes may use, made once by App and alive as long as it serves.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/access.h"
#include "gateway/chat_service.h"
#include "gateway/embed_service.h"
#include "gateway/judge_service.h"
#include "gateway/request_scope.h"
#include "gateway/resilience.h"
#include "gateway/router_memory.h"
#include "knowledge/answerer.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/page_render.h"
#include "knowledge/retrieve_and_generate.h"
#include "net/client.h"
#include "net/server.h"
#include "observe/drain.h"
#include "observe/metrics.h"
#include "provider/local_models.h"
#include "provider/registry.h"
#include "server/live_config.h"
#include "server/prompts/prompt_store.h"
#include "server/readiness.h"
#include "server/reload.h"
#include "server/routers/router_store.h"
#include "server/trace_links.h"
#include "store/data_dir.h"
#include "store/jobs.h"
#include "store/keys.h"
#include "store/response_store.h"
#include "store/sql_file.h"

namespace strata::job {
class Evaluation;
}

namespace strata::knowledge {
class EvalHistory;
class VectorStores;
}  // namespace strata::knowledge
namespace strata::store {
class FileStore;
class KeptResponses;
}  // namespace strata::store

namespace strata::server {

class AsyncInvokes;
class ProfileStore;
class ResourceTags;
class RouterAlarms;

// References; the owner is App. All thread-safe.
struct Services {
  const LiveConfig& live;
  const store::DataDir& folder;
  store::KeyRing& ring;
  store::KeyStore& keys;
  observe::Ledger& ledger;
  const observe::Spending& spending;
  const observe::Latencies& latencies;
  store::Journal& journal;
  observe::TraceStore& traces;
  provider::Registry& registry;
  gateway::Resilience& resilience;
  provider::LocalModels& local_models;
  std::shared_ptr<net::Client> client;
  const gateway::Access& access;
  gateway::TraceSinks trace_sinks;
  gateway::ChatService chat;
  gateway::EmbedService embed;
  gateway::JudgeService judge;
  knowledge::KnowledgeBases& bases;
  knowledge::VectorStores& vector_stores;
  knowledge::EvalHistory& eval_history;
  knowledge::Answerer& answerer;
  knowledge::RetrieveAndGenerate& answers;
  knowledge::Parser& parser;
  Pool& parse_pool;
  knowledge::PageRenderer& renderer;
  store::ResponseStore& responses;
  store::KeptResponses& kept_responses;
  store::FileStore& files;
  const TraceLinks& links;
  PromptStore& prompts;
  ResourceTags& tags;
  ProfileStore& profiles;
  RouterStore& routers;
  gateway::RouterMemory& router_memory;
  RouterAlarms& router_alarms;
  job::Evaluation& evaluation;
  store::JobQueue& jobs;
  store::SqlFile& meta;
  Pool& kb_pool;
  Pool& ops_pool;    // probes and reloads, so that no parsing stands in their way
  Pool& admin_pool;  // backups, changes of providers and models, waits for the ledger and traces
  const Readiness& readiness;
  observe::RequestMetrics& request_metrics;
  observe::CallMetrics& call_metrics;
  WallTime started;
  ProviderList& providers;
  Reloader& reloader;
  AsyncInvokes* async_invokes = nullptr;           // set before requests come
  std::function<void()> hand_over;                 // empty: not behind listeners
  std::function<net::ServerStats()> server_stats;  // empty: not behind listeners
};

}  // namespace strata::server
