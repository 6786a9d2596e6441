// The Responses API: POST /v1/responses, and what can be done with the stored ones.

#include "base/format_message.h"
#include "dialect/responses.h"
#include "gateway/fit_context.h"
#include "server/answer_sources.h"
#include "server/file_search.h"
#include "server/forwarded_responses.h"
#include "server/responses_sink.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace responses = dialect::responses;

// Without the responses whose sources are gone, as sessions of RetrieveAndGenerate go on.
Task<Result<>> DropWhatIsGone(Services& services, store::ResponseStore::History& history,
                              RequestContext& ctx) {
  std::vector<std::string> items;
  for (std::size_t i = 0; i < history.sources.size(); ++i) {
    STRATA_CO_TRY(bool stands,
                  co_await SourcesStand(services.bases, std::move(history.sources[i]), ctx));
    if (!stands) continue;
    items.push_back(std::move(history.items[2 * i]));
    items.push_back(std::move(history.items[2 * i + 1]));
  }
  history.items = std::move(items);
  co_return Result<>{};
}

// Puts a request's chain in front. What was said before has labels: the request inherits them.
Task<Result<>> ReadChain(Services& services, const ForwardedResponses& forwarded,
                         Exchange& exchange, responses::Request& request) {
  const auto& previous = request.settings.previous_response_id;
  if (previous.empty()) co_return Result<>{};
  auto kept = co_await forwarded.Find(exchange, previous);
  if (kept.has_value() && *kept) {
    const auto& deployment = (*kept)->deployment;
    co_return Fail(InvalidArgument(
        "previous_response_id",
        FormatMessage(
            "'{}' is kept by provider {}, which alone can go on from it, with what it can "
            "read itself; name one of its models",
            previous, deployment.substr(0, deployment.find('/')))));
  }
  auto owner = OwnerOf(exchange.ctx);
  STRATA_CO_TRY(auto history, co_await services.responses.Chain(std::move(owner), previous));
  exchange.ctx.labels.AddAll(history.labels);
  STRATA_CO_CHECK_OK(co_await DropWhatIsGone(services, history, exchange.ctx));
  co_return responses::AddHistory(request, history.items);
}

Task<Result<responses::Request>> ReadRequest(Services& services,
                                             const ForwardedResponses& forwarded,
                                             Exchange& exchange) {
  STRATA_CO_TRY(auto request, responses::DecodeRequest(exchange.http.body));
  STRATA_CO_CHECK_OK(co_await ReadChain(services, forwarded, exchange, request));
  STRATA_CO_CHECK_OK(co_await PutNamedFiles(services, request.chat, exchange.ctx));
  co_return std::move(request);
}

// Decoded, and answered by any model.
Task<Result<>> Serve(Services& services, const ForwardedResponses& forwarded, Exchange& exchange) {
  STRATA_CO_TRY(auto request, co_await ReadRequest(services, forwarded, exchange));
  FileSearched searched;
  if (request.file_search) {
    STRATA_CO_TRY(searched, co_await RunFileSearch(services, request, exchange.ctx));
  }
  if (request.settings.truncation == "auto") {
    STRATA_CO_CHECK_OK(
        co_await gateway::FitContext(services.chat, services.registry, request.chat, exchange.ctx));
  }
  ResponsesSinkSpec spec{.frame = MakeFrame(exchange, services.links, dialect::Dialect::kOpenAi,
                                            Face::kOpenAi, request.chat.model),
                         .settings = std::move(request.settings),
                         .input = {},
                         .shown_chunks = std::move(searched.shown_chunks)};
  if (spec.settings.store) {
    spec.storage = &services.responses;
    spec.input = responses::InputItems(request, responses::ResponseId(spec.frame.meta.request_id));
  }
  auto sink = request.chat.stream ? MakeResponsesStreamSink(std::move(spec))
                                  : MakeResponsesJsonSink(std::move(spec));
  if (!searched.passages.empty()) {
    sink = MakeCitingSink(std::move(sink), std::move(searched.passages));
  }
  co_await services.chat.Run(std::move(request.chat), exchange.ctx, *sink);
  co_return Result<>{};
}

Task<Result<>> Create(Services& services, const ForwardedResponses& forwarded, Exchange& exchange) {
  STRATA_CO_TRY(auto scanned, co_await forwarded.Take(exchange));
  if (!scanned) co_return co_await Serve(services, forwarded, exchange);
  co_return co_await forwarded.Run(exchange, std::move(*scanned));
}

Task<Result<>> CountInput(Services& services, const ForwardedResponses& forwarded,
                          Exchange& exchange) {
  std::int64_t tokens = 0;
  STRATA_CO_TRY(auto scanned, co_await forwarded.Take(exchange));
  if (scanned) {
    STRATA_CO_TRY(tokens, co_await forwarded.Count(exchange, std::move(*scanned)));
  } else {
    STRATA_CO_TRY(auto request, co_await ReadRequest(services, forwarded, exchange));
    STRATA_CO_TRY(tokens,
                  co_await services.chat.CountTokens(std::move(request.chat), exchange.ctx));
  }
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi,
                              responses::EncodeInputTokens(tokens));
}

// What a compacted conversation is, only who made it can read.
Task<Result<>> Compact(Services&, const ForwardedResponses& forwarded, Exchange& exchange) {
  STRATA_CO_TRY(auto scanned, co_await forwarded.Take(exchange));
  if (scanned) co_return co_await forwarded.Compact(exchange, std::move(*scanned));
  STRATA_CO_CHECK_OK(responses::DecodeForForwarding(exchange.http.body));
  co_return Fail(InvalidArgument(
      "model",
      "conversations are compacted only by a provider that speaks OpenAI's Responses API (kind "
      "openai or azure, see docs/providers.md), and only what it keeps or what the request holds; "
      "name one of its models, or shorten the conversation by truncation: auto"));
}

Task<Result<store::StoredResponse>> Stored(Services& services, Exchange& exchange) {
  auto owner = OwnerOf(exchange.ctx);
  co_return co_await services.responses.Get(std::move(owner), exchange.params[0]);
}

// A conversation would not go on from it either (DropWhatIsGone).
Task<Result<>> CheckStands(Services& services, store::StoredResponse& stored, RequestContext& ctx) {
  STRATA_CO_TRY(bool stands, co_await SourcesStand(services.bases, std::move(stored.sources), ctx));
  if (stands) co_return Result<>{};
  co_return Fail(Error(Code::kNotFound,
                       fmt::format("response {} was made of passages that were deleted or changed "
                                   "since, or may not be read any more",
                                   stored.id))
                     .AtField("response_id"));
}

// Whether its provider keeps it; then that has answered.
Task<Result<bool>> Asked(const ForwardedResponses& forwarded, Exchange& exchange,
                         std::string_view below) {
  STRATA_CO_TRY(auto kept, co_await forwarded.Find(exchange, exchange.params[0]));
  if (!kept) co_return false;
  STRATA_CO_TRY(auto says, co_await forwarded.Ask(exchange, *kept, below));
  STRATA_CO_CHECK_OK(co_await forwarded.Send(exchange, std::move(says)));
  co_return true;
}

Task<Result<>> Retrieve(Services& services, const ForwardedResponses& forwarded,
                        Exchange& exchange) {
  if (net::QueryParameter(exchange.http.query(), "stream").value_or("false") == "true") {
    STRATA_CO_TRY(auto kept, co_await forwarded.Find(exchange, exchange.params[0]));
    if (kept) co_return co_await forwarded.Stream(exchange, *kept);
    STRATA_CO_CHECK_OK(co_await Stored(services, exchange));
    co_return Fail(InvalidArgument("stream", "a stored response is read in one piece here"));
  }
  STRATA_CO_TRY(bool asked, co_await Asked(forwarded, exchange, ""));
  if (asked) co_return Result<>{};
  STRATA_CO_TRY(auto stored, co_await Stored(services, exchange));
  STRATA_CO_CHECK_OK(co_await CheckStands(services, stored, exchange.ctx));
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi,
                              std::move(stored.response));
}

Task<Result<>> Delete(Services& services, const ForwardedResponses& forwarded, Exchange& exchange) {
  STRATA_CO_TRY(bool asked, co_await Asked(forwarded, exchange, ""));
  if (asked) co_return Result<>{};
  auto owner = OwnerOf(exchange.ctx);
  STRATA_CO_CHECK_OK(co_await services.responses.Delete(std::move(owner), exchange.params[0]));
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi,
                              responses::EncodeDeleted(exchange.params[0]));
}

Task<Result<>> ListInput(Services& services, const ForwardedResponses& forwarded,
                         Exchange& exchange) {
  STRATA_CO_TRY(bool asked, co_await Asked(forwarded, exchange, "/input_items"));
  if (asked) co_return Result<>{};
  STRATA_CO_TRY(auto page, responses::DecodeItemPage(exchange.http.query()));
  STRATA_CO_TRY(auto stored, co_await Stored(services, exchange));
  STRATA_CO_TRY(auto body, responses::EncodeItemPage(stored.input, page));
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi, std::move(body));
}

Task<Result<>> Cancel(Services& services, const ForwardedResponses& forwarded, Exchange& exchange) {
  STRATA_CO_TRY(bool asked, co_await Asked(forwarded, exchange, "/cancel"));
  if (asked) co_return Result<>{};
  STRATA_CO_CHECK_OK(co_await Stored(services, exchange));
  co_return Fail(InvalidArgument(
      "response_id",
      "only background responses can be cancelled, which only a provider's own are; to end a "
      "response that is under way, close its connection"));
}

}  // namespace

void AddResponsesRoutes(Router& router, Services& services) {
  auto* s = &services;
  auto forwarded = std::make_shared<const ForwardedResponses>(services);
  using Operation = Task<Result<>> (*)(Services&, const ForwardedResponses&, Exchange&);
  auto add = [&](std::string method, std::string pattern, std::string name, Operation operation) {
    router.Add({.method = std::move(method),
                .pattern = std::move(pattern),
                .face = Face::kOpenAi,
                .operation = std::move(name),
                .role = "invoke",
                .handler = [s, forwarded, operation](Exchange& e) {
                  return operation(*s, *forwarded, e);
                }});
  };
  add("POST", "/v1/responses", "responses", Create);
  add("POST", "/v1/responses/input_tokens", "responses.count", CountInput);
  add("POST", "/v1/responses/compact", "responses.compact", Compact);
  add("GET", "/v1/responses/{id}", "responses.get", Retrieve);
  add("DELETE", "/v1/responses/{id}", "responses.delete", Delete);
  add("GET", "/v1/responses/{id}/input_items", "responses.items", ListInput);
  add("POST", "/v1/responses/{id}/cancel", "responses.cancel", Cancel);
}

}  // namespace strata::server
