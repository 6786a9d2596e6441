#pragma once
// What a provider keeps of a client's requests: stored responses of OpenAI's Responses API.

#include <memory>
#include <string>
#include <string_view>

#include "base/context.h"
#include "base/task.h"
#include "domain/wire.h"
#include "provider/chat_model.h"
#include "provider/remote.h"
#include "provider/spec.h"

namespace strata::provider {

namespace remote {
struct Account;
}

// Whether requests of the Responses API may be sent to it as they came: as it declares, or else to
// OpenAI's own address and to Azure's v1 form.
bool SpeaksResponses(const ProviderSpec& spec);

// Among the header fields of an answer whose provider may keep it (StreamStart::headers): the model
// that answered, "PROVIDER/ID". Not for clients.
inline constexpr std::string_view kDeploymentHeader = "x-strata-deployment";

// An account to be asked for what it keeps, its secret read. Reads files: on a pool.
Result<std::shared_ptr<const remote::Account>> OpenAccount(ProviderSpec spec, RemoteDeps deps);

// A call about a kept response: `target` is "/responses/ID…" with its query.
struct KeptCall {
  std::string method;
  std::string target;
};
struct KeptAnswer {
  domain::WireHeaders headers;  // those that a client may see
  std::string body;
};
// Errors as ChatModel::Start, what the provider said in `refusal`; kUnsupported when it keeps none.
Task<Result<KeptAnswer>> AskKept(std::shared_ptr<const remote::Account> account, KeptCall call,
                                 RequestContext& ctx, domain::Refusal& refusal);

// The same of the events of a response, from `target`'s place on: as ChatModel::Start.
struct KeptStreamCall {
  KeptCall call;
  std::string deployment;       // the model that made it
  bool answer_is_read = false;  // as ChatRequest::answer_is_read
};
Task<Result<std::unique_ptr<ChatStream>>> StreamKept(std::shared_ptr<const remote::Account> account,
                                                     KeptStreamCall what, RequestContext& ctx,
                                                     domain::Refusal& refusal);

}  // namespace strata::provider
