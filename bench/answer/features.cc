#include "bench/answer/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/utf8.h"
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

void WritePool(std::ostream& out, const Question& question, std::size_t number,
               const std::string& base, const std::vector<SourcePassage>& passages,
               const ScoredPool& scored) {
  Gold gold;
  for (const auto& [from, to] : question.spans) gold.chars += to - from;
  if (base == question.base) {
    for (const auto& passage : passages) {
      gold.inside +=
          GoldIn(question, passage.origin.source_start, passage.origin.source_end).inside;
    }
    for (const auto& sentence : scored.pool.sentences) {
      if (scored.with_vectors && sentence.features.cosine == 0) continue;
      const auto part = GoldOf(question, passages[sentence.passage], sentence.span);
      WriteRow(out, "sentence", scored.with_vectors, question, number,
               part.share >= kGoldShare ? 1 : 0, part, ValuesOf(sentence.features));
    }
  }
  const int label = base != question.base ? 0 : gold.inside > 0 ? 1 : -1;
  WriteRow(out, "pool", scored.with_vectors, question, number, label, gold,
           ValuesOf(FeaturesOf(scored.pool)));
}

}  // namespace

Result<> WriteFeatures(Bases& bases, const QuestionSet& set, const std::string& path) {
  std::ofstream out(path);
  if (!out) return Fail(Code::kUnavailable, "cannot write " + path);
  WriteNames(out);
  const knowledge::ExtractOptions options;
  for (std::size_t i = 0; i < set.questions.size(); ++i) {
    const auto& question = set.questions[i];
    for (const auto& [base, documents] : set.bases) {
      STRATA_TRY(auto found, bases.Retrieve(base, question.text, bases.results()));
      const auto passages = knowledge::PassagesOf(found.results);
      for (auto* embedder : {static_cast<provider::Embedder*>(nullptr), &bases.embedder()}) {
        RequestContext ctx;
        STRATA_TRY(auto scored,
                   bases.runtime().Run(knowledge::ScorePool(question.text, passages, embedder,
                                                            options.embed_sentences_max, ctx)));
        WritePool(out, question, i, base, passages, scored);
      }
    }
  }
  if (!out.flush()) return Fail(Code::kUnavailable, "cannot write " + path);
  return {};
}

}  // namespace strata::bench
