// The Anthropic front door: messages and count_tokens. Models are in model_routes.cc.

#include "dialect/anthropic.h"

#include "provider/wire_headers.h"
#include "server/answer_sinks.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace anthropic = dialect::anthropic;

Task<Result<>> Messages(Services& services, Exchange& exchange) {
  auto headers = provider::RequestHeadersToForward(exchange.http.headers);
  STRATA_CO_TRY(auto request,
                anthropic::ScanChatRequest(std::move(exchange.http.body), std::move(headers)));
  auto frame = MakeFrame(exchange, services.links, dialect::Dialect::kAnthropic, Face::kAnthropic,
                         request.model);
  auto sink = request.stream ? MakeStreamSink(std::move(frame), anthropic::MakeStreamEncoder,
                                              FirstHeadOf(request))
                             : MakeJsonSink(std::move(frame), anthropic::EncodeChatResponse);
  co_await services.chat.Run(std::move(request), exchange.ctx, *sink);
  co_return Result<>{};
}

Task<Result<>> CountTokens(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto request, anthropic::DecodeCountRequest(exchange.http.body));
  STRATA_CO_TRY(auto tokens, co_await services.chat.CountTokens(std::move(request), exchange.ctx));
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kAnthropic,
                              anthropic::EncodeCountResponse(tokens));
}

}  // namespace

void AddAnthropicRoutes(Router& router, Services& services) {
  auto* s = &services;
  router.Add({.method = "POST",
              .pattern = "/v1/messages",
              .face = Face::kAnthropic,
              .operation = "chat",
              .role = "invoke",
              .handler = [s](Exchange& e) { return Messages(*s, e); }});
  router.Add({.method = "POST",
              .pattern = "/v1/messages/count_tokens",
              .face = Face::kAnthropic,
              .operation = "count_tokens",
              .role = "invoke",
              .handler = [s](Exchange& e) { return CountTokens(*s, e); }});
}

}  // namespace strata::server
