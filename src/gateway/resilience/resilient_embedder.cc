#include "gateway/resilience/resilient_embedder.h"

namespace strata::gateway {
namespace {

// Where no deployment can be found yet: what a chunk must fit is then the smallest in use.
constexpr std::int64_t kTokensMaxUnknown = 256;

}  // namespace

ResilientEmbedder::ResilientEmbedder(PoolSpec spec, Pool<provider::Embedder>::Found find,
                                     domain::ModelInfo info, const Resilience::Parts& parts)
    : info_(std::move(info)),
      parts_(parts),
      pool_(std::move(spec), std::move(find), parts.board, *parts.env.clock),
      rules_(RulesOf(pool_.spec(), parts.options)),
      budget_({parts.options.retry_share, parts.options.retries_per_second}, *parts.env.clock) {}

ResilientEmbedder::ResilientEmbedder(std::shared_ptr<provider::Embedder> only,
                                     const Resilience::Parts& parts)
    : info_(only->Info()),
      parts_(parts),
      pool_(PoolSpec{.id = info_.id}, std::move(only), parts.board, *parts.env.clock),
      rules_(RulesOf(pool_.spec(), parts.options)),
      budget_({parts.options.retry_share, parts.options.retries_per_second}, *parts.env.clock) {}

Task<Result<provider::Embeddings>> ResilientEmbedder::Embed(std::vector<std::string> texts,
                                                            provider::EmbedPurpose purpose,
                                                            RequestContext& ctx) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  auto set = pool_.Get();
  Attempts attempts(set->lanes, rules_, budget_, ctx, parts_.env.random, false, std::nullopt);
  while (true) {
    STRATA_CO_TRY(auto choice, attempts.Choose());
    auto copy = texts;
    auto embedded = co_await set->models[choice.lane]->Embed(std::move(copy), purpose, ctx);
    if (embedded.has_value()) {
      choice.ticket.FirstToken(false);
      choice.ticket.End(AttemptOutcome::kOk);
      co_return std::move(*embedded);
    }
    auto wait =
        attempts.Failed(std::move(choice), std::move(embedded.error()), AttemptStage::kStart);
    if (!wait) co_return Fail(attempts.Final());
    if (wait->count() > 0) STRATA_CO_CHECK_OK(co_await parts_.env.sleep(*wait, ctx.cancel));
  }
}

std::shared_ptr<provider::Embedder> ResilientEmbedder::Any() const {
  auto set = pool_.Get();
  return set->models.empty() ? nullptr : set->models.front();
}

std::int64_t ResilientEmbedder::CountTokens(std::string_view text) const {
  auto any = Any();
  return any ? any->CountTokens(text) : static_cast<std::int64_t>(text.size());
}

std::int64_t ResilientEmbedder::tokens_max() const {
  auto any = Any();
  return any ? any->tokens_max() : kTokensMaxUnknown;
}

}  // namespace strata::gateway
