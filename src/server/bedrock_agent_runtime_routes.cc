// Bedrock's agent runtime: Retrieve, RetrieveAndGenerate, RetrieveAndGenerateStream,
// CheckIngestedDocumentAcl.

#include <fmt/format.h>

#include <algorithm>

#include "base/format_message.h"
#include "base/json_text.h"
#include "dialect/event_stream.h"
#include "gateway/access.h"
#include "server/answer_record.h"
#include "server/answer_sinks.h"
#include "server/api/retrieval_json.h"
#include "server/base_access.h"
#include "server/guarded_search.h"
#include "server/routes.h"

namespace strata::server {
namespace {

using dialect::Dialect;

// userContext names the end user, whose documents may be read beside the public ones and those of
// the key. Any caller can write any name there, so it counts only for keys that were made to speak
// for others; that of an administrator is no exception.
Result<> ActFor(const Services& services, const std::string& user_id, RequestContext& ctx) {
  if (user_id.empty()) return {};
  auto principal = "user:" + user_id;
  auto key = services.keys.snapshot()->FindId(ctx.key);
  if (!key || !key->MayActFor(principal)) {
    return Fail(Error(Code::kPermissionDenied,
                      FormatMessage("userContext.userId: this key may not act for '{}'; one made "
                                    "with strata key create --acts-for '{}' (or 'user:*') may",
                                    user_id, principal))
                    .AtField("userContext.userId"));
  }
  ctx.subject = user_id;
  const bool own = std::ranges::find(ctx.principals, principal) != ctx.principals.end();
  if (!own) ctx.principals.push_back(std::move(principal));
  return {};
}

// Who may have a bucket's documents indexed may name one in a question: either reads whatever is
// in the folder behind it, with no base between whose name the key must hold.
Result<> MayNameSources(const knowledge::RetrieveAndGenerateRequest& request,
                        const Exchange& exchange) {
  const auto in_s3 = [](const auto& source) { return source.in_s3; };
  if (std::ranges::none_of(request.sources, in_s3)) return {};
  auto may = gateway::RequireRole(*exchange.key, "kb.write");
  if (may.has_value()) return may;
  return Fail(std::move(may.error()).Because("a source in S3").AtField("sourceType"));
}

std::string GuardrailNames(const Services& services) {
  const auto guardrails = services.live.Now()->guardrails;
  return guardrails ? guardrails->names() : std::string();
}

Task<Result<>> Retrieve(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto call, DecodeRetrieve(exchange.params.at(0), exchange.http.body));
  STRATA_CO_CHECK_OK(ActFor(services, call.user_id, exchange.ctx));
  STRATA_CO_CHECK_OK(CheckGuardrail(call.guardrail, GuardrailNames(services)));
  STRATA_CO_CHECK_OK(
      CheckBaseAllowed(services.bases, call.request.knowledge_base_id, exchange.ctx));
  STRATA_CO_TRY(auto judged,
                co_await GuardedRetrieve(services, std::move(call.request), exchange.ctx,
                                         std::move(call.implicit_filter)));
  co_return co_await SendJson(exchange, services.links, Dialect::kBedrock,
                              EncodeRetrieveResponse(judged.found, judged.intervened));
}

// {"documentId", "userContext": {"userId"}} → {"hasAccess"}.
Task<Result<>> CheckDocumentAcl(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto call, DecodeCheckDocumentAcl(exchange.http.body));
  STRATA_CO_CHECK_OK(ActFor(services, call.user_id, exchange.ctx));
  const auto base = KnowledgeBaseIdOf(exchange.params.at(0));
  STRATA_CO_CHECK_OK(CheckBaseAllowed(services.bases, base, exchange.ctx));
  STRATA_CO_TRY(bool readable,
                co_await services.bases.CheckAccess(base, exchange.params.at(1),
                                                    std::move(call.document_id), exchange.ctx));
  co_return co_await SendJson(exchange, services.links, Dialect::kBedrock,
                              fmt::format(R"({{"hasAccess":{}}})", readable));
}

Task<Result<>> RetrieveAndGenerate(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto call, DecodeRetrieveAndGenerate(exchange.http.body));
  STRATA_CO_CHECK_OK(ActFor(services, call.user_id, exchange.ctx));
  STRATA_CO_CHECK_OK(CheckGuardrail(call.guardrail, GuardrailNames(services)));
  STRATA_CO_CHECK_OK(
      CheckBaseAllowed(services.bases, call.request.retrieve.knowledge_base_id, exchange.ctx));
  STRATA_CO_CHECK_OK(MayNameSources(call.request, exchange));
  exchange.ctx.model_asked = call.request.generation.model;
  STRATA_CO_TRY(auto answer,
                co_await services.answers.Answer(std::move(call.request), exchange.ctx));
  RecordAnswer(exchange.ctx, {}, answer);
  co_return co_await SendJson(exchange, services.links, Dialect::kBedrock,
                              EncodeRetrieveAndGenerateResponse(answer));
}

// The frame of one event; "" for the end, which has none of its own.
std::string FrameOf(const knowledge::AnswerEvent& event) {
  if (auto* text = std::get_if<knowledge::AnswerText>(&event)) {
    return dialect::EncodeEvent("output", "{\"text\":" + JsonString(text->text) + "}");
  }
  if (auto* citation = std::get_if<knowledge::AnswerCitation>(&event)) {
    return dialect::EncodeEvent("citation", EncodeCitationEvent(*citation));
  }
  return {};
}

// After the headers have left, an error travels as an exception event.
Task<Result<>> SendEvents(knowledge::AnswerStream& stream, Exchange& exchange) {
  while (true) {
    auto event = co_await stream.Next();
    if (!event.has_value()) {
      exchange.ctx.span.Fail(event.error());
      auto frame = dialect::EncodeException(
          dialect::BedrockStreamExceptionName(event.error().code()),
          dialect::PublicMessage(event.error(), dialect::Dialect::kBedrock));
      STRATA_CO_CHECK_OK(co_await exchange.writer.Write(frame));
      break;
    }
    auto* end = std::get_if<knowledge::AnswerEnd>(&*event);
    if (end) RecordAnswer(exchange.ctx, {}, end->response);
    auto frame = FrameOf(*event);
    if (end && end->response.intervened) {
      frame = dialect::EncodeEvent(
          "guardrail",
          fmt::format(R"({{"action":"{}"}})", *end->response.intervened ? "INTERVENED" : "NONE"));
    }
    if (!frame.empty()) STRATA_CO_CHECK_OK(co_await exchange.writer.Write(frame));
    if (end) break;
  }
  co_return co_await exchange.writer.Finish();
}

Task<Result<>> RetrieveAndGenerateStream(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto call, DecodeRetrieveAndGenerate(exchange.http.body));
  STRATA_CO_CHECK_OK(ActFor(services, call.user_id, exchange.ctx));
  STRATA_CO_CHECK_OK(CheckGuardrail(call.guardrail, GuardrailNames(services)));
  STRATA_CO_CHECK_OK(
      CheckBaseAllowed(services.bases, call.request.retrieve.knowledge_base_id, exchange.ctx));
  STRATA_CO_CHECK_OK(MayNameSources(call.request, exchange));
  exchange.ctx.model_asked = call.request.generation.model;
  STRATA_CO_TRY(auto stream,
                co_await services.answers.Start(std::move(call.request), exchange.ctx));
  auto frame =
      MakeFrame(exchange, services.links, Dialect::kBedrock, Face::kBedrockAgentRuntime, "");
  auto headers = ToHeaders(dialect::MetaHeaders(Dialect::kBedrock, frame.meta));
  headers.Set("content-type", "application/vnd.amazon.eventstream");
  headers.Set("x-amzn-bedrock-knowledge-base-session-id", stream->session_id());
  STRATA_CO_CHECK_OK(co_await exchange.writer.Start(200, std::move(headers)));
  co_return co_await SendEvents(*stream, exchange);
}

}  // namespace

void AddBedrockAgentRuntimeRoutes(Router& router, Services& services) {
  auto* s = &services;
  auto add = [&](std::string pattern, std::string operation, RouteHandler handler,
                 std::string role = "invoke") {
    router.Add({.method = "POST",
                .pattern = std::move(pattern),
                .face = Face::kBedrockAgentRuntime,
                .operation = std::move(operation),
                .role = std::move(role),
                .handler = std::move(handler)});
  };
  add("/knowledgebases/{knowledgeBaseId}/retrieve", "Retrieve",
      [s](Exchange& e) { return Retrieve(*s, e); });
  add("/retrieveAndGenerate", "RetrieveAndGenerate",
      [s](Exchange& e) { return RetrieveAndGenerate(*s, e); });
  add("/retrieveAndGenerateStream", "RetrieveAndGenerateStream",
      [s](Exchange& e) { return RetrieveAndGenerateStream(*s, e); });
  // Who may ask it may list the documents too: which there are is nothing new to him.
  add(
      "/knowledgebases/{knowledgeBaseId}/datasources/{dataSourceId}/check-ingested-document-acl",
      "CheckIngestedDocumentAcl", [s](Exchange& e) { return CheckDocumentAcl(*s, e); }, "kb.read");
}

}  // namespace strata::server
