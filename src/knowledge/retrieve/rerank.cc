#include "knowledge/retrieve/rerank.h"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;

bool Shows(const RerankChoice& choice, std::string_view field) {
  const bool named = std::ranges::find(choice.fields, field) != choice.fields.end();
  switch (choice.show) {
    case RerankChoice::Show::kNone:
      return false;
    case RerankChoice::Show::kAll:
      return true;
    case RerankChoice::Show::kOnly:
      return named;
    case RerankChoice::Show::kAllBut:
      return !named;
  }
  return false;
}

// One score a passage, in their order; nothing may be missing or there twice.
Result<std::vector<double>> ScoresOf(const domain::Reranking& answer, std::size_t count) {
  std::vector<std::optional<double>> found(count);
  for (const auto& document : answer.ranked) {
    if (document.index >= count || found[document.index]) {
      return Fail(Code::kUnavailable,
                  "the reranker answered about a passage that it was not given");
    }
    found[document.index] = document.score;
  }
  std::vector<double> scores;
  for (const auto& score : found) {
    if (!score) return Fail(Code::kUnavailable, "the reranker left passages out");
    scores.push_back(*score);
  }
  return scores;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void Add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double Of(double value) const { return high > low ? (value - low) / (high - low) : 1; }
};

// By the new scores, ties in the order before.
void Order(std::vector<RetrievedChunk>& chunks, const std::vector<double>& scores, double weight) {
  Range before;
  Range after;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    before.Add(chunks[i].score);
    after.Add(scores[i]);
  }
  std::vector<std::pair<double, std::size_t>> order;  // negative score, place
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    auto& score = chunks[i].score;
    score =
        weight == 1 ? scores[i] : (1 - weight) * before.Of(score) + weight * after.Of(scores[i]);
    order.emplace_back(-score, i);
  }
  std::ranges::sort(order);
  std::vector<RetrievedChunk> sorted;
  sorted.reserve(chunks.size());
  for (const auto& [score, place] : order) sorted.push_back(std::move(chunks[place]));
  chunks = std::move(sorted);
}

}  // namespace

std::string RerankText(const RetrievedChunk& chunk, const RerankChoice& choice) {
  std::string text;
  if (!chunk.title.empty() && !chunk.uri.ends_with(chunk.title)) text += chunk.title + '\n';
  text += chunk.text;
  if (choice.show == RerankChoice::Show::kNone) return text;
  json::error_code error;
  const auto metadata = json::parse(chunk.metadata.text, error);
  if (error || !metadata.is_object()) return text;
  for (const auto& [key, value] : metadata.get_object()) {
    if (!Shows(choice, key)) continue;
    text += '\n';
    text += key;
    text += ": ";
    text += value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  }
  return text;
}

Task<Result<>> RerankChunks(provider::Reranker& reranker, const RerankChoice& choice, double weight,
                            const std::string& query, std::vector<RetrievedChunk>& chunks,
                            RequestContext& ctx) {
  if (chunks.empty()) co_return Result<>();
  domain::RerankRequest request;
  request.query = query;
  const auto labels = ctx.labels;
  for (const auto& chunk : chunks) {
    request.documents.push_back(RerankText(chunk, choice));
    ctx.labels.AddAll(chunk.labels);
  }
  auto answer = co_await reranker.Rerank(std::move(request), ctx);
  ctx.labels = labels;
  if (!answer.has_value()) co_return std::unexpected(std::move(answer.error()));
  STRATA_CO_TRY(const auto scores, ScoresOf(*answer, chunks.size()));
  Order(chunks, scores, weight);
  co_return Result<>();
}

}  // namespace strata::knowledge
