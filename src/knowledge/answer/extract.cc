#include "knowledge/extract.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "domain/refusal.h"
#include "knowledge/answer/asked.h"
#include "knowledge/answer/last_question.h"
#include "knowledge/answer/question_parts.h"
#include "knowledge/answer/rank_passages.h"
#include "knowledge/answer/score_pool.h"
#include "knowledge/answer/select_sentences.h"
#include "knowledge/answer/summary.h"
#include "text/language.h"

namespace strata::knowledge {
namespace {

Extracted Refusal(double probability, std::string_view question) {
  Extracted out;
  out.probability = probability;
  out.text = domain::RefusalIn(text::GuessLanguage(LastQuestion(question)));
  return out;
}

Extracted AnswerFrom(const ScoredPool& scored, const std::vector<SourcePassage>& passages,
                     const ExtractOptions& options, std::string_view question) {
  const auto& pool = scored.pool;
  if (pool.sentences.empty() || pool.question.words.empty()) return Refusal(0, question);
  double probability = AnswerProbability(FeaturesOf(pool), scored.vectors);
  std::vector<std::size_t> selected;
  if (AsksForSummary(question)) {
    selected = SummarySentences(pool, passages, options);
    probability = selected.empty() ? 0 : 1;
  } else if (probability >= options.answer_threshold) {
    selected = SelectSentences(pool, passages, options);
  }
  if (selected.empty()) return Refusal(probability, question);
  auto extracted = WriteAnswer(pool, passages, selected);
  extracted.probability = probability;
  return extracted;
}

bool IsSame(const domain::Citation& a, const domain::Citation& b) {
  return a.document_index == b.document_index && a.source_start == b.source_start &&
         a.quoted == b.quoted && a.chunk_id == b.chunk_id;
}

// Adds the sentences that are not there yet.
void Append(Extracted&& part, Extracted& whole) {
  whole.probability = std::max(whole.probability, part.probability);
  whole.answered = whole.answered || part.answered;
  for (auto& sentence : part.sentences) {
    const bool known = std::ranges::any_of(whole.sentences, [&](const auto& other) {
      return IsSame(other.citation, sentence.citation);
    });
    if (known) continue;
    if (!whole.text.empty()) whole.text += "\n\n";
    auto& citation = sentence.citation;
    citation.answer_start = static_cast<std::int64_t>(CodePointCount(whole.text));
    whole.text += sentence.text;
    citation.answer_end = static_cast<std::int64_t>(CodePointCount(whole.text));
    whole.sentences.push_back(std::move(sentence));
  }
}

// Said of the parts of a question that nothing answers; never cited.
std::string NotSaid(const std::vector<std::string>& parts, std::string_view language) {
  std::string text(domain::NotSaidIn(language));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    text += (i == 0 ? " \"" : "; \"") + parts[i] + '"';
  }
  return text + ".";
}

}  // namespace

Extractor::Extractor(std::shared_ptr<provider::Embedder> embedder,
                     std::shared_ptr<const vector::StaticEmbedder> words, ExtractOptions options)
    : embedder_(std::move(embedder)), words_(std::move(words)), options_(options) {}

Task<Result<Extracted>> Extractor::AnswerPart(std::string question, const Given& given,
                                              const ExtractOptions& options,
                                              RequestContext& ctx) const {
  const auto& passages = given.passages;
  Span span = ctx.span.Child("knowledge.extract");
  std::swap(span, ctx.span);
  const Vectors vectors{.sentences = embedder_.get(), .words = words_.get()};
  auto scored = co_await ScorePool(question, passages, vectors, options.embed_sentences_max, ctx);
  std::swap(span, ctx.span);
  if (!scored.has_value()) {
    span.Fail(scored.error());
    co_return std::unexpected(std::move(scored.error()));
  }
  span.Set("passages", passages.size());
  span.Set("passages_left_out", given.left_out);
  span.Set("sentences", scored->pool.sentences.size());
  span.Set("with_vectors", scored->vectors != VectorKind::kNone);
  auto extracted = AnswerFrom(*scored, passages, options, question);
  span.Set("probability", extracted.probability);
  span.Set("answered", extracted.answered);
  co_return extracted;
}

Task<Result<Extracted>> Extractor::Answer(std::string question, std::vector<SourcePassage> passages,
                                          RequestContext& ctx) const {
  question = Asked(question);
  const auto count = passages.size();
  Given given;
  given.passages = Ranked(question, std::move(passages), options_.passages_max, words_.get());
  given.left_out = count - given.passages.size();
  const auto parts = QuestionParts(question);
  if (parts.size() == 1) co_return co_await AnswerPart(question, given, options_, ctx);
  auto options = options_;
  options.sentences_max = std::max<std::size_t>(1, options_.sentences_max / 2);
  options.answer_bytes_max = options_.answer_bytes_max / parts.size();
  Extracted whole;
  std::vector<std::string> open;  // parts that are not answered
  for (const auto& part : parts) {
    STRATA_CO_TRY(auto answer, co_await AnswerPart(part.text, given, options, ctx));
    if (!answer.answered) open.emplace_back(part.as);
    Append(std::move(answer), whole);
  }
  if (!whole.answered) co_return Refusal(whole.probability, question);
  if (!open.empty())
    whole.text += "\n\n" + NotSaid(open, text::GuessLanguage(LastQuestion(question)));
  co_return whole;
}

}  // namespace strata::knowledge
