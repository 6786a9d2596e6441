#include "knowledge/extract.h"

#include <utility>

#include "knowledge/answer/rank_passages.h"
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

Extractor::Extractor(std::shared_ptr<provider::Embedder> embedder,
                     std::shared_ptr<const vector::StaticEmbedder> words, ExtractOptions options)
    : embedder_(std::move(embedder)), words_(std::move(words)), options_(options) {}

Task<Result<Extracted>> Extractor::Answer(std::string question, std::vector<SourcePassage> passages,
                                          RequestContext& ctx) const {
  Span span = ctx.span.Child("knowledge.extract");
  std::swap(span, ctx.span);
  const auto given = passages.size();
  passages = Ranked(question, std::move(passages), options_.passages_max, words_.get());
  const Vectors vectors{.sentences = embedder_.get(), .words = words_.get()};
  auto scored =
      co_await ScorePool(std::move(question), passages, vectors, options_.embed_sentences_max, ctx);
  std::swap(span, ctx.span);
  if (!scored.has_value()) {
    span.Fail(scored.error());
    co_return std::unexpected(std::move(scored.error()));
  }
  const auto& pool = scored->pool;
  span.Set("passages", passages.size());
  span.Set("passages_left_out", given - passages.size());
  span.Set("sentences", pool.sentences.size());
  span.Set("with_vectors", scored->with_vectors);
  if (pool.sentences.empty() || pool.question.words.empty()) co_return Refusal(0);
  const double probability = AnswerProbability(FeaturesOf(pool), scored->with_vectors);
  span.Set("probability", probability);
  std::vector<std::size_t> selected;
  if (probability >= options_.answer_threshold)
    selected = SelectSentences(pool, passages, options_);
  span.Set("answered", !selected.empty());
  if (selected.empty()) co_return Refusal(probability);
  auto extracted = WriteAnswer(pool, passages, selected);
  extracted.probability = probability;
  co_return extracted;
}

}  // namespace strata::knowledge
