#include "server/forwarded_responses.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "base/format_message.h"
#include "base/pool.h"
#include "dialect/json_value.h"
#include "gateway/guarded_stream.h"
#include "gateway/later_call.h"
#include "guard/only_providers.h"
#include "guard/outbound.h"
#include "guard/request_texts.h"
#include "knowledge/vector_stores.h"
#include "provider/wire_headers.h"
#include "server/answer_sinks.h"
#include "server/builtins.h"
#include "server/responses_sink.h"
#include "store/file_store.h"

namespace strata::server {
namespace {

namespace responses = dialect::responses;

std::string ProviderOf(std::string_view deployment) {
  return std::string(deployment.substr(0, deployment.find('/')));
}

// A pool or a router: who answers is chosen later.
bool IsDeployment(const domain::ModelInfo& model) { return !model.upstream_id.empty(); }

// The request goes on from what a provider keeps: nobody else is asked.
Result<> PinTo(const store::KeptResponse& kept, std::string_view field,
               const domain::ModelInfo& model, RequestContext& ctx) {
  auto keeper = ProviderOf(kept.deployment);
  if (IsDeployment(model) && model.provider != keeper) {
    return Fail(InvalidArgument(
        std::string(field),
        FormatMessage("'{}' is kept by provider {}; name one of its models", kept.id, keeper)));
  }
  ctx.labels.AddAll(kept.labels);
  ctx.labels.Add(guard::OnlyProviders({std::move(keeper)}));
  return {};
}

// What the answer was made from, without what says where this one request may go.
LabelSet LabelsToNote(const LabelSet& labels) {
  LabelSet out;
  for (const auto& label : labels.names()) {
    if (!label.starts_with(guard::kOnlyProviders)) out.Add(label);
  }
  return out;
}

provider::KeptCall CallAbout(const net::HttpRequest& http, const store::KeptResponse& response,
                             std::string_view below) {
  provider::KeptCall call{
      .method = http.method,
      .target = fmt::format("/responses/{}{}", PercentEncode(response.id), below)};
  if (const auto query = http.query(); !query.empty()) call.target.append("?").append(query);
  return call;
}

struct SinkParts {
  AnswerFrame frame;
  std::shared_ptr<const domain::WireRequest> wire;
  responses::Scanned scanned;
  store::ResponseStore& storage;
  store::KeptResponses& kept;
};

// Which of the two forms an answer has is known with its first event.
class EitherSink final : public gateway::AnswerSink {
 public:
  explicit EitherSink(SinkParts parts) : parts_(std::move(parts)) {}

  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    model_ = &model;
    co_return Result<>{};
  }

  // Not a coroutine: the bytes of a forwarded stream pass here piece by piece.
  Task<Result<>> Event(const domain::StreamEvent& event) override {
    const auto* chunk = std::get_if<domain::WireChunk>(&event);
    if (chunk == nullptr) return OtherEvent(event);
    place_.Note(chunk->bytes);
    if (place_.id.empty()) place_.id = responses::IdOfAnswer(chunk->bytes);
    if (encoder_ != nullptr) encoder_->Follow(chunk->bytes);
    return inner_->Event(event);
  }

  Task<void> Fail(const Error& error) override {
    if (inner_ == nullptr) inner_ = ForwardingSink();
    co_await inner_->Fail(error);
  }
  Task<void> Refuse(const Error& error, domain::Refusal refusal) override {
    if (inner_ == nullptr) inner_ = ForwardingSink();
    co_await inner_->Refuse(error, std::move(refusal));
  }

 private:
  Task<Result<>> OtherEvent(const domain::StreamEvent& event) {
    const auto* start = std::get_if<domain::StreamStart>(&event);
    if (start != nullptr && start->wire) co_return co_await BeginForwarded(*start);
    if (inner_ == nullptr) {
      STRATA_CO_TRY(inner_, TranslatingSink());
      STRATA_CO_CHECK_OK(co_await inner_->Begin(*model_));
    }
    const auto* end = std::get_if<domain::StreamEnd>(&event);
    if (forwarded_ && end != nullptr) {
      pending_ = parts_.scanned.background && end->usage.TotalTokens() == 0;
      if (place_.id.empty()) place_.id = responses::IdOfAnswer(end->wire);
      STRATA_CO_CHECK_OK(co_await Note());
    }
    co_return co_await inner_->Event(event);
  }

  Task<Result<>> BeginForwarded(domain::StreamStart start) {
    forwarded_ = true;
    place_.id = start.id;
    // For us, not for the client.
    for (const auto& [name, value] : start.headers) {
      if (name == provider::kDeploymentHeader) deployment_ = value;
    }
    std::erase_if(start.headers,
                  [](const auto& field) { return field.first == provider::kDeploymentHeader; });
    inner_ = ForwardingSink();
    STRATA_CO_CHECK_OK(co_await inner_->Begin(*model_));
    // A background response is asked for by its id while it is made.
    const bool early = parts_.scanned.background && parts_.scanned.chat.stream;
    if (early) STRATA_CO_CHECK_OK(co_await Note());
    const domain::StreamEvent event = std::move(start);
    co_return co_await inner_->Event(event);
  }

  // Durable before the client is told the id of what is kept.
  Task<Result<>> Note() {
    if (std::exchange(noted_, true)) co_return Result<>{};
    const auto& scanned = parts_.scanned;
    if (scanned.store) STRATA_CO_CHECK_OK(co_await NoteAs(place_.id));
    co_return co_await NoteAs(scanned.conversation);
  }

  Task<Result<>> NoteAs(std::string id) {
    if (id.empty()) co_return Result<>{};
    const auto& ctx = parts_.frame.exchange.ctx;
    store::KeptResponse row;
    row.id = std::move(id);
    row.subject = ctx.subject;
    row.labels = LabelsToNote(ctx.labels);
    row.deployment = deployment_;
    row.pending = pending_ && row.id == place_.id;
    auto owner = OwnerOf(ctx);
    co_return co_await parts_.kept.Note(std::move(owner), std::move(row));
  }

  // What the client asked for, for an encoder that goes on where bytes stop.
  responses::Settings SettingsNow() const {
    auto request = responses::DecodeForForwarding(parts_.wire->body);
    return request.has_value() ? std::move(request->settings) : responses::Settings();
  }

  std::unique_ptr<gateway::AnswerSink> ForwardingSink() {
    if (!parts_.scanned.chat.stream) {
      return MakeJsonSink(parts_.frame, [this](const auto& answer, const auto& meta) {
        return responses::EncodeResponseAs(place_.id, answer, SettingsNow(), meta);
      });
    }
    auto encoder = [this](dialect::AnswerMeta meta) {
      auto made = responses::MakeFollowingEncoder(SettingsNow(), std::move(meta), place_);
      encoder_ = made.get();
      return made;
    };
    return MakeStreamSink(parts_.frame, encoder, FirstHead::kWithFirstEvent);
  }

  Result<std::unique_ptr<gateway::AnswerSink>> TranslatingSink() {
    STRATA_TRY(auto request, responses::DecodeRequest(parts_.wire->body));
    ResponsesSinkSpec spec{
        .frame = parts_.frame, .settings = std::move(request.settings), .input = {}};
    if (spec.settings.store) {
      spec.storage = &parts_.storage;
      spec.input =
          responses::InputItems(request, responses::ResponseId(spec.frame.meta.request_id));
    }
    return parts_.scanned.chat.stream ? MakeResponsesStreamSink(std::move(spec))
                                      : MakeResponsesJsonSink(std::move(spec));
  }

  SinkParts parts_;
  const domain::ModelInfo* model_ = nullptr;  // outlives the run
  std::unique_ptr<gateway::AnswerSink> inner_;
  responses::FollowingEncoder* encoder_ = nullptr;  // of inner_, once it has made one
  responses::WirePlace place_;
  std::string deployment_;
  bool forwarded_ = false;
  bool noted_ = false;
  bool pending_ = false;  // what it uses is told later
};

// A compacted conversation leaves as its provider wrote it, or not at all: most of it is sealed.
class CompactSink final : public gateway::AnswerSink {
 public:
  explicit CompactSink(AnswerFrame frame) : inner_(MakeJsonSink(std::move(frame), {})) {}

  Task<Result<>> Begin(const domain::ModelInfo& model) override { return inner_->Begin(model); }
  Task<Result<>> Event(const domain::StreamEvent& event) override {
    if (std::holds_alternative<domain::WireStop>(event)) {
      co_return strata::Fail(Code::kBlocked,
                             "a guardrail would mask a part of this conversation, which cannot be "
                             "changed once it is compacted");
    }
    co_return co_await inner_->Event(event);
  }
  Task<void> Fail(const Error& error) override { return inner_->Fail(error); }
  Task<void> Refuse(const Error& error, domain::Refusal refusal) override {
    return inner_->Refuse(error, std::move(refusal));
  }

 private:
  std::unique_ptr<gateway::AnswerSink> inner_;
};

}  // namespace

bool ForwardedResponses::MaySpeak(const domain::ModelInfo& model) const {
  if (!IsDeployment(model)) return model.can.chat;
  const auto specs = services_.providers.Now();
  auto spec = std::ranges::find(*specs, model.provider, &provider::ProviderSpec::name);
  return spec != specs->end() && provider::SpeaksResponses(*spec);
}

// What only its own format can say is shown to nobody who cannot read it, whoever chooses.
void ForwardedResponses::KeepToSpeakers(Exchange& exchange) const {
  auto request = responses::DecodeForForwarding(exchange.http.body);
  if (!request.has_value() || request->chat.extra_dialect != responses::kWireFormat) return;
  exchange.ctx.labels.Add(guard::OnlyProviders(Speakers()));
}

std::vector<std::string> ForwardedResponses::Speakers() const {
  std::vector<std::string> names;
  for (const auto& spec : *services_.providers.Now()) {
    if (provider::SpeaksResponses(spec)) names.push_back(spec.name);
  }
  return names;
}

// Whether files or vector stores that it names are the caller's own ones here.
Task<Result<bool>> ForwardedResponses::NamesOurs(Exchange& exchange) const {
  auto request = responses::DecodeForForwarding(exchange.http.body);
  if (!request.has_value()) co_return false;  // its provider will say what is wrong
  if (request->file_search) {
    for (const auto& id : request->file_search->vector_store_ids) {
      auto found = co_await services_.vector_stores.Get(id, exchange.ctx);
      if (found.has_value()) co_return true;
    }
  }
  const store::FileOwner owner{.workspace = exchange.ctx.workspace, .key = exchange.ctx.key};
  for (const auto* document : responses::NamedFiles(request->chat)) {
    auto found = co_await services_.files.Get(owner, document->source_uri);
    if (found.has_value()) co_return true;
  }
  co_return false;
}

Task<Result<std::optional<store::KeptResponse>>> ForwardedResponses::Find(Exchange& exchange,
                                                                          std::string id) const {
  auto owner = OwnerOf(exchange.ctx);
  co_return co_await services_.kept_responses.Find(std::move(owner), std::move(id));
}

Task<Result<std::optional<responses::Scanned>>> ForwardedResponses::Take(Exchange& exchange) const {
  auto scanned = responses::ScanRequest(exchange.http.body);
  std::optional<responses::Scanned> none;
  if (!scanned || scanned->sealed) co_return std::move(none);
  auto model = services_.registry.Chat(scanned->chat.model);
  if (!model.has_value() || !MaySpeak((*model)->Info())) co_return std::move(none);
  const auto& info = (*model)->Info();
  auto& ctx = exchange.ctx;
  const auto& previous = scanned->previous_response_id;
  std::optional<store::KeptResponse> kept;
  if (!previous.empty()) {
    auto found = co_await Find(exchange, previous);
    if (!found.has_value()) {
      co_return Fail(std::move(found.error()).AtField("previous_response_id"));
    }
    kept = std::move(*found);
    if (!kept) co_return std::move(none);  // this server's own, or nobody's
  }
  if (scanned->names_ours) {
    STRATA_CO_TRY(bool ours, co_await NamesOurs(exchange));
    if (ours) co_return std::move(none);
  }
  if (kept) STRATA_CO_CHECK_OK(PinTo(*kept, "previous_response_id", info, ctx));
  if (!scanned->conversation.empty()) {
    auto found = co_await Find(exchange, scanned->conversation);
    if (!found.has_value()) co_return Fail(NotFound("conversation", scanned->conversation));
    if (*found) STRATA_CO_CHECK_OK(PinTo(**found, "conversation", info, ctx));
  }
  if (!IsDeployment(info)) KeepToSpeakers(exchange);
  co_return std::move(scanned);
}

Task<Result<>> ForwardedResponses::Run(Exchange& exchange, responses::Scanned scanned) const {
  auto wire = WireOf(exchange, scanned, responses::kWireFormat);
  auto chat = scanned.chat;
  chat.wire = wire;
  chat.wire_only = true;
  EitherSink sink({.frame = MakeFrame(exchange, services_.links, dialect::Dialect::kOpenAi,
                                      Face::kOpenAi, chat.model),
                   .wire = std::move(wire),
                   .scanned = std::move(scanned),
                   .storage = services_.responses,
                   .kept = services_.kept_responses});
  co_await services_.chat.Run(std::move(chat), exchange.ctx, sink);
  co_return Result<>{};
}

Task<Result<std::int64_t>> ForwardedResponses::Count(Exchange& exchange,
                                                     responses::Scanned scanned) const {
  auto chat = scanned.chat;
  chat.wire = WireOf(exchange, scanned, responses::kWireFormat);
  chat.wire_only = true;
  // Who counts is chosen later, and may need it decoded.
  auto model = services_.registry.Chat(chat.model);
  if (!model.has_value() || !IsDeployment((*model)->Info())) {
    STRATA_CO_CHECK_OK(domain::DecodeWhole(chat));
  }
  co_return co_await services_.chat.CountTokens(std::move(chat), exchange.ctx);
}

Task<Result<>> ForwardedResponses::Compact(Exchange& exchange, responses::Scanned scanned) const {
  exchange.ctx.labels.Add(guard::OnlyProviders(Speakers()));
  auto chat = scanned.chat;
  chat.stream = false;
  chat.wire = WireOf(exchange, scanned, responses::kCompactFormat);
  chat.wire_only = true;
  CompactSink sink(
      MakeFrame(exchange, services_.links, dialect::Dialect::kOpenAi, Face::kOpenAi, chat.model));
  co_await services_.chat.Run(std::move(chat), exchange.ctx, sink);
  co_return Result<>{};
}

// Takes the body.
std::shared_ptr<const domain::WireRequest> ForwardedResponses::WireOf(
    Exchange& exchange, const responses::Scanned& scanned, std::string_view format) const {
  auto headers = provider::RequestHeadersToForward(exchange.http.headers);
  return responses::MakeWireRequest(std::move(exchange.http.body), std::move(headers),
                                    scanned.model, format);
}

// What a response of the background used is in the ledger once it has ended and was asked for.
Task<Result<>> ForwardedResponses::Settle(const store::KeptResponse& response,
                                          std::optional<domain::Usage> usage,
                                          RequestContext& ctx) const {
  if (!response.pending || !usage) co_return Result<>{};
  auto model = services_.registry.Chat(response.deployment);
  auto owner = OwnerOf(ctx);
  STRATA_CO_TRY(bool first,
                co_await services_.kept_responses.Settle(std::move(owner), response.id));
  if (!first || !model.has_value()) co_return Result<>{};
  ctx.model_asked = response.deployment;
  ctx.subject = response.subject;
  co_return gateway::RecordLater((*model)->Info(), *usage, services_.journal, ctx);
}

// What a provider gives out of its store was never judged, or was masked when it was.
Task<Result<>> ForwardedResponses::Judge(std::string& body, RequestContext& ctx) const {
  const auto guardrails = services_.live.Now()->guardrails;
  if (!guardrails || !guardrails->Judges(guard::Side::kOutput)) co_return Result<>{};
  STRATA_CO_TRY(auto value, dialect::ParseJson(body));
  for (const auto* key : guard::KeysOf(value)) {
    STRATA_CO_TRY(auto findings, co_await guardrails->Judge(*key, guard::Side::kOutput, ctx));
    if (findings.empty()) continue;
    co_return Fail(Code::kBlocked, "a guardrail blocks a name in this response");
  }
  bool masked = false;
  for (auto* text : guard::StringsOf(value)) {
    STRATA_CO_TRY(auto findings, co_await guardrails->Judge(*text, guard::Side::kOutput, ctx));
    if (findings.empty()) continue;
    *text = guard::Masked(*text, findings);
    masked = true;
  }
  if (masked) body = value.Dump();
  co_return Result<>{};
}

Task<Result<std::shared_ptr<const provider::remote::Account>>> ForwardedResponses::OpenKeeper(
    const store::KeptResponse& response, RequestContext& ctx) const {
  auto model = services_.registry.Chat(response.deployment);
  const auto name = ProviderOf(response.deployment);
  const auto specs = services_.providers.Now();
  auto spec = std::ranges::find(*specs, name, &provider::ProviderSpec::name);
  if (!model.has_value() || spec == specs->end()) {
    co_return Fail(
        Code::kNotFound,
        FormatMessage("response '{}' was kept by provider {}, which this server does not "
                      "know any more",
                      response.id, name));
  }
  ctx.labels.AddAll(response.labels);
  STRATA_CO_CHECK_OK(guard::CheckOutbound((*model)->Info(), ctx));
  auto deps = RemoteDepsFrom(services_.live.Now()->config.options, services_.client);
  auto open = [account = *spec, deps] { return provider::OpenAccount(account, deps); };
  co_return co_await RunBlocking(services_.ops_pool, std::move(open));
}

Task<Result<KeeperSays>> ForwardedResponses::Ask(Exchange& exchange,
                                                 const store::KeptResponse& response,
                                                 std::string_view below) const {
  auto& ctx = exchange.ctx;
  STRATA_CO_TRY(auto account, co_await OpenKeeper(response, ctx));
  auto call = CallAbout(exchange.http, response, below);
  auto span = ctx.span.Child("provider.response");
  span.Set("provider", ProviderOf(response.deployment));
  KeeperSays out;
  auto answer = co_await provider::AskKept(std::move(account), std::move(call), ctx, out.refusal);
  const bool deleted = exchange.http.method == "DELETE" && answer.has_value();
  if (deleted) STRATA_CO_CHECK_OK(co_await Forget(response, ctx));
  if (answer.has_value()) {
    out.answer = std::move(*answer);
    auto used = responses::UsageOfEnded(out.answer->body);
    STRATA_CO_CHECK_OK(co_await Settle(response, used, ctx));
    STRATA_CO_CHECK_OK(co_await Judge(out.answer->body, ctx));
    co_return std::move(out);
  }
  span.Fail(answer.error());
  STRATA_CO_CHECK_OK(co_await TakeRefusal(response, std::move(answer.error()), out, ctx));
  co_return std::move(out);
}

Task<Result<>> ForwardedResponses::Forget(const store::KeptResponse& response,
                                          RequestContext& ctx) const {
  auto owner = OwnerOf(ctx);
  co_return co_await services_.kept_responses.Forget(std::move(owner), response.id);
}

// Why its keeper gave nothing: what it said, or else the error.
Task<Result<>> ForwardedResponses::TakeRefusal(const store::KeptResponse& response, Error error,
                                               KeeperSays& out, RequestContext& ctx) const {
  if (out.gone()) STRATA_CO_CHECK_OK(co_await Forget(response, ctx));
  if (out.refusal.status == 0) co_return std::unexpected(std::move(error));
  out.error = std::move(error);
  co_return co_await Judge(out.refusal.body, ctx);
}

Task<Result<>> ForwardedResponses::Stream(Exchange& exchange,
                                          const store::KeptResponse& response) const {
  auto& ctx = exchange.ctx;
  auto guardrails = services_.live.Now()->guardrails;
  if (guardrails && !guardrails->Judges(guard::Side::kOutput)) guardrails = nullptr;
  if (guardrails && net::QueryParameter(exchange.http.query(), "starting_after")) {
    co_return Fail(InvalidArgument(
        "starting_after", "guardrails judge an answer from its beginning on; leave it out"));
  }
  STRATA_CO_TRY(auto account, co_await OpenKeeper(response, ctx));
  auto span = ctx.span.Child("provider.response");
  span.Set("provider", ProviderOf(response.deployment));
  provider::KeptStreamCall call{.call = CallAbout(exchange.http, response, ""),
                                .deployment = response.deployment,
                                .answer_is_read = guardrails != nullptr};
  KeeperSays says;
  auto stream =
      co_await provider::StreamKept(std::move(account), std::move(call), ctx, says.refusal);
  if (!stream.has_value()) {
    span.Fail(stream.error());
    STRATA_CO_CHECK_OK(co_await TakeRefusal(response, std::move(stream.error()), says, ctx));
    co_return co_await Send(exchange, std::move(says));
  }
  if (guardrails) *stream = gateway::Guarded(std::move(*stream), std::move(guardrails), ctx);
  STRATA_CO_TRY(auto model, services_.registry.Chat(response.deployment));
  // Noted already.
  responses::Scanned scanned;
  scanned.chat.stream = true;
  scanned.store = false;
  EitherSink sink({.frame = MakeFrame(exchange, services_.links, dialect::Dialect::kOpenAi,
                                      Face::kOpenAi, model->Info().id),
                   .wire = responses::MakeWireRequest({}, {}, {}),
                   .scanned = std::move(scanned),
                   .storage = services_.responses,
                   .kept = services_.kept_responses});
  STRATA_CO_CHECK_OK(co_await sink.Begin(model->Info()));
  auto passed = co_await Pass(**stream, response, ctx, sink);
  if (!passed.has_value()) {
    span.Fail(passed.error());
    co_await sink.Fail(passed.error());
  }
  co_return Result<>{};
}

Task<Result<>> ForwardedResponses::Pass(provider::ChatStream& stream,
                                        const store::KeptResponse& response, RequestContext& ctx,
                                        gateway::AnswerSink& sink) const {
  while (true) {
    STRATA_CO_TRY(auto event, co_await stream.Next());
    const auto* end = std::get_if<domain::StreamEnd>(&event);
    if (end != nullptr && !end->usage.estimated) {
      STRATA_CO_CHECK_OK(co_await Settle(response, end->usage, ctx));
    }
    STRATA_CO_CHECK_OK(co_await sink.Event(event));
    if (end != nullptr) co_return Result<>{};
  }
}

Task<Result<>> ForwardedResponses::Send(Exchange& exchange, KeeperSays says) const {
  auto sink = MakeJsonSink(
      MakeFrame(exchange, services_.links, dialect::Dialect::kOpenAi, Face::kOpenAi, {}), {});
  if (says.error) {
    co_await sink->Refuse(*says.error, std::move(says.refusal));
    co_return Result<>{};
  }
  domain::StreamStart start;
  start.wire = true;
  start.headers = std::move(says.answer->headers);
  domain::StreamEvent event = std::move(start);
  STRATA_CO_CHECK_OK(co_await sink->Event(event));
  domain::StreamEnd end;
  end.wire = std::move(says.answer->body);
  event = std::move(end);
  co_return co_await sink->Event(event);
}

}  // namespace strata::server
