#include "bench/answer/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/utf8.h"
#include "bench/answer/score.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answer/score_pool.h"
#include "knowledge/extract.h"

namespace strata::bench {
namespace {

using knowledge::ScoredPool;
using knowledge::SourcePassage;

// A sentence is gold when a gold span covers this much of it, or it covers this much of a span.
constexpr double kGoldShare = 0.5;

struct Gold {
  std::int64_t chars = 0;  // of [begin, end)
  std::int64_t inside = 0;
  double share = 0;  // the most that sentence and one span have in common, of the shorter one
};

Gold GoldIn(const Question& question, std::int64_t begin, std::int64_t end) {
  Gold gold;
  gold.chars = end - begin;
  for (const auto& [from, to] : question.spans) {
    const auto both = std::min(end, to) - std::max(begin, from);
    if (both <= 0) continue;
    gold.inside += both;
    const auto shorter = std::min(gold.chars, to - from);
    gold.share = std::max(gold.share, static_cast<double>(both) / static_cast<double>(shorter));
  }
  return gold;
}

Gold GoldOf(const Question& question, const SourcePassage& passage, text::TextSpan span) {
  const auto begin = passage.origin.source_start +
                     static_cast<std::int64_t>(CodePointCount(passage.text.substr(0, span.begin)));
  const auto chars = static_cast<std::int64_t>(
      CodePointCount(passage.text.substr(span.begin, span.end - span.begin)));
  return GoldIn(question, begin, begin + chars);
}

template <class Values>
void WriteRow(std::ostream& out, std::string_view kind, bool with_vectors, const Question& question,
              std::size_t number, int label, const Gold& gold, const Values& values) {
  out << fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}", kind, with_vectors ? "with" : "words",
                     question.base, number, label, gold.chars, gold.inside);
  for (double value : values) out << fmt::format("\t{:.5g}", value);
  out << '\n';
}

void WriteNames(std::ostream& out) {
  out << "# sentence";
  for (auto name : knowledge::kSentenceFeatureNames) out << '\t' << name;
  out << "\n# pool";
  for (auto name : knowledge::kPoolFeatureNames) out << '\t' << name;
  out << '\n';
}

// Whose passages they are: of the question's own document, of that without those that hold gold, or
// of another document.
enum class Asked : std::uint8_t { kOwn, kNear, kOther };

Gold GoldOfPassages(const Question& question, const std::vector<SourcePassage>& passages) {
  Gold gold;
  for (const auto& [from, to] : question.spans) gold.chars += to - from;
  for (const auto& passage : passages) {
    gold.inside += GoldIn(question, passage.origin.source_start, passage.origin.source_end).inside;
  }
  return gold;
}

void WriteSentences(std::ostream& out, const Question& question, std::size_t number,
                    const std::vector<SourcePassage>& passages, const ScoredPool& scored) {
  const bool with_vectors = scored.vectors != knowledge::VectorKind::kNone;
  for (const auto& sentence : scored.pool.sentences) {
    if (with_vectors && sentence.features.cosine == 0) continue;
    const auto part = GoldOf(question, passages[sentence.passage], sentence.span);
    WriteRow(out, "sentence", with_vectors, question, number, part.share >= kGoldShare ? 1 : 0,
             part, ValuesOf(sentence.features));
  }
}

Result<> WritePassages(std::ostream& out, Bases& bases, const Question& question,
                       std::size_t number, Asked asked,
                       const std::vector<knowledge::RetrievedChunk>& chunks) {
  const auto passages = knowledge::PassagesOf(chunks);
  const knowledge::ExtractOptions options;
  const knowledge::Vectors both{.sentences = &bases.embedder(), .words = &bases.words()};
  for (const auto& vectors : {knowledge::Vectors{}, both}) {
    RequestContext ctx;
    STRATA_TRY(auto scored,
               bases.runtime().Run(knowledge::ScorePool(question.text, passages, vectors,
                                                        options.embed_sentences_max, ctx)));
    Gold gold;
    if (asked == Asked::kOwn) {
      WriteSentences(out, question, number, passages, scored);
      gold = GoldOfPassages(question, passages);
    }
    const int label = asked != Asked::kOwn ? 0 : gold.inside > 0 ? 1 : -1;
    const bool with_vectors = scored.vectors != knowledge::VectorKind::kNone;
    WriteRow(out, asked == Asked::kNear ? "near" : "pool", with_vectors, question, number, label,
             gold, ValuesOf(FeaturesOf(scored.pool)));
  }
  return {};
}

}  // namespace

Result<> WriteFeatures(Bases& bases, const QuestionSet& set, const std::string& path) {
  std::ofstream out(path);
  if (!out) return Fail(Code::kUnavailable, "cannot write " + path);
  WriteNames(out);
  for (std::size_t i = 0; i < set.questions.size(); ++i) {
    const auto& question = set.questions[i];
    const auto results = static_cast<std::size_t>(bases.results());
    for (const auto& [base, documents] : set.bases) {
      const bool own = base == question.base;
      STRATA_TRY(auto found,
                 bases.Retrieve(base, question.text, bases.results() + (own ? kSpare : 0)));
      auto rest = found.results;
      found.results.resize(std::min(found.results.size(), results));
      STRATA_CHECK_OK(
          WritePassages(out, bases, question, i, own ? Asked::kOwn : Asked::kOther, found.results));
      if (!own) continue;
      std::erase_if(rest, [&](const auto& chunk) { return HoldsGold(question, chunk); });
      rest.resize(std::min(rest.size(), results));
      STRATA_CHECK_OK(WritePassages(out, bases, question, i, Asked::kNear, rest));
    }
  }
  if (!out.flush()) return Fail(Code::kUnavailable, "cannot write " + path);
  return {};
}

}  // namespace strata::bench
