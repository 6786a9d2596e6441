// bench_answer: how well questions over documents are answered without a language model, and beside
// it with the small one that is shipped.
//
//   bench_answer --data DIR [--models A,B] [--corpora A,B] [--questions N] [--multihop N]
//                [--taken-out yes|no] [--embedder ID] [--sentences ID] [--keep DIR]
//   bench_answer --data DIR --features FILE [--embedder ID] [--keep DIR]
//
// DIR holds retrieval/chunking and multihop/2wiki-dev. --corpora: the documents of the chunking set
// whose questions are asked (default: all). --questions and --multihop: how many of each
// set, evenly spread (0: none). --taken-out: whether each question is also asked over what is
// retrieved when the passages that hold gold are not there. --models: default builtin/extract.
// --keep: a folder for the knowledge bases, indexed once and used again by the next run.
// --embedder indexes and retrieves; --sentences gives the extractor its vectors (default: the
// same). Prints one table, a column a model; progress on stderr. --features writes the rows that
// fit.py learns from instead.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

#include "bench/answer/bases.h"
#include "bench/answer/features.h"
#include "bench/answer/score.h"

namespace strata::bench {
namespace {

// A model on a busy machine takes many seconds a question: says how far it is.
void Progress(std::string_view set, std::size_t done, std::size_t all) {
  fmt::print(stderr, "\r{}: {} of {} questions{}", set, done, all, done == all ? "\n" : "");
  std::fflush(stderr);
}

struct Arguments {
  std::string data;
  std::string features;
  std::string keep;
  std::vector<std::string> models = {std::string(knowledge::kExtractModelId)};
  std::vector<std::string> corpora;  // of the chunking set; empty: all
  std::size_t questions = 1000;
  std::size_t multihop = 100;
  bool taken_out = true;
  std::string embedder = std::string(provider::kBuiltinEmbedder);
  std::string sentences;
};

// Every n-th, so that a part stands for the whole.
std::vector<Question> Spread(const std::vector<Question>& all, std::size_t count) {
  std::vector<Question> out;
  count = std::min(count, all.size());
  for (std::size_t i = 0; i < count; ++i) out.push_back(all[i * all.size() / count]);
  return out;
}

std::vector<Question> OfCorpora(std::vector<Question> all,
                                const std::vector<std::string>& corpora) {
  if (corpora.empty()) return all;
  std::erase_if(all, [&](const Question& question) {
    return std::ranges::find(corpora, question.base) == corpora.end();
  });
  return all;
}

using Passages = std::vector<knowledge::RetrievedChunk>;

Passages First(Passages passages, int count) {
  passages.resize(std::min(passages.size(), static_cast<std::size_t>(count)));
  return passages;
}

class Run {
 public:
  Run(const Arguments& args, Bases& bases) : args_(args), bases_(bases) {
    tallies_.resize(args.models.size());
  }

  Result<> Chunking() {
    STRATA_TRY(auto set, LoadChunking(args_.data + "/retrieval/chunking"));
    STRATA_CHECK_OK(bases_.Add(set));
    const auto questions = Spread(OfCorpora(set.questions, args_.corpora), args_.questions);
    for (std::size_t done = 0; const auto& question : questions) {
      STRATA_TRY(auto found, Find(question.base, question));
      const auto own =
          std::ranges::find(set.bases, question.base, &decltype(set.bases)::value_type::first);
      const auto next = (static_cast<std::size_t>(own - set.bases.begin()) + 1) % set.bases.size();
      STRATA_TRY(auto other, Find(set.bases[next].first, question));
      for (std::size_t i = 0; i < args_.models.size(); ++i) {
        STRATA_CHECK_OK(OwnDocument(question, found, i));
        STRATA_CHECK_OK(
            Unanswerable("chunking: refused, asked of another document", question, other, i));
        if (!args_.taken_out) continue;
        auto rest = found;
        std::erase_if(rest, [&](const auto& chunk) { return HoldsGold(question, chunk); });
        STRATA_CHECK_OK(Unanswerable("chunking: refused, gold taken out", question, rest, i));
      }
      Progress("chunking", ++done, questions.size());
    }
    return {};
  }

  Result<> Multihop() {
    STRATA_TRY(auto set, LoadMultihop(args_.data + "/multihop/2wiki-dev"));
    STRATA_CHECK_OK(bases_.Add(set));
    const auto questions = Spread(set.questions, args_.multihop);
    for (std::size_t done = 0; const auto& question : questions) {
      STRATA_TRY(auto found, Find(question.base, question));
      for (std::size_t i = 0; i < args_.models.size(); ++i) {
        STRATA_CHECK_OK(MultihopAnswer(question, found, i));
        if (!args_.taken_out) continue;
        auto rest = found;
        std::erase_if(rest, [&](const auto& chunk) {
          return std::ranges::find(question.documents, chunk.document_id) !=
                 question.documents.end();
        });
        STRATA_CHECK_OK(Unanswerable("2wiki: refused, gold taken out", question, rest, i));
      }
      Progress("2wiki", ++done, questions.size());
    }
    return {};
  }

  void Print() const {
    if (tallies_.empty()) return;
    fmt::print("| figure |");
    for (const auto& model : args_.models) fmt::print(" {} |", model);
    fmt::print("\n|---|");
    for (std::size_t i = 0; i < args_.models.size(); ++i) fmt::print("---|");
    fmt::print("\n");
    for (const auto& name : tallies_[0].names()) {
      fmt::print("| {} |", name);
      for (const auto& tally : tallies_) fmt::print(" {} |", tally.Mean(name));
      fmt::print("\n");
    }
  }

 private:
  Result<Passages> Find(const std::string& base, const Question& question) {
    STRATA_TRY(auto found, bases_.Retrieve(base, question.text, bases_.results() + kSpare));
    return std::move(found.results);
  }

  Result<Answer> Ask(const Question& question, const Passages& passages, std::size_t model) {
    return bases_.Ask(question.text, First(passages, bases_.results()), args_.models[model]);
  }

  Result<> OwnDocument(const Question& question, const Passages& found, std::size_t model) {
    STRATA_TRY(auto answer, Ask(question, found, model));
    auto& tally = tallies_[model];
    const auto passages = First(found, bases_.results());
    tally.Add("chunking: gold among the passages",
              std::ranges::any_of(passages, [&](const auto& p) { return HoldsGold(question, p); }));
    tally.Add("chunking: wrongly refused", answer.refused);
    const double covered = GoldCovered(question, answer.citations);
    tally.Add("chunking: cited spans touch gold", covered > 0);
    tally.Add("chunking: gold characters cited", covered);
    if (!answer.refused) {
      tally.Add("chunking: citations in gold", CitedInGold(question, answer.citations));
      tally.Add("chunking: citations an answer", static_cast<double>(answer.citations.size()));
    }
    tally.Add("chunking: answer holds half of gold's words",
              !answer.refused && WordsHeld(question.gold_text, answer.text) >= 0.5);
    AddSupport("chunking: sentences supported", answer, tally);
    tally.Add("chunking: seconds an answer", answer.seconds);
    return {};
  }

  Result<> MultihopAnswer(const Question& question, const Passages& found, std::size_t model) {
    STRATA_TRY(auto answer, Ask(question, found, model));
    auto& tally = tallies_[model];
    const auto passages = First(found, bases_.results());
    tally.Add("2wiki: gold answer in the passages",
              std::ranges::any_of(passages, [&](const auto& passage) {
                return Contains(passage.title + " . " + passage.text, question.answer);
              }));
    tally.Add("2wiki: answer contains gold answer",
              !answer.refused && Contains(answer.text, question.answer));
    AddSupport("2wiki: sentences supported", answer, tally);
    tally.Add("2wiki: refused", answer.refused);
    tally.Add("2wiki: seconds an answer", answer.seconds);
    return {};
  }

  Result<> Unanswerable(const std::string& name, const Question& question, const Passages& passages,
                        std::size_t model) {
    STRATA_TRY(auto answer, Ask(question, passages, model));
    tallies_[model].Add(name, answer.refused);
    return {};
  }

  static void AddSupport(const std::string& name, const Answer& answer, Tally& tally) {
    if (answer.refused) return;
    const auto support = SupportOf(answer);
    if (support.sentences == 0) return;
    tally.Add(name, static_cast<double>(support.supported) / support.sentences);
  }

  const Arguments& args_;
  Bases& bases_;
  std::vector<Tally> tallies_;  // of each model
};

Result<> RunAll(const Arguments& args) {
  STRATA_TRY(auto bases,
             Bases::Open({.retrieval = args.embedder, .sentences = args.sentences}, args.keep));
  if (!args.features.empty()) {
    STRATA_TRY(auto set, LoadChunking(args.data + "/retrieval/chunking"));
    STRATA_CHECK_OK(bases->Add(set));
    set.questions = Spread(set.questions, args.questions);
    return WriteFeatures(*bases, set, args.features);
  }
  Run run(args, *bases);
  if (args.questions > 0) STRATA_CHECK_OK(run.Chunking());
  if (args.multihop > 0) STRATA_CHECK_OK(run.Multihop());
  run.Print();
  return {};
}

std::vector<std::string> Split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

bool ReadArguments(int argc, char** argv, Arguments& args) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--data")
      args.data = value;
    else if (name == "--models")
      args.models = Split(value);
    else if (name == "--questions")
      args.questions = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--corpora")
      args.corpora = Split(value);
    else if (name == "--multihop")
      args.multihop = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--taken-out")
      args.taken_out = value != "no";
    else if (name == "--embedder")
      args.embedder = value;
    else if (name == "--sentences")
      args.sentences = value;
    else if (name == "--keep")
      args.keep = value;
    else if (name == "--features")
      args.features = value;
    else
      return false;
  }
  return argc % 2 == 1 && !args.data.empty() && !args.models.empty();
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  strata::bench::Arguments args;
  if (!strata::bench::ReadArguments(argc, argv, args)) {
    std::fprintf(
        stderr,
        "usage: bench_answer --data DIR [--models A,B] [--corpora A,B] [--questions N] "
        "[--multihop N] "
        "[--taken-out yes|no] [--embedder ID] [--sentences ID] [--keep DIR] [--features FILE]\n");
    return 2;
  }
  if (auto done = strata::bench::RunAll(args); !done.has_value()) {
    std::fprintf(stderr, "%s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
