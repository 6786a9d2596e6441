// bench_answer: how well questions over documents are answered without a language model, and with
// the small one that is shipped.
//
//   bench_answer --data DIR [--questions N] [--multihop N] [--model ID] [--embedder ID]
//
// DIR holds retrieval/chunking and multihop/2wiki-dev. --questions and --multihop: how many of each
// set, evenly spread (0: none). --model: a language model instead of builtin/extract. Prints, for
// the chunking set: answers that touch a gold span, gold characters that are cited, wrong refusals,
// and right refusals when each question is asked against the next document; for the multi-hop set:
// answers that contain the gold string, and of which the retrieved passages contain it at all.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/answer/bases.h"
#include "text/normalize.h"
#include "text/sentences.h"

namespace strata::bench {
namespace {

struct Arguments {
  std::string data;
  std::size_t questions = 1000;
  std::size_t multihop = 100;
  std::string model;
  std::string embedder = std::string(provider::kBuiltinEmbedder);
};

// Every n-th, so that a part stands for the whole.
std::vector<Question> Spread(const std::vector<Question>& all, std::size_t count) {
  std::vector<Question> out;
  count = std::min(count, all.size());
  for (std::size_t i = 0; i < count; ++i) out.push_back(all[i * all.size() / count]);
  return out;
}

struct Tally {
  int asked = 0, refused = 0, touched = 0, wrong_asked = 0, wrong_refused = 0, gold_found = 0;
  double covered = 0;
  int sentences = 0, supported = 0;
};

// Share of the gold characters inside the cited spans.
double Covered(const Question& question, const std::vector<domain::Citation>& citations) {
  std::int64_t gold = 0;
  std::int64_t inside = 0;
  for (const auto& [begin, end] : question.spans) {
    gold += end - begin;
    std::vector<bool> hit(static_cast<std::size_t>(end - begin));
    for (const auto& citation : citations) {
      for (auto at = std::max(begin, citation.source_start);
           at < std::min(end, citation.source_end); ++at) {
        hit[static_cast<std::size_t>(at - begin)] = true;
      }
    }
    inside += std::ranges::count(hit, true);
  }
  return gold > 0 ? static_cast<double>(inside) / static_cast<double>(gold) : 0;
}

std::vector<domain::Citation> CitationsOf(const domain::ChatResponse& response) {
  std::vector<domain::Citation> out;
  for (const auto& block : response.content) {
    if (const auto* text = std::get_if<domain::TextBlock>(&block)) {
      out.insert(out.end(), text->citations.begin(), text->citations.end());
    }
  }
  return out;
}

// Sentences of the answer, and those that a citation covers.
void CountSupported(const Asked& asked, Tally& tally) {
  const auto text = domain::TextOf(asked.response.content);
  const auto citations = CitationsOf(asked.response);
  std::vector<std::int64_t> starts;
  for (const auto& citation : citations) starts.push_back(citation.answer_start);
  std::ranges::sort(starts);
  const auto distinct = std::ranges::unique(starts).begin() - starts.begin();
  const auto sentences = static_cast<std::ptrdiff_t>(text::SplitSentences(text).size());
  tally.sentences += static_cast<int>(std::max(sentences, distinct));
  tally.supported += static_cast<int>(distinct);
}

bool Retrieved(const Question& question, const knowledge::RetrieveResponse& found) {
  std::vector<domain::Citation> whole;
  for (const auto& chunk : found.results) {
    domain::Citation citation;
    citation.source_start = chunk.start;
    citation.source_end = chunk.end;
    whole.push_back(citation);
  }
  return Covered(question, whole) > 0;
}

Result<> RunChunking(const Arguments& args, Bases& bases) {
  STRATA_TRY(auto set, LoadChunking(args.data + "/retrieval/chunking"));
  STRATA_CHECK_OK(bases.Add(set));
  Tally tally;
  for (const auto& question : Spread(set.questions, args.questions)) {
    STRATA_TRY(auto asked, bases.Ask(question.base, question.text, args.model));
    ++tally.asked;
    tally.gold_found += Retrieved(question, asked.found) ? 1 : 0;
    tally.refused += asked.refused ? 1 : 0;
    if (!asked.refused) {
      const double covered = Covered(question, CitationsOf(asked.response));
      tally.touched += covered > 0 ? 1 : 0;
      tally.covered += covered;
      CountSupported(asked, tally);
    }
    const auto own =
        std::ranges::find(set.bases, question.base, &decltype(set.bases)::value_type::first);
    const auto other = (static_cast<std::size_t>(own - set.bases.begin()) + 1) % set.bases.size();
    STRATA_TRY(auto wrong, bases.Ask(set.bases[other].first, question.text, args.model));
    ++tally.wrong_asked;
    tally.wrong_refused += wrong.refused ? 1 : 0;
  }
  const double n = std::max(1, tally.asked);
  std::printf("chunking, %d questions\n", tally.asked);
  std::printf("  gold span among the retrieved passages  %.3f\n", tally.gold_found / n);
  std::printf("  answer touches a gold span              %.3f\n", tally.touched / n);
  std::printf("  gold characters cited                   %.3f\n", tally.covered / n);
  std::printf("  sentences with a supporting citation    %.3f\n",
              tally.supported / std::max(1.0, static_cast<double>(tally.sentences)));
  std::printf("  wrongly refused                         %.3f\n", tally.refused / n);
  std::printf("  rightly refused (against another document) %.3f\n", tally.wrong_refused / n);
  return {};
}

Result<> RunMultihop(const Arguments& args, Bases& bases) {
  STRATA_TRY(auto set, LoadMultihop(args.data + "/multihop/2wiki-dev"));
  STRATA_CHECK_OK(bases.Add(set));
  int asked_count = 0, contained = 0, retrieved = 0, refused = 0;
  for (const auto& question : Spread(set.questions, args.multihop)) {
    STRATA_TRY(auto asked, bases.Ask(question.base, question.text, args.model));
    const auto gold = text::FoldAccents(question.answer);
    const auto answer = text::FoldAccents(domain::TextOf(asked.response.content));
    ++asked_count;
    refused += asked.refused ? 1 : 0;
    contained += !asked.refused && answer.find(gold) != std::string::npos ? 1 : 0;
    retrieved += std::ranges::any_of(asked.found.results, [&](const auto& chunk) {
      return text::FoldAccents(chunk.title + " " + chunk.text).find(gold) != std::string::npos;
    });
  }
  const double n = std::max(1, asked_count);
  std::printf("2wiki-dev, %d questions\n", asked_count);
  std::printf("  gold answer in the retrieved passages   %.3f\n", retrieved / n);
  std::printf("  answer contains the gold answer         %.3f\n", contained / n);
  std::printf("  refused                                 %.3f\n", refused / n);
  return {};
}

Result<> RunAll(const Arguments& args) {
  STRATA_TRY(auto bases, Bases::Open(args.embedder));
  std::printf(
      "model %s, embedder %s\n",
      args.model.empty() ? std::string(knowledge::kExtractModelId).c_str() : args.model.c_str(),
      args.embedder.c_str());
  if (args.questions > 0) STRATA_CHECK_OK(RunChunking(args, *bases));
  if (args.multihop > 0) STRATA_CHECK_OK(RunMultihop(args, *bases));
  return {};
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  strata::bench::Arguments args;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--data") args.data = argv[i + 1];
    if (name == "--questions") args.questions = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--multihop") args.multihop = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--model") args.model = argv[i + 1];
    if (name == "--embedder") args.embedder = argv[i + 1];
  }
  if (args.data.empty()) {
    std::fprintf(stderr,
                 "usage: bench_answer --data DIR [--questions N] [--multihop N] "
                 "[--model ID] [--embedder ID]\n");
    return 2;
  }
  if (auto done = strata::bench::RunAll(args); !done.has_value()) {
    std::fprintf(stderr, "%s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
