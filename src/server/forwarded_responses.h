#pragma once
// Requests of the Responses API that a provider gets as they came, and what it keeps of them. What
// it keeps is found by its own ids: which key may, and at which provider, is noted in meta.db.

#include <memory>
#include <optional>
#include <string>

#include "dialect/responses_wire.h"
#include "provider/kept.h"
#include "server/router.h"
#include "server/services.h"
#include "store/kept_responses.h"

namespace strata::server {

// What a provider said about a response that it keeps; its text has passed the guardrails.
struct KeeperSays {
  std::optional<provider::KeptAnswer> answer;
  std::optional<Error> error;  // without an answer, with `refusal`
  domain::Refusal refusal;

  bool gone() const { return refusal.status == 404; }
};

// Thread-safe.
class ForwardedResponses {
 public:
  // `services` outlives it.
  explicit ForwardedResponses(Services& services) : services_(services) {}

  // The scan of a request that is to be forwarded: a deployment of its model may speak the API, and
  // it names nothing of this server's own (a stored response, files, vector stores). nullopt: it is
  // decoded and served here. What a provider keeps and the request goes on from pins the request to
  // that provider, and its labels are the request's. Errors: kNotFound for what is another key's,
  // kInvalidArgument where the model is another provider's.
  Task<Result<std::optional<dialect::responses::Scanned>>> Take(Exchange& exchange) const;

  // Runs it. A deployment that does not speak the API answers too, as to a request that is decoded.
  Task<Result<>> Run(Exchange& exchange, dialect::responses::Scanned scanned) const;

  // The prompt tokens of a request that Take gave: counted by the provider that would be asked, or
  // by us where it is of another kind. Errors: as ChatService::CountTokens.
  Task<Result<std::int64_t>> Count(Exchange& exchange, dialect::responses::Scanned scanned) const;

  // Lets a provider compact the conversation of a request that Take gave, and sends what it says.
  Task<Result<>> Compact(Exchange& exchange, dialect::responses::Scanned scanned) const;

  // What is kept under that id for the caller; nullopt: nothing that a provider keeps. kNotFound:
  // another key's.
  Task<Result<std::optional<store::KeptResponse>>> Find(Exchange& exchange, std::string id) const;

  // Asks its provider as the client asked; `below`: "", "/cancel", "/input_items". What is deleted
  // there, or not found, is forgotten here.
  Task<Result<KeeperSays>> Ask(Exchange& exchange, const store::KeptResponse& response,
                               std::string_view below) const;
  Task<Result<>> Send(Exchange& exchange, KeeperSays says) const;

  // Sends the events of a kept response as its provider does, from where the client asks on.
  Task<Result<>> Stream(Exchange& exchange, const store::KeptResponse& response) const;

 private:
  Task<Result<bool>> NamesOurs(Exchange& exchange) const;
  bool MaySpeak(const domain::ModelInfo& model) const;
  void KeepToSpeakers(Exchange& exchange) const;
  std::vector<std::string> Speakers() const;
  Task<Result<>> Forget(const store::KeptResponse& response, RequestContext& ctx) const;
  Task<Result<>> TakeRefusal(const store::KeptResponse& response, Error error, KeeperSays& out,
                             RequestContext& ctx) const;
  Task<Result<>> Judge(std::string& body, RequestContext& ctx) const;
  Task<Result<>> Settle(const store::KeptResponse& response, std::optional<domain::Usage> used,
                        RequestContext& ctx) const;
  std::shared_ptr<const domain::WireRequest> WireOf(Exchange& exchange,
                                                    const dialect::responses::Scanned& scanned,
                                                    std::string_view format) const;
  Task<Result<>> Pass(provider::ChatStream& stream, const store::KeptResponse& response,
                      RequestContext& ctx, gateway::AnswerSink& sink) const;
  Task<Result<std::shared_ptr<const provider::remote::Account>>> OpenKeeper(
      const store::KeptResponse& response, RequestContext& ctx) const;

  Services& services_;
};

}  // namespace strata::server
