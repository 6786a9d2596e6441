#include "knowledge/answer/select_sentences.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/utf8.h"
#include "knowledge/answer/coverage.h"
#include "knowledge/retrieval.h"
#include "text/normalize.h"

namespace strata::knowledge {
namespace {

// A further sentence is taken while its score is this close to the best one's (log-odds).
// Wider touches more of the answer and quotes more beside it; docs/measurements-answers.md.
constexpr double kScoreMargin = 0.5;

// How far below the best one the best that covers the question may lie: what speaks of it most is
// often a near miss beside the answer.
constexpr double kBelowBest = 2.5;

// The sentence as it stands in its source.
std::string_view TextAt(const PoolSentence& sentence, const std::vector<SourcePassage>& passages) {
  return passages[sentence.passage].text.substr(sentence.span.begin,
                                                sentence.span.end - sentence.span.begin);
}

// … and while it speaks of the question nearly as much: what merely holds a name or a number is no
// answer to it.
constexpr double kContextShare = 0.6;

// What tells documents apart, whether they were retrieved or came with the request.
std::string DocumentKey(const domain::Citation& origin) {
  if (!origin.document_id.empty()) return origin.document_id;
  return std::to_string(origin.document_index) + "/" + origin.source_uri;
}

// A heading says what the sentences below it speak of, not what they say. A short line that is
// marked as none and holds the kind of thing that is asked for may be data.
bool IsMereHeading(const SentencePool& pool, const std::vector<SourcePassage>& passages,
                   std::size_t index) {
  const auto& sentence = pool.sentences[index];
  const auto text = TextAt(sentence, passages);
  const auto& passage = passages[sentence.passage];
  if (sentence.features.complete > 0 && !sentence.heading) return false;
  if (text.starts_with('#') || text == passage.title) return true;
  // "Article 4. Fishing rights" is two sentences.
  if (std::ranges::any_of(passage.headings,
                          [&](const auto& heading) { return heading.ends_with(text); })) {
    return true;
  }
  if (!sentence.heading) return false;
  const bool over = index + 1 < pool.sentences.size() &&
                    pool.sentences[index + 1].passage == sentence.passage &&
                    !pool.sentences[index + 1].heading;
  return over && sentence.features.kind <= 0 && sentence.features.measure <= 0;
}

std::vector<std::size_t> ByScore(const SentencePool& pool) {
  std::vector<std::size_t> order(pool.sentences.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const double x = pool.sentences[a].score;
    const double y = pool.sentences[b].score;
    return x != y ? x > y : a < b;
  });
  return order;
}

// Keeps what was taken: no text twice (overlapping passages repeat sentences), no more bytes than
// allowed.
class Selection {
 public:
  Selection(const SentencePool& pool, const std::vector<SourcePassage>& passages,
            const ExtractOptions& options)
      : pool_(pool), passages_(passages), options_(options) {}

  bool Full() const { return taken_.size() >= options_.sentences_max; }

  bool Take(std::size_t index) {
    const auto text = TextAt(pool_.sentences[index], passages_);
    if (Full() || (!taken_.empty() && bytes_ + text.size() > options_.answer_bytes_max)) {
      return false;
    }
    if (!texts_.insert(text::CollapseSpace(text)).second) return false;
    bytes_ += text.size();
    taken_.push_back(index);
    return true;
  }

  std::vector<std::size_t> Release() { return std::move(taken_); }

 private:
  const SentencePool& pool_;
  const std::vector<SourcePassage>& passages_;
  const ExtractOptions& options_;
  std::vector<std::size_t> taken_;
  std::set<std::string> texts_;
  std::size_t bytes_ = 0;
};

// What a sentence that begins with a pronoun speaks of: the nearest sentence before it that begins
// with none, when it adds words of the question. The index itself for none.
std::size_t Antecedent(const SentencePool& pool, std::size_t index) {
  constexpr std::size_t kBackMax = 3;
  const auto& sentence = pool.sentences[index];
  auto at = index;
  while (at > 0 && index - at < kBackMax && pool.sentences[at].leans &&
         pool.sentences[at - 1].passage == sentence.passage) {
    --at;
  }
  const auto& found = pool.sentences[at];
  return !found.leans && (found.words & ~sentence.words) != 0 ? at : index;
}

void SortForReading(const SentencePool& pool, const std::vector<SourcePassage>& passages,
                    std::vector<std::size_t>& selected) {
  std::map<std::string, std::size_t> rank;  // document → place of its best sentence
  for (std::size_t i = 0; i < selected.size(); ++i) {
    rank.emplace(DocumentKey(passages[pool.sentences[selected[i]].passage].origin), i);
  }
  const auto key = [&](std::size_t index) {
    const auto& sentence = pool.sentences[index];
    const auto& origin = passages[sentence.passage].origin;
    return std::tuple(rank.at(DocumentKey(origin)), origin.source_start, sentence.passage,
                      sentence.span.begin);
  };
  std::ranges::sort(selected, [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
}

}  // namespace

std::vector<std::size_t> SelectSentences(const SentencePool& pool,
                                         const std::vector<SourcePassage>& passages,
                                         const ExtractOptions& options) {
  Selection selection(pool, passages, options);
  const auto order = ByScore(pool);
  if (order.empty()) return {};
  const PoolSentence* best = nullptr;
  for (std::size_t index : order) {
    if (selection.Full()) break;
    const auto& sentence = pool.sentences[index];
    if (!best && sentence.score < pool.sentences[order.front()].score - kBelowBest) break;
    if (best && sentence.score < best->score - kScoreMargin) break;
    if (best && sentence.features.context < kContextShare * best->features.context) continue;
    if (!Covers(sentence, pool.question) || IsMereHeading(pool, passages, index)) continue;
    if (!best) best = &sentence;
    if (!selection.Take(index)) continue;
    if (const auto subject = Antecedent(pool, index); subject != index) selection.Take(subject);
  }
  auto selected = selection.Release();
  SortForReading(pool, passages, selected);
  return selected;
}

domain::Citation CiteSpan(const SourcePassage& passage, text::TextSpan span) {
  domain::Citation citation = passage.origin;
  citation.quoted = passage.text.substr(span.begin, span.end - span.begin);
  if (citation.place == domain::CitationPlace::kText) {
    const auto before = CodePointCount(passage.text.substr(0, span.begin));
    citation.source_start = passage.origin.source_start + static_cast<std::int64_t>(before);
    citation.source_end =
        citation.source_start + static_cast<std::int64_t>(CodePointCount(citation.quoted));
  }
  if (!passage.lines.empty()) {
    auto pages = RegionsOf(passage.lines, span.begin, span.end);
    if (!pages.empty()) citation.pages = std::move(pages);
  }
  return citation;
}

Extracted WriteAnswer(const SentencePool& pool, const std::vector<SourcePassage>& passages,
                      const std::vector<std::size_t>& selected) {
  Extracted out;
  out.answered = true;
  std::int64_t at = 0;  // code points written
  std::size_t last_passage = SIZE_MAX;
  for (std::size_t index : selected) {
    const auto& sentence = pool.sentences[index];
    ExtractedSentence entry;
    entry.text = text::CollapseSpace(sentence.label.empty() ? TextAt(sentence, passages)
                                                            : std::string_view(sentence.label));
    entry.score = sentence.score;
    entry.citation = CiteSpan(passages[sentence.passage], sentence.span);
    entry.quoted_at = sentence.span.begin;
    entry.lines = passages[sentence.passage].lines;
    if (!out.text.empty()) {
      out.text += last_passage == sentence.passage ? " " : "\n\n";
      at += last_passage == sentence.passage ? 1 : 2;
    }
    last_passage = sentence.passage;
    entry.citation.answer_start = at;
    at += static_cast<std::int64_t>(CodePointCount(entry.text));
    entry.citation.answer_end = at;
    out.text += entry.text;
    out.sentences.push_back(std::move(entry));
  }
  return out;
}

}  // namespace strata::knowledge
