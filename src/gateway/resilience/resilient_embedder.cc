#include "gateway/resilience/resilient_embedder.h"

#include "gateway/resilience/one_answer.h"

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
      rules_(RulesOf(pool_.spec(), parts.Options())),
      budget_(parts.Budget(), *parts.env.clock) {}

ResilientEmbedder::ResilientEmbedder(std::shared_ptr<provider::Embedder> only,
                                     const Resilience::Parts& parts)
    : info_(only->Info()),
      parts_(parts),
      pool_(PoolSpec{.id = info_.id}, std::move(only), parts.board, *parts.env.clock),
      rules_(RulesOf(pool_.spec(), parts.Options())),
      budget_(parts.Budget(), *parts.env.clock) {}

Task<Result<provider::Embeddings>> ResilientEmbedder::Embed(std::vector<std::string> texts,
                                                            provider::EmbedPurpose purpose,
                                                            RequestContext& ctx) {
  auto ask = [&texts, purpose](provider::Embedder& model, RequestContext& attempt) {
    auto copy = texts;
    return model.Embed(std::move(copy), purpose, attempt);
  };
  co_return co_await AskInTurn<provider::Embeddings>(pool_, rules_, budget_, parts_, ctx, ask);
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
