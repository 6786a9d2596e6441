#include "knowledge/extract.h"

#include <utility>

#include "knowledge/answer/score_pool.h"
#include "knowledge/answer/select_sentences.h"

namespace strata::knowledge {
namespace {

Extracted Refusal(double probability) {
  Extracted out;
  out.probability = probability;
  out.text = kRefusal;
  return out;
}

}  // namespace

Extractor::Extractor(std::shared_ptr<provider::Embedder> embedder, ExtractOptions options)
    : embedder_(std::move(embedder)), options_(options) {}

Task<Result<Extracted>> Extractor::Answer(std::string question, std::vector<SourcePassage> passages,
                                          RequestContext& ctx) const {
  Span span = ctx.span.Child("knowledge.extract");
  std::swap(span, ctx.span);
  auto scored = co_await ScorePool(std::move(question), passages, embedder_.get(),
                                   options_.embed_sentences_max, ctx);
  std::swap(span, ctx.span);
  if (!scored.has_value()) {
    span.Fail(scored.error());
    co_return std::unexpected(std::move(scored.error()));
  }
  const auto& pool = scored->pool;
  span.Set("passages", passages.size());
  span.Set("sentences", pool.sentences.size());
  span.Set("with_vectors", scored->with_vectors);
  if (pool.sentences.empty() || pool.question.words.empty()) co_return Refusal(0);
  const double probability = AnswerProbability(FeaturesOf(pool), scored->with_vectors);
  span.Set("probability", probability);
  span.Set("answered", probability >= options_.answer_threshold);
  if (probability < options_.answer_threshold) co_return Refusal(probability);
  auto extracted = WriteAnswer(pool, passages, SelectSentences(pool, passages, options_));
  extracted.probability = probability;
  co_return extracted;
}

}  // namespace strata::knowledge
