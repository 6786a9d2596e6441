#include "provider/remote/chat.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dialect/responses_wire.h"
#include "provider/fit_context.h"
#include "provider/remote/estimate.h"
#include "provider/remote/forwarded_stream.h"
#include "provider/remote/quota.h"
#include "provider/remote/stream.h"

namespace strata::provider::remote {

Task<Result<std::unique_ptr<ChatStream>>> RemoteChatModel::Start(domain::ChatRequest&& request,
                                                                 RequestContext& ctx) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  const auto* forward =
      request.wire ? account_->api->Wire(*request.wire, info_.upstream_id) : nullptr;
  // What nobody here can read is not forwarded past a guardrail.
  if (forward != nullptr && request.answer_is_read && forward->decode == nullptr) forward = nullptr;
  if (forward == nullptr) {
    STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
    if (WantsToFit(request)) STRATA_CO_CHECK_OK(co_await Fit(request, ctx));
  }
  request.model = info_.upstream_id;
  Call call;
  if (forward != nullptr) {
    call = account_->api->Forward(request, info_.upstream_id);
  } else {
    STRATA_CO_TRY(call, account_->api->Chat(request, info_.upstream_id));
  }
  if (!call.dropped.empty())
    ctx.span.Set("dropped", fmt::format("{}", fmt::join(call.dropped, "; ")));
  // An answer in one piece is read to its end, or its connection closed: nothing is let go of.
  auto cancel = request.stream ? std::make_shared<Cancel>(ctx.cancel) : nullptr;
  auto token = cancel ? cancel->source.get_token() : ctx.cancel;
  // What a provider says of a response that was put into another form is not the client's to read.
  const bool rewritten =
      forward == nullptr && request.wire && dialect::responses::IsWireFormat(request.wire->format);
  auto sent = co_await Send(*account_, std::move(call), ctx, std::move(token),
                            rewritten ? nullptr : request.refusal.get());
  if (!sent.has_value()) co_return Fail(std::move(sent.error()));
  ctx.quota_share = QuotaShareOf((*sent)->headers());
  std::unique_ptr<ChatStream> stream;
  if (forward != nullptr) {
    auto shadow = ctx.span.keeps_texts() ? Shadow::kWanted : Shadow::kNo;
    if (request.answer_is_read) shadow = Shadow::kNeeded;
    ForwardedStream::Parts parts{.account = account_,
                                 .codec = forward,
                                 .wire = request.wire,
                                 .cancel = std::move(cancel),
                                 .response = std::move(*sent),
                                 .streamed = request.stream,
                                 .prompt_estimate = EstimateTokens(request.wire->body.size()),
                                 .shadow = shadow,
                                 .deployment = info_.id};
    stream = std::make_unique<ForwardedStream>(std::move(parts), ctx);
  } else {
    stream = std::make_unique<RemoteStream>(account_, ctx, std::move(cancel), std::move(*sent),
                                            request.stream, EstimatePromptTokens(request));
  }
  co_return std::move(stream);
}

Task<Result<>> RemoteChatModel::Fit(domain::ChatRequest& request, RequestContext& ctx) {
  auto count = [&](domain::ChatRequest asked) {
    asked.wire.reset();  // it still has every turn
    return CountTokens(std::move(asked), ctx);
  };
  STRATA_CO_TRY(auto dropped, co_await FitContext(request, info_.context_tokens, std::move(count)));
  if (dropped > 0) ctx.span.Set("turns_dropped", dropped);
  co_return Result<>{};
}

Task<Result<std::int64_t>> RemoteChatModel::CountTokens(domain::ChatRequest request,
                                                        RequestContext& ctx) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  const bool forwarded =
      request.wire != nullptr && account_->api->CountsWire(*request.wire, info_.upstream_id);
  if (!forwarded) {
    STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
    request.wire.reset();
  }
  request.model = info_.upstream_id;
  STRATA_CO_TRY(auto call, account_->api->Count(request, info_.upstream_id));
  STRATA_CO_TRY(auto body, co_await Fetch(*account_, std::move(call), ctx));
  auto count = account_->api->DecodeCount(body);
  if (!count.has_value()) co_return Fail(OfProvider(*account_, std::move(count.error())));
  co_return *count;
}

}  // namespace strata::provider::remote
