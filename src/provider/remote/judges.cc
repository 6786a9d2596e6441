#include "provider/remote/judges.h"

#include <fmt/format.h>

#include "provider/remote/estimate.h"

namespace strata::provider::remote {

Task<Result<domain::Reranking>> RemoteReranker::Rerank(domain::RerankRequest request,
                                                       RequestContext& ctx) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  STRATA_CO_TRY(auto call, account_->api->Rerank(request, info_.upstream_id));
  STRATA_CO_TRY(auto body, co_await Fetch(*account_, std::move(call), ctx));
  auto answer = account_->api->DecodeRerank(body, request.documents.size());
  if (!answer.has_value()) co_return Fail(OfUnusable(*account_, std::move(answer.error())));
  // Some servers rank everything, whatever was asked.
  if (request.top_n > 0 && answer->ranked.size() > request.top_n) {
    answer->ranked.resize(request.top_n);
  }
  if (answer->input_tokens == 0) {
    std::size_t bytes = request.query.size() * request.documents.size();
    for (const auto& document : request.documents) bytes += document.size();
    answer->input_tokens = EstimateTokens(bytes);
    answer->estimated = true;
  }
  co_return std::move(*answer);
}

Task<Result<domain::Moderation>> RemoteModerator::Moderate(domain::ModerationRequest request,
                                                           RequestContext& ctx) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  STRATA_CO_TRY(auto call, account_->api->Moderate(request, info_.upstream_id));
  STRATA_CO_TRY(auto body, co_await Fetch(*account_, std::move(call), ctx));
  auto answer = account_->api->DecodeModeration(body);
  if (!answer.has_value()) co_return Fail(OfUnusable(*account_, std::move(answer.error())));
  const std::size_t expected = request.parts ? 1 : request.inputs.size();
  if (answer->results.size() != expected) {
    Error fault(Code::kUnavailable,
                fmt::format("answered {} results for {} inputs", answer->results.size(), expected));
    co_return Fail(OfUnusable(*account_, std::move(fault)));
  }
  std::size_t bytes = 0;
  for (const auto& input : request.inputs) {
    if (const auto* text = std::get_if<domain::TextBlock>(&input)) bytes += text->text.size();
  }
  answer->input_tokens = EstimateTokens(bytes);
  co_return std::move(*answer);
}

}  // namespace strata::provider::remote
