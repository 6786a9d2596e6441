#pragma once
// Attempts at calls whose answer comes in one piece: vectors, rankings, moderations.

#include <memory>
#include <utility>

#include "gateway/resilience/attempt.h"
#include "gateway/resilience/pool.h"

namespace strata::gateway {

// Asks the deployments of `pool` one after the other until one has answered. `ask` makes one call,
// of a model with the attempt's context; it may be made several times. Errors: the last attempt's.
template <class Answer, class Model, class Ask>
Task<Result<Answer>> AskInTurn(Pool<Model>& pool, const AttemptRules& rules, RetryBudget& budget,
                               const Resilience::Parts& parts, RequestContext& ctx, Ask ask) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  auto set = pool.Get();
  if (set->lanes.empty()) co_return Fail(NoDeployment(pool.spec().id, set->missing));
  Attempts attempts(set->lanes, rules, budget, ctx, parts.env.random, false, std::nullopt);
  while (true) {
    STRATA_CO_TRY(auto choice, attempts.Choose());
    const auto at = choice.lane;
    const auto patience = attempts.Patience();
    const bool plain = set->lanes.size() == 1 && choice.number == 1 && !patience;
    auto attempt =
        std::make_shared<Attempt>(std::move(choice), *set->lanes[at], ctx,
                                  plain ? Attempt::Context::kShared : Attempt::Context::kOwn);
    std::shared_ptr<void> alarm;
    if (patience) alarm = co_await Attempt::Limit(attempt, *patience);
    auto answer = co_await ask(*set->models[at], attempt->ctx());
    attempt->done = true;
    if (answer.has_value()) {
      attempt->choice.ticket.FirstToken(false);
      attempt->choice.ticket.End(AttemptOutcome::kOk);
      attempt->Settle(AttemptOutcome::kOk);
      co_return std::move(*answer);
    }
    auto error = attempt->Explained(std::move(answer.error()), set->models[at]->Info().id);
    attempt->Settle(OutcomeOf(error, AttemptStage::kStart), &error);
    auto wait = attempts.Failed(std::move(attempt->choice), std::move(error), AttemptStage::kStart);
    if (!wait) co_return Fail(attempts.Final());
    if (wait->count() > 0) STRATA_CO_CHECK_OK(co_await parts.env.sleep(*wait, ctx.cancel));
  }
}

}  // namespace strata::gateway
