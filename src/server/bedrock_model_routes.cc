// Bedrock's control plane of models: ListFoundationModels, GetFoundationModel.

#include "dialect/bedrock.h"
#include "server/answer_sinks.h"
#include "server/model_routes.h"
#include "server/routes.h"

namespace strata::server {
namespace {

// The region in ARNs: the one that the caller signed for, so that what it gets back fits its own
// configuration.
std::string RegionOf(const net::HttpRequest& request) {
  auto authorization = request.headers.Get("authorization");
  auto scope = authorization.find("Credential=");
  for (int slash = 0; scope != authorization.npos && slash < 2; ++slash)
    scope = authorization.find('/', scope + 1);
  if (scope == authorization.npos) return "us-east-1";
  auto region = authorization.substr(scope + 1);
  return std::string(region.substr(0, region.find('/')));
}

Task<Result<>> ListModels(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto filter, dialect::bedrock::DecodeModelFilter(exchange.http.query()));
  std::vector<domain::ModelInfo> models;
  for (auto& model : VisibleModels(services, exchange.ctx)) models.push_back(std::move(model.info));
  auto body = dialect::bedrock::EncodeModelList(models, filter, RegionOf(exchange.http));
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kBedrock,
                              std::move(body));
}

Task<Result<>> GetModel(Services& services, Exchange& exchange) {
  const auto& id = exchange.params.at(0);
  STRATA_CO_TRY(auto model, DescribeVisible(services, id, exchange.ctx));
  auto body = dialect::bedrock::EncodeModel(model.info, RegionOf(exchange.http));
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kBedrock,
                              std::move(body));
}

}  // namespace

void AddBedrockModelRoutes(Router& router, Services& services) {
  auto* s = &services;
  router.Add({.method = "GET",
              .pattern = "/foundation-models",
              .face = Face::kBedrockControl,
              .operation = "ListFoundationModels",
              .role = "invoke",
              .handler = [s](Exchange& e) { return ListModels(*s, e); }});
  router.Add({.method = "GET",
              .pattern = "/foundation-models/{modelIdentifier}",
              .face = Face::kBedrockControl,
              .operation = "GetFoundationModel",
              .role = "invoke",
              .handler = [s](Exchange& e) { return GetModel(*s, e); }});
}

}  // namespace strata::server
