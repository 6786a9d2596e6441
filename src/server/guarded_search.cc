#include "server/guarded_search.h"

#include <utility>

#include "guard/guardrails.h"
#include "knowledge/answerer.h"
#include "knowledge/filter_writer.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/shown_passages.h"

namespace strata::server {

Task<Result<>> JudgeQueries(const guard::Guardrails& guardrails, std::vector<std::string*> queries,
                            RequestContext& ctx) {
  ctx.decided_by.guardrail = guardrails.names();
  co_return co_await guardrails.JudgeTexts(queries, ctx);
}

Task<Result<GuardedResults>> GuardedRetrieve(Services& services, knowledge::RetrieveRequest request,
                                             RequestContext& ctx,
                                             std::optional<knowledge::ImplicitFilter> implicit) {
  const auto guardrails = services.live.Now()->guardrails;
  GuardedResults out;
  if (guardrails) {
    const auto asked = request.query;
    std::vector<std::string*> queries = {&request.query};
    if (implicit) {
      for (auto& attribute : implicit->attributes) queries.push_back(&attribute.description);
    }
    STRATA_CO_CHECK_OK(co_await JudgeQueries(*guardrails, std::move(queries), ctx));
    out.intervened = request.query != asked;
  }
  if (implicit) {
    // A base that is not there is refused before a model is paid for.
    STRATA_CO_CHECK_OK(services.bases.Get(request.knowledge_base_id, ctx.workspace));
    STRATA_CO_TRY(auto written,
                  co_await services.answerer.filters().Write(request.query, {}, *implicit, ctx));
    request.filter = knowledge::Both(std::move(request.filter), std::move(written));
  }
  STRATA_CO_TRY(out.found, co_await services.bases.Retrieve(std::move(request), ctx));
  if (guardrails) {
    STRATA_CO_TRY(bool touched,
                  co_await knowledge::JudgeShown(*guardrails, out.found.results, ctx));
    out.intervened = *out.intervened || touched;
  }
  co_return out;
}

}  // namespace strata::server
