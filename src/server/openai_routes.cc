// The OpenAI front door: chat completions, embeddings, models.

#include "dialect/openai.h"

#include "provider/wire_headers.h"
#include "server/answer_sinks.h"
#include "server/model_routes.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace openai = dialect::openai;

Task<Result<>> ChatCompletions(Services& services, Exchange& exchange) {
  auto headers = provider::RequestHeadersToForward(exchange.http.headers);
  STRATA_CO_TRY(auto request,
                openai::ScanChatRequest(std::move(exchange.http.body), std::move(headers)));
  auto frame = MakeFrame(exchange, services.links, dialect::Dialect::kOpenAi, Face::kOpenAi,
                         request.chat.model);
  std::unique_ptr<gateway::AnswerSink> sink;
  if (request.chat.stream) {
    auto encoder = [usage = request.include_usage](dialect::AnswerMeta meta) {
      return openai::MakeStreamEncoder(std::move(meta), usage);
    };
    sink = MakeStreamSink(std::move(frame), encoder, FirstHeadOf(request.chat));
  } else {
    sink = MakeJsonSink(std::move(frame), openai::EncodeChatResponse);
  }
  co_await services.chat.Run(std::move(request.chat), exchange.ctx, *sink);
  co_return Result<>{};
}

Task<Result<>> Embeddings(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto request, openai::DecodeEmbedRequest(exchange.http.body));
  if (!request.user.empty()) exchange.ctx.subject = request.user;
  const auto encoding = request.encoding;
  auto model = request.model;
  STRATA_CO_TRY(auto answer, co_await services.embed.Run(std::move(request), exchange.ctx));
  dialect::EmbeddingView view{.dimensions = answer.vectors.dimensions,
                              .values = answer.vectors.values,
                              .input_tokens = answer.vectors.input_tokens};
  auto body = openai::EncodeEmbedResponse(view, encoding, model);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi, std::move(body));
}

}  // namespace

void AddOpenAiRoutes(Router& router, Services& services) {
  auto* s = &services;
  router.Add({.method = "POST",
              .pattern = "/v1/chat/completions",
              .face = Face::kOpenAi,
              .operation = "chat",
              .role = "invoke",
              .handler = [s](Exchange& e) { return ChatCompletions(*s, e); }});
  router.Add({.method = "POST",
              .pattern = "/v1/embeddings",
              .face = Face::kOpenAi,
              .operation = "embeddings",
              .role = "invoke",
              .handler = [s](Exchange& e) { return Embeddings(*s, e); }});
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  auto add_models = [&](std::string pattern, Operation openai, Operation anthropic,
                        Operation gemini) {
    auto handler = [s, openai, anthropic, gemini](Exchange& e) {
      const auto face = FaceOfPath(e.http.path(), e.http.headers);
      if (face == Face::kGemini) return gemini(*s, e);
      return face == Face::kAnthropic ? anthropic(*s, e) : openai(*s, e);
    };
    router.Add({.method = "GET",
                .pattern = std::move(pattern),
                .face = Face::kOpenAi,
                .operation = "models",
                .role = "invoke",
                .handler = handler,
                .shared = true});
  };
  add_models("/v1/models", ListModelsOpenAi, ListModelsAnthropic, ListModelsGemini);
  add_models("/v1/models/{model}", GetModelOpenAi, GetModelAnthropic, GetModelGemini);
  // Google's SDK does not escape the slashes of an id.
  add_models("/v1/models/{model+}", GetModelOpenAi, GetModelAnthropic, GetModelGemini);
}

}  // namespace strata::server
