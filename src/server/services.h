#pragma once
// Everything that routes may use, made once by App and alive as long as it serves.

#include <memory>
#include <string>
#include <vector>

#include "gateway/access.h"
#include "gateway/chat_service.h"
#include "gateway/embed_service.h"
#include "gateway/judge_service.h"
#include "gateway/request_scope.h"
#include "gateway/resilience.h"
#include "knowledge/answerer.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/page_render.h"
#include "knowledge/retrieve_and_generate.h"
#include "net/client.h"
#include "observe/drain.h"
#include "provider/local_models.h"
#include "provider/registry.h"
#include "server/config.h"
#include "server/trace_links.h"
#include "store/data_dir.h"
#include "store/keys.h"
#include "store/response_store.h"

namespace strata::server {

// References; the owner is App. All thread-safe.
struct Services {
  const Config& config;
  const store::DataDir& folder;
  store::KeyStore& keys;
  observe::Ledger& ledger;
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
  knowledge::RetrieveAndGenerate& answers;
  knowledge::Parser& parser;
  Pool& parse_pool;
  knowledge::PageRenderer& renderer;
  store::ResponseStore& responses;
  const TraceLinks& links;
  std::vector<provider::ProviderSpec> providers;  // configured and detected
};

}  // namespace strata::server
