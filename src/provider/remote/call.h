#pragma once
// One HTTP call of a provider: authorised, sent, and its failure put into our words.

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/context.h"
#include "base/task.h"
#include "net/client.h"
#include "provider/remote/api.h"

namespace strata::provider::remote {

// What the models of one source share. Constant after construction.
struct Account {
  ProviderSpec spec;
  std::shared_ptr<const Api> api;
  std::shared_ptr<net::Client> client;
  std::string catalog_provider;  // whose prices hold; "" when nobody's do
  std::size_t answer_bytes_max = 0;
  std::chrono::milliseconds stream_idle{0};  // between two pieces of a stream; 0: any
};

// Returns when the provider has answered 2xx, at the latest at `ctx`'s deadline; `cancel` is its,
// or one that stops with it. Errors: DecodeUpstreamError's for every other status, the client's
// else, each naming the provider and never showing a secret. `refusal` is emptied, and takes the
// provider's error answer where its client may see it. `call` is taken, and must live until the
// task ends.
Task<Result<std::unique_ptr<net::ClientResponse>>> Send(const Account& account, Call&& call,
                                                        const RequestContext& ctx,
                                                        std::stop_token cancel,
                                                        domain::Refusal* refusal = nullptr);

// Send, and the whole body. Errors before an answer that can be used are IsSentUnanswered once the
// provider has the call.
Task<Result<std::string>> Fetch(const Account& account, Call call, const RequestContext& ctx);

// `error` in the words of a caller: names the provider, hides secrets, and turns an answer that is
// not what the API promises (kCorruption, kTooLarge) into kUnavailable, which may be tried
// elsewhere.
Error OfProvider(const Account& account, Error error);
// The same of what is wrong with an answer that it gave: IsSentUnanswered.
Error OfUnusable(const Account& account, Error error);

}  // namespace strata::provider::remote
