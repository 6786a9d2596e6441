#pragma once
// The routes of each API, one function and one .cc file an API. `services` outlives the router.

#include "server/router.h"
#include "server/services.h"

namespace strata::server {

void AddOpenAiRoutes(Router& router, Services& services);
void AddResponsesRoutes(Router& router, Services& services);    // OpenAI's Responses API
void AddFileRoutes(Router& router, Services& services);         // OpenAI's uploaded files
void AddVectorStoreRoutes(Router& router, Services& services);  // OpenAI's vector stores
void AddCompletionRoutes(Router& router, Services& services);   // OpenAI's legacy completions
void AddRerankRoutes(Router& router, Services& services);  // rerank (Cohere, Bedrock), moderations
void AddAnthropicRoutes(Router& router, Services& services);
void AddGeminiRoutes(Router& router, Services& services);
void AddBedrockRuntimeRoutes(Router& router,
                             Services& services);  // Converse, InvokeModel, CountTokens
void AddBedrockModelRoutes(Router& router,
                           Services& services);  // ListFoundationModels, GetFoundationModel
void AddBedrockAgentRoutes(Router& router,
                           Services& services);  // knowledge bases, data sources, jobs, documents
void AddBedrockAsyncRoutes(Router& router, Services& services);   // asynchronous invocations
void AddBedrockPromptRoutes(Router& router, Services& services);  // stored prompts
void AddBedrockTagRoutes(Router& router, Services& services);     // tags of the above
// Inference profiles, and tags of them and of prompt routers.
void AddBedrockProfileRoutes(Router& router, Services& services);
void AddBedrockRouterRoutes(Router& router, Services& services);  // prompt routers
void AddBedrockAgentRuntimeRoutes(Router& router,
                                  Services& services);  // Retrieve, RetrieveAndGenerate
void AddBedrockGuardrailRoutes(Router& router, Services& services);  // ApplyGuardrail
// After all other Bedrock routes.
void AddOtherBedrockRoutes(Router& router, Services& services);
void AddFeedbackRoutes(Router& router, Services& services);  // what users say of answers
void AddAdminRoutes(Router& router, Services& services);  // /strata/v1: what the command line uses
void AddOpsRoutes(Router& router, Services& services);    // /healthz, /readyz, /metrics
void AddConsoleRoutes(Router& router, Services& services);  // /console: pages

}  // namespace strata::server
