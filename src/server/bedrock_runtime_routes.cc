// The Bedrock runtime front door: Converse, ConverseStream, InvokeModel,
// InvokeModelWithResponseStream, CountTokens.

#include <fmt/format.h>

#include "dialect/bedrock_prompt.h"
#include "provider/wire_headers.h"
#include "server/answer_sinks.h"
#include "server/prompts/prompt_json.h"
#include "server/prompts/prompt_model.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace bedrock = dialect::bedrock;

enum class Streaming : std::uint8_t { kNo, kYes };

AnswerFrame Frame(Services& services, Exchange& exchange) {
  return MakeFrame(exchange, services.links, dialect::Dialect::kBedrock, Face::kBedrockRuntime,
                   exchange.params.at(0));
}

// Guardrails belong to a feature that this server does not have yet: said, never skipped.
Result<> CheckSupported(const bedrock::ConverseRequest& request) {
  if (request.guardrail) {
    return Fail(InvalidArgument(
        "guardrailConfig",
        "Bedrock's guardrails are not served here, those of the configuration judge every request; "
        "remove the member"));
  }
  return {};
}

bool IsPrompt(std::string_view model) {
  return model.starts_with("prompt/") ||
         (model.starts_with("arn:") && model.find(":prompt/") != model.npos);
}

// The ARN of a prompt router is the model router/ID of this server.
void NameRouter(std::string& model) {
  constexpr std::string_view kResource = ":prompt-router/";
  auto at = model.find(kResource);
  if (!model.starts_with("arn:") || at == model.npos) return;
  model = "router/" + model.substr(at + kResource.size());
}

Task<Result<>> Converse(Services& services, Exchange& exchange, Streaming streaming) {
  bool prompt = IsPrompt(exchange.params.at(0));
  auto headers = provider::RequestHeadersToForward(exchange.http.headers);
  STRATA_CO_TRY(auto request,
                prompt ? bedrock::DecodeConverseOfPrompt(exchange.http.body)
                       : bedrock::ScanConverse(std::move(exchange.http.body), std::move(headers)));
  STRATA_CO_CHECK_OK(CheckSupported(request));
  if (!prompt && !request.prompt_variables.empty()) {
    co_return Fail(
        InvalidArgument("promptVariables", "only a prompt's ARN as modelId takes variables"));
  }
  if (!request.prompt_variables.empty() && !request.chat.extra.text.empty()) {
    co_return Fail(InvalidArgument("additionalModelRequestFields", "a prompt brings its own"));
  }
  SetPromptVariables(request.chat, request.prompt_variables);
  request.chat.model = exchange.params.at(0);
  request.chat.stream = streaming == Streaming::kYes;
  auto frame = Frame(services, exchange);
  frame.meta.service_tier = request.chat.service_tier;
  frame.meta.performance_latency = request.performance_latency;
  auto sink = streaming == Streaming::kYes
                  ? MakeStreamSink(std::move(frame), bedrock::MakeConverseStreamEncoder,
                                   FirstHeadOf(request.chat))
                  : MakeJsonSink(std::move(frame), bedrock::EncodeConverseResponse);
  co_await services.chat.Run(std::move(request.chat), exchange.ctx, *sink);
  co_return Result<>{};
}

Task<Result<>> InvokeChat(Services& services, Exchange& exchange, bedrock::InvokeFormat format,
                          domain::ChatRequest request, Streaming streaming) {
  request.model = exchange.params.at(0);
  request.stream = streaming == Streaming::kYes;
  std::unique_ptr<gateway::AnswerSink> sink;
  if (streaming == Streaming::kYes) {
    auto make = [format](dialect::AnswerMeta meta) {
      return bedrock::MakeInvokeStreamEncoder(format, std::move(meta));
    };
    sink = MakeStreamSink(Frame(services, exchange), make, FirstHeadOf(request));
  } else {
    sink = MakeJsonSink(Frame(services, exchange), [format](const domain::ChatResponse& response,
                                                            const dialect::AnswerMeta& meta) {
      return bedrock::EncodeInvokeChatResponse(format, response, meta);
    });
  }
  co_await services.chat.Run(std::move(request), exchange.ctx, *sink);
  co_return Result<>{};
}

Task<Result<>> InvokeEmbed(Services& services, Exchange& exchange,
                           const bedrock::InvokeRequest& request) {
  auto call = std::get<dialect::EmbedRequest>(request.call);  // the answer shows its texts
  call.model = exchange.params.at(0);
  STRATA_CO_TRY(auto answer, co_await services.embed.Run(std::move(call), exchange.ctx));
  dialect::EmbeddingView view{.dimensions = answer.vectors.dimensions,
                              .values = answer.vectors.values,
                              .input_tokens = answer.vectors.input_tokens};
  auto frame = Frame(services, exchange);
  auto body = bedrock::EncodeInvokeEmbedResponse(request, view, frame.meta);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kBedrock,
                              std::move(body));
}

// nullopt: the body is that of a model.
Result<std::optional<bedrock::InvokeRequest>> InvokeOfPrompt(Services& services,
                                                             const Exchange& exchange) {
  std::string_view id = exchange.params.at(0);
  if (id.starts_with("prompt/")) id.remove_prefix(7);
  const auto name = ParsePromptName(id);
  STRATA_TRY(auto prompt, services.prompts.Find(name.id, name.version, exchange.ctx.workspace));
  return bedrock::DecodeInvokeOfPrompt(ModelOfPrompt(prompt), exchange.http.body);
}

Task<Result<>> Invoke(Services& services, Exchange& exchange, Streaming streaming) {
  if (exchange.http.headers.Has("x-amzn-bedrock-guardrailidentifier")) {
    co_return Fail(
        InvalidArgument("guardrailIdentifier",
                        "Bedrock's guardrails are not served here, those of the configuration "
                        "judge every request; remove the header"));
  }
  if (IsPrompt(exchange.params.at(0))) {
    STRATA_CO_TRY(auto prompt, InvokeOfPrompt(services, exchange));
    if (prompt) {
      auto& chat = std::get<domain::ChatRequest>(prompt->call);
      co_return co_await InvokeChat(services, exchange, prompt->format, std::move(chat), streaming);
    }
  }
  auto headers = provider::RequestHeadersToForward(exchange.http.headers);
  STRATA_CO_TRY(auto request,
                bedrock::ScanInvoke(exchange.params.at(0), std::move(exchange.http.body),
                                    std::move(headers)));
  if (auto* chat = std::get_if<domain::ChatRequest>(&request.call)) {
    co_return co_await InvokeChat(services, exchange, request.format, std::move(*chat), streaming);
  }
  if (streaming == Streaming::kYes) {
    co_return Fail(InvalidArgument(
        "modelId",
        fmt::format("{} makes embeddings, which are not streamed", exchange.params.at(0))));
  }
  co_return co_await InvokeEmbed(services, exchange, request);
}

Task<Result<>> CountTokens(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto request,
                bedrock::DecodeCountTokens(exchange.params.at(0), exchange.http.body));
  request.model = exchange.params.at(0);
  STRATA_CO_TRY(auto tokens, co_await services.chat.CountTokens(std::move(request), exchange.ctx));
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kBedrock,
                              bedrock::EncodeCountTokensResponse(tokens));
}

}  // namespace

void AddBedrockRuntimeRoutes(Router& router, Services& services) {
  auto* s = &services;
  auto add = [&](std::string pattern, std::string operation, RouteHandler handler) {
    router.Add({.method = "POST",
                .pattern = std::move(pattern),
                .face = Face::kBedrockRuntime,
                .operation = std::move(operation),
                .role = "invoke",
                .handler = [handler = std::move(handler)](Exchange& e) {
                  NameRouter(e.params.at(0));
                  return handler(e);
                }});
  };
  add("/model/{modelId}/converse", "Converse",
      [s](Exchange& e) { return Converse(*s, e, Streaming::kNo); });
  add("/model/{modelId}/converse-stream", "ConverseStream",
      [s](Exchange& e) { return Converse(*s, e, Streaming::kYes); });
  add("/model/{modelId}/invoke", "InvokeModel",
      [s](Exchange& e) { return Invoke(*s, e, Streaming::kNo); });
  add("/model/{modelId}/invoke-with-response-stream", "InvokeModelWithResponseStream",
      [s](Exchange& e) { return Invoke(*s, e, Streaming::kYes); });
  add("/model/{modelId}/count-tokens", "CountTokens",
      [s](Exchange& e) { return CountTokens(*s, e); });
}

}  // namespace strata::server
