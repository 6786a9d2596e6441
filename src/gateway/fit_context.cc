#include "gateway/fit_context.h"

#include "guard/model_access.h"
#include "provider/fit_context.h"
#include "route/direct.h"

namespace strata::gateway {

Task<Result<>> FitContext(const ChatService& chat, const provider::Registry& registry,
                          domain::ChatRequest& request, RequestContext& ctx) {
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(request.model, ctx));
  auto models = registry.Snapshot();
  STRATA_CO_TRY(auto plan, route::ChooseDirect(*models, request));
  auto count = [&](domain::ChatRequest asked) { return chat.CountTokens(std::move(asked), ctx); };
  STRATA_CO_TRY(auto dropped, co_await provider::FitContext(
                                  request, plan.model->Info().context_tokens, std::move(count)));
  if (dropped > 0) ctx.span.Set("turns_dropped", dropped);
  co_return Result<>{};
}

}  // namespace strata::gateway
