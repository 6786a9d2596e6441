// Rerank in Cohere's form and in Bedrock's, and moderations.

#include "dialect/moderation.h"
#include "dialect/rerank.h"
#include "provider/local_models.h"
#include "server/answer_sinks.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace rerank = dialect::rerank;
namespace moderation = dialect::moderation;

constexpr std::string_view kModerationModel = "omni-moderation-latest";  // the API's own default

Task<Result<>> Rerank(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto request, rerank::DecodeRequest(exchange.http.body));
  if (request.model.empty()) request.model = provider::kBuiltinReranker;
  auto frame =
      MakeFrame(exchange, services.links, dialect::Dialect::kOpenAi, Face::kOpenAi, request.model);
  STRATA_CO_TRY(auto answer, co_await services.judge.Rerank(
                                 request.model, std::move(request.rerank), exchange.ctx));
  CompleteMeta(frame, frame.meta);
  auto body = rerank::EncodeResponse(answer, request, frame.meta);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi, std::move(body));
}

Task<Result<>> BedrockRerank(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto request, rerank::DecodeBedrockRequest(exchange.http.body));
  STRATA_CO_TRY(auto answer, co_await services.judge.Rerank(
                                 request.model, std::move(request.rerank), exchange.ctx));
  auto body = rerank::EncodeBedrockResponse(answer, request);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kBedrock,
                              std::move(body));
}

Task<Result<>> Moderate(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto request, moderation::DecodeRequest(exchange.http.body));
  if (request.model.empty()) request.model = kModerationModel;
  auto frame =
      MakeFrame(exchange, services.links, dialect::Dialect::kOpenAi, Face::kOpenAi, request.model);
  STRATA_CO_TRY(auto answer, co_await services.judge.Moderate(
                                 request.model, std::move(request.moderation), exchange.ctx));
  CompleteMeta(frame, frame.meta);
  auto body = moderation::EncodeResponse(answer, frame.meta);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi, std::move(body));
}

}  // namespace

void AddRerankRoutes(Router& router, Services& services) {
  auto* s = &services;
  for (auto pattern : {"/v1/rerank", "/v2/rerank"}) {
    router.Add({.method = "POST",
                .pattern = pattern,
                .face = Face::kOpenAi,
                .operation = "rerank",
                .role = "invoke",
                .handler = [s](Exchange& e) { return Rerank(*s, e); }});
  }
  router.Add({.method = "POST",
              .pattern = "/rerank",
              .face = Face::kBedrockAgentRuntime,
              .operation = "Rerank",
              .role = "invoke",
              .handler = [s](Exchange& e) { return BedrockRerank(*s, e); }});
  router.Add({.method = "POST",
              .pattern = "/v1/moderations",
              .face = Face::kOpenAi,
              .operation = "moderations",
              .role = "invoke",
              .handler = [s](Exchange& e) { return Moderate(*s, e); }});
}

}  // namespace strata::server
