#include "knowledge/base_names.h"
#include "server/admin_json.h"
#include "server/answer_sinks.h"
#include "server/base_access.h"
#include "server/routes.h"

namespace strata::server {

Task<Result<>> SendAdminJson(Exchange& exchange, std::string body) {
  net::Headers headers;
  headers.Set("content-type", "application/json");
  headers.Set("x-strata-trace-id", exchange.ctx.request_id.value);
  co_return co_await exchange.writer.Send(200, std::move(headers), std::move(body));
}

void AdminOperations::operator()(std::string method, std::string pattern, std::string operation,
                                 Operation run) const {
  router_.Add({.method = std::move(method),
               .pattern = std::move(pattern),
               .face = Face::kStrata,
               .operation = std::move(operation),
               .role = "admin",
               .handler = [&services = services_, run](Exchange& e) { return run(services, e); }});
}

Task<Result<>> JsonLines::Start() {
  net::Headers headers;
  headers.Set("content-type", "application/x-ndjson");
  headers.Set("x-strata-trace-id", exchange_.ctx.request_id.value);
  co_return co_await exchange_.writer.Start(200, std::move(headers));
}

Task<Result<>> JsonLines::Line(std::string json) {
  json += '\n';
  co_return co_await exchange_.writer.Write(json);
}

Task<Result<>> JsonLines::Finish(const Result<>& outcome) {
  if (!outcome.has_value()) {
    exchange_.ctx.span.Fail(outcome.error());
    auto http = EncodeFaceError(Face::kStrata, outcome.error(), exchange_.ctx.request_id.value);
    STRATA_CO_CHECK_OK(co_await Line(std::move(http.body)));
  }
  co_return co_await exchange_.writer.Finish();
}

Result<knowledge::KnowledgeBase> NamedBase(Services& services, const Exchange& exchange) {
  STRATA_TRY(auto base, services.bases.FindByName(exchange.params.at(0), exchange.ctx.workspace));
  STRATA_CHECK_OK(CheckBaseNameAllowed(base.name, exchange.ctx));
  return base;
}

Result<std::vector<knowledge::KnowledgeBase>> NamedBases(Services& services,
                                                         const Exchange& exchange) {
  STRATA_TRY(const auto names, knowledge::SplitBaseNames(exchange.params.at(0), "name"));
  for (const auto& name : names) STRATA_CHECK_OK(CheckBaseNameAllowed(name, exchange.ctx));
  std::vector<knowledge::KnowledgeBase> bases;
  for (const auto& name : names) {
    STRATA_TRY(auto base, services.bases.FindByName(name, exchange.ctx.workspace));
    bases.push_back(std::move(base));
  }
  return bases;
}

void RunUntilLeft(Exchange& exchange) { exchange.ctx.deadline = SteadyTime::max(); }

void AddAdminRoutes(Router& router, Services& services) {
  AddAdminKeyRoutes(router, services);
  AddAdminKbRoutes(router, services);
  AddAdminCorpusRoutes(router, services);
  AddAdminObserveRoutes(router, services);
  AddAdminProviderRoutes(router, services);
  AddAdminRouterRoutes(router, services);
  AddAdminRouterTestRoutes(router, services);
  AddAdminEvalRoutes(router, services);
  AddAdminEvalRunRoutes(router, services);
  AddAdminEraseRoutes(router, services);
  AddAdminServerRoutes(router, services);
}

}  // namespace strata::server
