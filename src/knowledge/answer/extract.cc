#include "knowledge/extract.h"

#include <algorithm>

#include "base/log.h"
#include "knowledge/answer/select_sentences.h"
#include "knowledge/answer/sentence_pool.h"

namespace strata::knowledge {
namespace {

Extracted Refusal(double probability) {
  Extracted out;
  out.probability = probability;
  out.text = kRefusal;
  return out;
}

// The sentences that words rank highest; only they are worth the embedder's time.
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

double Dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// What a sentence is embedded as: a fragment that leans on the one before it says little alone.
std::string EmbeddedSentence(const SentencePool& pool, std::size_t index,
                             const std::vector<SourcePassage>& passages) {
  const auto& sentence = pool.sentences[index];
  const auto text = passages[sentence.passage].text;
  auto begin = sentence.span.begin;
  if (sentence.leans && index > 0 && pool.sentences[index - 1].passage == sentence.passage) {
    begin = pool.sentences[index - 1].span.begin;
  }
  return std::string(text.substr(begin, sentence.span.end - begin));
}

// Fills `cosine` of the candidates and drops the others from the pool. Only cancel and deadline are
// errors; false when the embedder failed otherwise.
Task<Result<bool>> AddCosines(provider::Embedder& embedder, const std::string& question,
                              const std::vector<SourcePassage>& passages,
                              const std::vector<std::size_t>& candidates, SentencePool& pool,
                              RequestContext& ctx) {
  std::vector<std::string> texts;
  for (std::size_t index : candidates) {
    texts.push_back(EmbeddedSentence(pool, index, passages));
  }
  std::vector<std::string> questions = {question};
  auto query = co_await embedder.Embed(std::move(questions), provider::EmbedPurpose::kQuery, ctx);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  auto rows = co_await embedder.Embed(std::move(texts), provider::EmbedPurpose::kDocument, ctx);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  if (!query.has_value() || !rows.has_value() || query->count() != 1 ||
      rows->count() != candidates.size() || query->dimensions != rows->dimensions) {
    Log(Level::kWarning, "extract.embed_failed",
        {{"error", query.has_value() ? (rows.has_value() ? "wrong shape" : rows.error().message())
                                     : query.error().message()}});
    co_return false;
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    pool.sentences[candidates[i]].features.cosine = Dot(query->row(0), rows->row(i));
  }
  co_return true;
}

}  // namespace

Extractor::Extractor(std::shared_ptr<provider::Embedder> embedder, ExtractOptions options)
    : embedder_(std::move(embedder)), options_(options) {}

Task<Result<Extracted>> Extractor::Answer(std::string question, std::vector<SourcePassage> passages,
                                          RequestContext& ctx) const {
  Span span = ctx.span.Child("knowledge.extract");
  SentencePool pool = BuildPool(question, passages);
  span.Set("passages", passages.size());
  span.Set("sentences", pool.sentences.size());
  if (pool.sentences.empty() || pool.question.words.empty()) co_return Refusal(0);
  ScoreSentences(pool, false);
  bool with_vectors = false;
  if (embedder_) {
    const auto candidates = Candidates(pool, options_.embed_sentences_max);
    STRATA_CO_TRY(with_vectors,
                  co_await AddCosines(*embedder_, question, passages, candidates, pool, ctx));
    if (with_vectors) ScoreSentences(pool, true);
  }
  const double probability = AnswerProbability(FeaturesOf(pool), with_vectors);
  span.Set("probability", probability);
  span.Set("with_vectors", with_vectors);
  span.Set("answered", probability >= options_.answer_threshold);
  if (probability < options_.answer_threshold) co_return Refusal(probability);
  auto extracted = WriteAnswer(pool, passages, SelectSentences(pool, passages, options_));
  extracted.probability = probability;
  co_return extracted;
}

}  // namespace strata::knowledge
