#include "knowledge/retrieve/rerank_results.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "guard/model_access.h"
#include "knowledge/retrieve/hit_json.h"

namespace strata::knowledge {
namespace {

// The best passages in the order of the search and the reranker both, with scores in [0.5, 1]; the
// others stay behind them, in [0, 0.5].
Task<Result<>> RerankBest(provider::Reranker& reranker, const RerankOptions& options,
                          const std::string& query, std::vector<RetrievedChunk>& results,
                          RequestContext& ctx) {
  const RerankChoice choice{.model = options.model, .fields = {}};
  const auto count = std::min(results.size(), static_cast<std::size_t>(options.candidates));
  const auto middle = results.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<RetrievedChunk> best(results.begin(), middle);
  STRATA_CO_CHECK_OK(co_await RerankChunks(reranker, choice, options.weight, query, best, ctx));
  for (auto& chunk : best) chunk.score = 0.5 + 0.5 * chunk.score;
  for (auto other = middle; other != results.end(); ++other) other->score *= 0.5;
  std::ranges::move(best, results.begin());
  co_return Result<>();
}

}  // namespace

Task<Result<>> RerankAsAsked(const RerankerLookup& rerankers, const RerankChoice& choice,
                             const std::string& query, std::vector<RetrievedChunk>& results,
                             RequestContext& ctx) {
  Span span = ctx.span.Child("knowledge.rerank");
  span.Set("model", choice.model);
  span.Set("candidates", results.size());
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(choice.model, ctx));
  if (!rerankers) co_return Fail(NotFound("reranker", choice.model));
  STRATA_CO_TRY(auto reranker, rerankers(choice.model));
  auto ranked = co_await RerankChunks(*reranker, choice, 1, query, results, ctx);
  if (!ranked.has_value()) {
    span.Fail(ranked.error());
    co_return std::unexpected(std::move(ranked.error()));
  }
  if (choice.results > 0 && results.size() > static_cast<std::size_t>(choice.results)) {
    results.resize(static_cast<std::size_t>(choice.results));
  }
  SetRanked(span, results);
  co_return Result<>();
}

bool IsReranked(const RetrieveRequest& request, const RerankOptions& options) {
  return request.mode == SearchMode::kHybrid && !request.rerank && !options.model.empty() &&
         !request.without.rerank;
}

Task<Result<>> RerankByDefault(const RerankerLookup& rerankers, const RerankOptions& options,
                               const std::string& query, std::vector<RetrievedChunk>& results,
                               RequestContext& ctx) {
  Span span = ctx.span.Child("knowledge.rerank");
  span.Set("model", options.model);
  span.Set("candidates", std::min(results.size(), static_cast<std::size_t>(options.candidates)));
  Result<> ranked = Fail(NotFound("reranker", options.model));
  if (rerankers) {
    auto reranker = rerankers(options.model);
    if (reranker.has_value()) {
      ranked = co_await RerankBest(**reranker, options, query, results, ctx);
    } else {
      ranked = std::unexpected(std::move(reranker.error()));
    }
  }
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  if (ranked.has_value()) {
    SetRanked(span, results);
    co_return Result<>();
  }
  span.Set("skipped", ranked.error().words());
  Log(Level::kWarning, "kb.rerank.failed",
      {{"model", options.model}, {"reason", ranked.error().words().own()}});
  co_return Result<>();
}

}  // namespace strata::knowledge
