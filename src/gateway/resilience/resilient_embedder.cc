#include "gateway/resilience/resilient_embedder.h"

#include "gateway/resilience/one_answer.h"

namespace strata::gateway {
namespace {

// Where no deployment can be found yet: what a chunk must fit is then the smallest in use.
constexpr std::int64_t kTokensMaxUnknown = 256;

}  // namespace

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
