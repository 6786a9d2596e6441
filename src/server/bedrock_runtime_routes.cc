// The Bedrock runtime front door: Converse, ConverseStream, InvokeModel,
// InvokeModelWithResponseStream, CountTokens.

#include "base/format_message.h"
#include "dialect/bedrock_prompt.h"
#include "provider/wire_headers.h"
#include "server/answer_sinks.h"
#include "server/guardrail_call.h"
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

using Guardrail = std::shared_ptr<GuardrailCall>;  // null: the call names none

// guardrailConfig. A provider never sees it: its guardrails are not ours.
Result<Guardrail> GuardrailOf(const Services& services, const bedrock::ConverseRequest& request,
                              Streaming streaming) {
  if (!request.guardrail) return Guardrail();
  const auto& config = *request.guardrail;
  if (config.identifier.empty()) {
    return Fail(InvalidArgument("guardrailConfig.guardrailIdentifier",
                                "expected the name of a guardrail of the configuration"));
  }
  if (!config.version.empty() && !IsGuardrailVersion(config.version)) {
    return Fail(InvalidArgument("guardrailConfig.guardrailVersion", "expected DRAFT or 1"));
  }
  if (!config.processing_mode.empty() && streaming == Streaming::kNo) {
    return Fail(InvalidArgument("guardrailConfig.streamProcessingMode",
                                "only ConverseStream has it; remove the member"));
  }
  return GuardrailCall::Make(
      services,
      {.guardrail = {.id = config.identifier, .field = "guardrailConfig.guardrailIdentifier"},
       .trace = config.trace == "enabled" || config.trace == "enabled_full"});
}

// The same as headers of InvokeModel.
Result<Guardrail> GuardrailOf(const Services& services, const net::Headers& headers) {
  const auto id = headers.Get("x-amzn-bedrock-guardrailidentifier");
  const auto version = headers.Get("x-amzn-bedrock-guardrailversion");
  if (id.empty() && version.empty()) return Guardrail();
  if (id.empty()) {
    return Fail(InvalidArgument("guardrailIdentifier",
                                "expected the name of a guardrail beside guardrailVersion"));
  }
  if (!IsGuardrailVersion(version)) {
    return Fail(InvalidArgument("guardrailVersion", "expected DRAFT or 1"));
  }
  const auto trace = headers.Get("x-amzn-bedrock-trace");
  return GuardrailCall::Make(services,
                             {.guardrail = {.id = std::string(id), .field = "guardrailIdentifier"},
                              .trace = trace == "ENABLED" || trace == "ENABLED_FULL",
                              .form = TraceForm::kInvoke});
}

bedrock::GuardrailNotes NotesOf(const Guardrail& guardrail) {
  if (!guardrail) return {};
  return [guardrail] { return guardrail->Note(); };
}

// How an answer leaves, one piece or a stream.
struct AnswerForm {
  Streaming streaming = Streaming::kNo;
  ResponseEncoder encode;
  EncoderMaker make;
};

Task<void> RunChat(Services& services, AnswerFrame frame, domain::ChatRequest request,
                   AnswerForm form, Guardrail guardrail) {
  auto& ctx = frame.exchange.ctx;
  const bool streams = form.streaming == Streaming::kYes;
  auto sink = streams ? MakeStreamSink(std::move(frame), std::move(form.make), FirstHeadOf(request))
                      : MakeJsonSink(std::move(frame), std::move(form.encode));
  if (!guardrail) {
    co_await services.chat.Run(std::move(request), ctx, *sink);
    co_return;
  }
  const auto chat = guardrail->Chat(services);
  sink = MakeInterveningSink(std::move(sink), std::move(guardrail),
                             streams ? Leaves::kAtOnce : Leaves::kWhole);
  co_await chat.Run(std::move(request), ctx, *sink);
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
  STRATA_CO_TRY(auto guardrail, GuardrailOf(services, request, streaming));
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
  AnswerForm form{.streaming = streaming,
                  .encode =
                      [notes = NotesOf(guardrail)](const auto& response, const auto& meta) {
                        return bedrock::EncodeConverseResponse(response, meta, notes);
                      },
                  .make =
                      [notes = NotesOf(guardrail)](dialect::AnswerMeta meta) {
                        return bedrock::MakeConverseStreamEncoder(std::move(meta), notes);
                      }};
  co_await RunChat(services, std::move(frame), std::move(request.chat), std::move(form),
                   std::move(guardrail));
  co_return Result<>{};
}

Task<Result<>> InvokeChat(Services& services, Exchange& exchange, bedrock::InvokeFormat format,
                          domain::ChatRequest request, Streaming streaming, Guardrail guardrail) {
  request.model = exchange.params.at(0);
  request.stream = streaming == Streaming::kYes;
  AnswerForm form{.streaming = streaming,
                  .encode =
                      [format, notes = NotesOf(guardrail)](const auto& response, const auto& meta) {
                        return bedrock::EncodeInvokeChatResponse(format, response, meta, notes);
                      },
                  .make =
                      [format, notes = NotesOf(guardrail)](dialect::AnswerMeta meta) {
                        return bedrock::MakeInvokeStreamEncoder(format, std::move(meta), notes);
                      }};
  co_await RunChat(services, Frame(services, exchange), std::move(request), std::move(form),
                   std::move(guardrail));
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

// An answer that tells what a guardrail did is written here, so its request is not forwarded.
Result<bedrock::InvokeRequest> ReadInvoke(Exchange& exchange, const Guardrail& guardrail) {
  if (guardrail) return bedrock::DecodeInvoke(exchange.params.at(0), exchange.http.body);
  auto headers = provider::RequestHeadersToForward(exchange.http.headers);
  return bedrock::ScanInvoke(exchange.params.at(0), std::move(exchange.http.body),
                             std::move(headers));
}

Task<Result<>> Invoke(Services& services, Exchange& exchange, Streaming streaming) {
  STRATA_CO_TRY(auto guardrail, GuardrailOf(services, exchange.http.headers));
  if (IsPrompt(exchange.params.at(0))) {
    STRATA_CO_TRY(auto prompt, InvokeOfPrompt(services, exchange));
    if (prompt) {
      auto& chat = std::get<domain::ChatRequest>(prompt->call);
      co_return co_await InvokeChat(services, exchange, prompt->format, std::move(chat), streaming,
                                    std::move(guardrail));
    }
  }
  STRATA_CO_TRY(auto request, ReadInvoke(exchange, guardrail));
  if (auto* chat = std::get_if<domain::ChatRequest>(&request.call)) {
    co_return co_await InvokeChat(services, exchange, request.format, std::move(*chat), streaming,
                                  std::move(guardrail));
  }
  if (streaming == Streaming::kYes) {
    co_return Fail(InvalidArgument(
        "modelId",
        FormatMessage("{} makes embeddings, which are not streamed", exchange.params.at(0))));
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
