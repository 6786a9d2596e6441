#include "knowledge/answer/score_pool.h"

#include <algorithm>

#include "base/log.h"
#include "knowledge/answer/coverage.h"
#include "provider/local_models.h"

namespace strata::knowledge {
namespace {

double Dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

VectorKind KindOf(const provider::Embedder& embedder) {
  return embedder.Info().id == provider::kBuiltinStaticEmbedder ? VectorKind::kStatic
                                                                : VectorKind::kContextual;
}

// False when the embedder failed, other than by cancel or deadline.
Task<Result<bool>> AddCosines(provider::Embedder& embedder, std::string question,
                              std::vector<std::string> texts,
                              const std::vector<std::size_t>& candidates, SentencePool& pool,
                              RequestContext& ctx) {
  const auto count = texts.size();
  std::vector<std::string> questions;
  questions.push_back(std::move(question));
  auto query = co_await embedder.Embed(std::move(questions), provider::EmbedPurpose::kQuery, ctx);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  auto rows = co_await embedder.Embed(std::move(texts), provider::EmbedPurpose::kDocument, ctx);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  if (!query.has_value() || !rows.has_value() || query->count() != 1 || rows->count() != count ||
      query->dimensions != rows->dimensions) {
    Log(Level::kWarning, "extract.embed_failed",
        {{"error", query.has_value()
                       ? (rows.has_value() ? "wrong shape" : rows.error().words().own())
                       : query.error().words().own()}});
    co_return false;
  }
  std::vector<double> cosines;
  for (std::size_t i = 0; i < count; ++i) cosines.push_back(Dot(query->row(0), rows->row(i)));
  SetCosines(candidates, cosines, pool);
  co_return true;
}

}  // namespace

std::vector<std::size_t> Candidates(const SentencePool& pool, std::size_t limit) {
  std::vector<std::size_t> order(pool.sentences.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto keep = std::min(limit, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(keep), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      const double x = pool.sentences[a].score;
                      const double y = pool.sentences[b].score;
                      return x != y ? x > y : a < b;
                    });
  order.resize(keep);
  return order;
}

std::string EmbeddedText(const SentencePool& pool, std::size_t index,
                         const std::vector<SourcePassage>& passages) {
  const auto& sentence = pool.sentences[index];
  if (!sentence.label.empty()) return sentence.label;
  const auto text = passages[sentence.passage].text;
  auto begin = sentence.span.begin;
  if (sentence.leans && index > 0 && pool.sentences[index - 1].passage == sentence.passage) {
    begin = pool.sentences[index - 1].span.begin;
  }
  return std::string(text.substr(begin, sentence.span.end - begin));
}

void SetCosines(std::span<const std::size_t> candidates, std::span<const double> cosines,
                SentencePool& pool) {
  auto& sentences = pool.sentences;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    sentences[candidates[i]].features.cosine = cosines[i];
  }
  for (std::size_t i = 0; i + 1 < sentences.size(); ++i) {
    auto& a = sentences[i];
    auto& b = sentences[i + 1];
    if (a.passage != b.passage) continue;
    a.features.near = std::max(a.features.near, b.features.cosine);
    b.features.near = std::max(b.features.near, a.features.cosine);
  }
}

Task<Result<ScoredPool>> ScorePool(std::string question, std::vector<SourcePassage> passages,
                                   const Vectors& vectors, std::size_t embed_max,
                                   RequestContext& ctx) {
  ScoredPool scored;
  auto& pool = scored.pool;
  pool = BuildPool(question, passages);
  ScoreSentences(pool, VectorKind::kNone);
  if (pool.sentences.empty() || pool.question.words.empty()) co_return scored;
  const auto candidates = Candidates(pool, embed_max);
  if (vectors.sentences) {
    std::vector<std::string> texts;
    for (std::size_t index : candidates) texts.push_back(EmbeddedText(pool, index, passages));
    STRATA_CO_TRY(const bool added, co_await AddCosines(*vectors.sentences, std::move(question),
                                                        std::move(texts), candidates, pool, ctx));
    if (added) scored.vectors = KindOf(*vectors.sentences);
    ScoreSentences(pool, scored.vectors);
  }
  Coverage coverage(pool, passages, vectors.words);
  ConstraintCheck constraints(pool, passages);
  SetCoverage(candidates, coverage, constraints, pool);
  co_return scored;
}

}  // namespace strata::knowledge
