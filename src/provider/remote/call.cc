#include "provider/remote/call.h"

#include <algorithm>

#include "base/hops.h"
#include "base/unanswered.h"
#include "dialect/error_table.h"
#include "dialect/json_value.h"
#include "provider/wire_headers.h"

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

// Whether a refusal is about our own account. Forwarded as it is, it would look as if the client's
// own key had been refused; our error says whose answer it was.
bool IsAboutOurKey(int status, Code code) {
  return status == 401 || status == 403 || status == 407 || code == Code::kUnauthenticated ||
         code == Code::kPermissionDenied;
}

// Vertex AI serves Claude too, which refuses as Anthropic does.
dialect::Dialect ErrorDialect(const Account& account, std::string_view body) {
  if (account.spec.kind != ProviderKind::kVertex) return account.api->dialect();
  const auto root = dialect::ParseJson(body);
  const auto* type = root.has_value() ? root->Find("type") : nullptr;
  const bool claude = type != nullptr && type->string() != nullptr && *type->string() == "error";
  return claude ? dialect::Dialect::kAnthropic : account.api->dialect();
}

// Keeps what a client of the provider's dialect is shown of it: all, where it answers the client's
// request.
void KeepRefusal(const Account& account, const net::ClientResponse& response, Code code,
                 std::string_view body, domain::Refusal& out) {
  const auto dialect = ErrorDialect(account, body);
  auto coding = response.headers().Get("content-encoding");
  const bool plain = coding.empty() || net::SameHeader(coding, "identity");
  const int status = response.status();
  if (status < 400 || IsAboutOurKey(status, code) || !plain) return;
  if (!dialect::IsErrorBody(dialect, body)) return;
  const auto& secrets = account.api->secrets();
  out.dialect = dialect::DialectName(dialect);
  out.status = status;
  out.headers = AnswerHeadersToForward(response.headers());
  for (auto& [name, value] : out.headers) value = WithoutSecrets(std::move(value), secrets);
  out.body = WithoutSecrets(std::string(body), secrets);
}

// The error that a non-2xx answer means. An unreadable body still leaves the status.
Task<Error> RefusalOf(const Account& account, net::ClientResponse& response,
                      domain::Refusal* keep) {
  auto body = co_await response.ReadAll(kErrorBodyBytesMax);
  if (!body.has_value() && body.error().code() == Code::kCancelled) {
    co_return std::move(body.error());
  }
  std::string text = body.has_value() ? std::move(*body) : std::string();
  auto error = dialect::DecodeUpstreamError(ErrorDialect(account, text), response.status(),
                                            response.headers().fields(), text);
  if (keep != nullptr) KeepRefusal(account, response, error.code(), text, *keep);
  if (error.upstream_status() != 0) co_return error;
  co_return std::move(error).FromUpstream(response.status());
}

// The provider may be a server of this kind, this one even.
std::string HopsAfter(const RequestContext& ctx) {
  const auto before = ctx.header ? ParseHops(ctx.header(kHopsHeader)).value_or(0) : 0;
  return std::to_string(std::min(before, kHopsMax) + 1);
}

}  // namespace

Error OfProvider(const Account& account, Error error) {
  // An upstream "too large" is about the prompt; ours is about the answer.
  bool ours = error.upstream_status() <= 0;
  Error out(ours ? CodeForCaller(error.code()) : error.code(),
            Message(WithoutSecrets(error.message(), account.api->secrets()), error.words().own()));
  // Set in place: assigning the result to `out` itself would lose the message.
  if (!error.field().empty()) {
    std::move(out).AtField(FieldPath(error.field(), error.field_words().own()));
  }
  if (error.retry_after()) std::move(out).RetryAfter(*error.retry_after());
  // Whatever went wrong behind this address is its doing, answered or not.
  std::move(out).FromUpstream(ours ? -1 : error.upstream_status());  // sets it in place
  return std::move(out).Because(Message::Ours("provider " + account.spec.name));
}

Error OfUnusable(const Account& account, Error error) {
  return SentUnanswered(OfProvider(account, std::move(error)));
}

Task<Result<std::unique_ptr<net::ClientResponse>>> Send(const Account& account, Call&& call,
                                                        const RequestContext& ctx,
                                                        std::stop_token cancel,
                                                        domain::Refusal* refusal) {
  if (refusal != nullptr) *refusal = {};
  const auto now = ctx.clock->Wall();
  if (account.api->NeedsRefresh(now)) {
    auto ready = co_await account.api->Refresh(*account.client, ctx.deadline, cancel, now);
    if (!ready.has_value()) co_return Fail(OfProvider(account, std::move(ready.error())));
  }
  account.api->Authorize(call, now);
  net::ClientRequest request;
  request.method = std::move(call.method);
  request.url = std::move(call.url);
  request.headers = std::move(call.headers);
  request.headers.Set(kHopsHeader, HopsAfter(ctx));  // no signature covers it: proxies may drop it
  request.body = std::move(call.body);
  request.deadline = ctx.deadline;
  request.cancel = std::move(cancel);
  request.allow_private_addresses = true;  // the operator configured the address
  auto sent = co_await account.client->Send(std::move(request));
  if (!sent.has_value()) {
    const bool has_it = IsSentUnanswered(sent.error());
    auto error = std::move(sent.error());
    if (has_it) co_return Fail(OfUnusable(account, std::move(error)));
    co_return Fail(OfProvider(account, std::move(error)));
  }
  auto response = std::move(*sent);
  if (response->status() / 100 != 2) {
    auto error = co_await RefusalOf(account, *response, refusal);
    co_return Fail(OfProvider(account, std::move(error)));
  }
  co_return std::move(response);
}

Task<Result<std::string>> Fetch(const Account& account, Call call, const RequestContext& ctx) {
  STRATA_CO_TRY(auto response, co_await Send(account, std::move(call), ctx, ctx.cancel));
  auto body = co_await response->ReadAll(account.answer_bytes_max);
  if (!body.has_value()) co_return Fail(OfUnusable(account, std::move(body.error())));
  co_return std::move(*body);
}

}  // namespace strata::provider::remote
