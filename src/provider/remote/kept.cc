#include "provider/kept.h"

#include <utility>

#include "dialect/responses_wire.h"
#include "provider/openai/api.h"
#include "provider/remote/call.h"
#include "provider/remote/forwarded_stream.h"
#include "provider/remote/source.h"
#include "provider/wire_headers.h"

namespace strata::provider {

bool SpeaksResponses(const ProviderSpec& spec) {
  if (spec.responses) return *spec.responses;
  if (spec.kind == ProviderKind::kAzure) return spec.api_version.empty();
  return spec.kind == ProviderKind::kOpenAi && spec.base_url.starts_with("https://api.openai.com");
}

Result<std::shared_ptr<const remote::Account>> OpenAccount(ProviderSpec spec, RemoteDeps deps) {
  return remote::MakeAccount(std::move(spec), std::move(deps));
}

namespace {

Result<remote::Call> CallAbout(const remote::Account& account, KeptCall call) {
  const auto* api = dynamic_cast<const openai::OpenAiApi*>(account.api.get());
  if (api == nullptr || !SpeaksResponses(account.spec)) {
    return Fail(Code::kUnsupported, "this provider's API keeps no responses");
  }
  return api->Kept(std::move(call.method), call.target);
}

}  // namespace

Task<Result<KeptAnswer>> AskKept(std::shared_ptr<const remote::Account> account, KeptCall call,
                                 RequestContext& ctx, domain::Refusal& refusal) {
  STRATA_CO_TRY(auto kept, CallAbout(*account, std::move(call)));
  STRATA_CO_TRY(auto response,
                co_await remote::Send(*account, std::move(kept), ctx, ctx.cancel, &refusal));
  auto body = co_await response->ReadAll(account->answer_bytes_max);
  if (!body.has_value()) co_return Fail(remote::OfProvider(*account, std::move(body.error())));
  co_return KeptAnswer{.headers = AnswerHeadersToForward(response->headers()),
                       .body = std::move(*body)};
}

Task<Result<std::unique_ptr<ChatStream>>> StreamKept(std::shared_ptr<const remote::Account> account,
                                                     KeptStreamCall what, RequestContext& ctx,
                                                     domain::Refusal& refusal) {
  STRATA_CO_TRY(auto kept, CallAbout(*account, std::move(what.call)));
  auto cancel = std::make_shared<remote::Cancel>(ctx.cancel);
  auto token = cancel->source.get_token();
  STRATA_CO_TRY(auto response,
                co_await remote::Send(*account, std::move(kept), ctx, std::move(token), &refusal));
  remote::ForwardedStream::Parts parts{
      .account = std::move(account),
      .codec = &dialect::responses::ResponsesWire(),
      .wire = dialect::responses::MakeWireRequest({}, {}, {}),
      .cancel = std::move(cancel),
      .response = std::move(response),
      .streamed = true,
      .shadow = what.answer_is_read ? remote::Shadow::kNeeded : remote::Shadow::kNo,
      .deployment = std::move(what.deployment)};
  co_return std::make_unique<remote::ForwardedStream>(std::move(parts), ctx);
}

}  // namespace strata::provider
