#include "provider/remote/call.h"

#include "dialect/error_table.h"

namespace strata::provider::remote {
namespace {

constexpr std::size_t kErrorBodyBytesMax = 64u << 10;

// Some servers repeat a refused key in their answer.
std::string WithoutSecrets(std::string message, const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets) {
    for (auto at = message.find(secret); at != std::string::npos; at = message.find(secret, at)) {
      message.replace(at, secret.size(), "***");
      at += 3;
    }
  }
  return message;
}

Code CodeForCaller(Code code) {
  return code == Code::kCorruption || code == Code::kTooLarge ? Code::kUnavailable : code;
}

// The error that a non-2xx answer means. An unreadable body still leaves the status.
Task<Error> Refusal(const Account& account, net::ClientResponse& response) {
  auto body = co_await response.ReadAll(kErrorBodyBytesMax);
  if (!body.has_value() && body.error().code() == Code::kCancelled) {
    co_return std::move(body.error());
  }
  std::string text = body.has_value() ? std::move(*body) : std::string();
  auto error = dialect::DecodeUpstreamError(account.api->dialect(), response.status(),
                                            response.headers().fields(), text);
  if (error.upstream_status() != 0) co_return error;
  co_return std::move(error).FromUpstream(response.status());
}

}  // namespace

Error OfProvider(const Account& account, Error error) {
  // An upstream "too large" is about the prompt; ours is about the answer.
  bool ours = error.upstream_status() == 0;
  Error out(ours ? CodeForCaller(error.code()) : error.code(),
            WithoutSecrets(error.message(), account.api->secrets()));
  // Set in place: assigning the result to `out` itself would lose the message.
  if (!error.field().empty()) std::move(out).AtField(error.field());
  if (error.retry_after()) std::move(out).RetryAfter(*error.retry_after());
  // Whatever went wrong behind this address is its doing, answered or not.
  std::move(out).FromUpstream(ours ? -1 : error.upstream_status());  // sets it in place
  return std::move(out).Because("provider " + account.spec.name);
}

Task<Result<std::unique_ptr<net::ClientResponse>>> Send(const Account& account, Call call,
                                                        SteadyTime deadline, std::stop_token cancel,
                                                        WallTime now) {
  if (account.api->NeedsRefresh(now)) {
    auto ready = co_await account.api->Refresh(*account.client, deadline, cancel, now);
    if (!ready.has_value()) co_return Fail(OfProvider(account, std::move(ready.error())));
  }
  account.api->Authorize(call, now);
  net::ClientRequest request;
  request.method = std::move(call.method);
  request.url = std::move(call.url);
  request.headers = std::move(call.headers);
  request.body = std::move(call.body);
  request.deadline = deadline;
  request.cancel = std::move(cancel);
  request.allow_private_addresses = true;  // the operator configured the address
  auto sent = co_await account.client->Send(std::move(request));
  if (!sent.has_value()) co_return Fail(OfProvider(account, std::move(sent.error())));
  auto response = std::move(*sent);
  if (response->status() / 100 != 2) {
    auto refusal = co_await Refusal(account, *response);
    co_return Fail(OfProvider(account, std::move(refusal)));
  }
  co_return std::move(response);
}

Task<Result<std::string>> Fetch(const Account& account, Call call, SteadyTime deadline,
                                std::stop_token cancel, WallTime now) {
  STRATA_CO_TRY(auto response,
                co_await Send(account, std::move(call), deadline, std::move(cancel), now));
  auto body = co_await response->ReadAll(account.answer_bytes_max);
  if (!body.has_value()) co_return Fail(OfProvider(account, std::move(body.error())));
  co_return std::move(*body);
}

}  // namespace strata::provider::remote
