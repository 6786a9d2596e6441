// The Gemini front door: generateContent and its stream, countTokens, embeddings, models.

#include "dialect/gemini.h"

#include <fmt/format.h>

#include "provider/wire_headers.h"
#include "server/answer_sinks.h"
#include "server/model_routes.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace gemini = dialect::gemini;

enum class Streaming : std::uint8_t { kNo, kYes };

Task<Result<>> Generate(Services& services, Exchange& exchange, std::string model,
                        Streaming streaming) {
  const bool sse = net::QueryParameter(exchange.http.query(), "alt") == "sse";
  auto headers = provider::RequestHeadersToForward(exchange.http.headers);
  const auto format = sse ? gemini::kWireFormat : gemini::kArrayWireFormat;
  STRATA_CO_TRY(auto request,
                gemini::ScanGenerate(std::move(exchange.http.body), std::move(headers), format));
  request.chat.model = std::move(model);
  request.chat.stream = streaming == Streaming::kYes;
  const gemini::AnswerOptions options{.include_thoughts = request.include_thoughts, .sse = sse};
  auto frame = MakeFrame(exchange, services.links, dialect::Dialect::kGemini, Face::kGemini,
                         request.chat.model);
  std::unique_ptr<gateway::AnswerSink> sink;
  if (streaming == Streaming::kYes) {
    auto make = [options](dialect::AnswerMeta meta) {
      return gemini::MakeStreamEncoder(std::move(meta), options);
    };
    sink = MakeStreamSink(std::move(frame), make, FirstHeadOf(request.chat));
  } else {
    sink = MakeJsonSink(std::move(frame), [options](const domain::ChatResponse& response,
                                                    const dialect::AnswerMeta& meta) {
      return gemini::EncodeGenerateResponse(response, meta, options);
    });
  }
  co_await services.chat.Run(std::move(request.chat), exchange.ctx, *sink);
  co_return Result<>{};
}

Task<Result<>> CountTokens(Services& services, Exchange& exchange, std::string model) {
  STRATA_CO_TRY(auto request, gemini::DecodeCount(exchange.http.body));
  request.model = std::move(model);
  STRATA_CO_TRY(auto tokens, co_await services.chat.CountTokens(std::move(request), exchange.ctx));
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kGemini,
                              gemini::EncodeCountResponse(tokens));
}

enum class Batch : std::uint8_t { kNo, kYes };

Task<Result<>> Embed(Services& services, Exchange& exchange, std::string model, Batch batch) {
  const bool many = batch == Batch::kYes;
  STRATA_CO_TRY(auto request, many ? gemini::DecodeBatchEmbed(exchange.http.body)
                                   : gemini::DecodeEmbed(exchange.http.body));
  request.model = std::move(model);
  STRATA_CO_TRY(auto answer, co_await services.embed.Run(std::move(request), exchange.ctx));
  dialect::EmbeddingView view{.dimensions = answer.vectors.dimensions,
                              .values = answer.vectors.values,
                              .input_tokens = answer.vectors.input_tokens};
  auto body = many ? gemini::EncodeBatchEmbedResponse(view) : gemini::EncodeEmbedResponse(view);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kGemini, std::move(body));
}

// The operation stands behind the last colon of the path; ids of models may hold colons too.
Task<Result<>> Post(Services& services, Exchange& exchange) {
  const auto& path = exchange.params.at(0);
  const auto colon = path.rfind(':');
  const auto operation = colon == path.npos ? std::string() : path.substr(colon + 1);
  auto model = path.substr(0, colon);
  exchange.ctx.span.Set("operation", operation);
  if (operation == "generateContent") {
    co_return co_await Generate(services, exchange, std::move(model), Streaming::kNo);
  }
  if (operation == "streamGenerateContent") {
    co_return co_await Generate(services, exchange, std::move(model), Streaming::kYes);
  }
  if (operation == "countTokens") {
    co_return co_await CountTokens(services, exchange, std::move(model));
  }
  if (operation == "embedContent") {
    co_return co_await Embed(services, exchange, std::move(model), Batch::kNo);
  }
  if (operation == "batchEmbedContents") {
    co_return co_await Embed(services, exchange, std::move(model), Batch::kYes);
  }
  co_return Fail(NotFound("operation", operation.substr(0, 100)));
}

}  // namespace

void AddGeminiRoutes(Router& router, Services& services) {
  auto* s = &services;
  auto add = [&](std::string method, std::string pattern, std::string operation,
                 RouteHandler handler) {
    router.Add({.method = std::move(method),
                .pattern = std::move(pattern),
                .face = Face::kGemini,
                .operation = std::move(operation),
                .role = "invoke",
                .handler = std::move(handler)});
  };
  for (const char* models : {"/v1beta/models/{model+}", "/v1/models/{model+}"}) {
    add("POST", models, "generate", [s](Exchange& e) { return Post(*s, e); });
  }
  add("GET", "/v1beta/models", "models", [s](Exchange& e) { return ListModelsGemini(*s, e); });
  add("GET", "/v1beta/models/{model+}", "models",
      [s](Exchange& e) { return GetModelGemini(*s, e); });
}

}  // namespace strata::server
