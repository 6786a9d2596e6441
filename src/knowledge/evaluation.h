#pragma once
// How well a knowledge base ranks, by judged queries: `kb eval`. Every way of searching is run over
// the same queries, so that differences are paired; each stage is left out in turn.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/filter.h"
#include "knowledge/retrieval.h"
#include "learn/bootstrap.h"

namespace strata::knowledge {

class KnowledgeBases;

// Document id → grade, 0 = judged and not relevant.
using Grades = std::map<std::string, int, std::less<>>;
// Query id → grades.
using Judgements = std::map<std::string, Grades, std::less<>>;

struct JudgementLine {
  std::string query;
  std::string document;
  int grade = 0;
};
// `query<TAB>document<TAB>grade` (BEIR) or TREC's four columns `query 0 document grade`. The error
// names the column.
Result<JudgementLine> ParseJudgementLine(std::string_view line);

// A file of such lines, plain or gzip; the first line may be a heading. Blocks. Errors: kNotFound,
// kInvalidArgument with the line's number, also when nothing is relevant to any query.
Result<Judgements> ReadJudgements(const std::string& path);

inline constexpr std::size_t kRankFigures = 6;
inline constexpr std::array<std::string_view, kRankFigures> kRankFigureNames = {
    "nDCG@10", "R@5", "R@10", "R@100", "MRR@10", "CP@5"};
using RankFigures = std::array<double, kRankFigures>;

// Of one ranking, best first. nDCG has the grades as gains and discounts log2(rank + 1) (Järvelin,
// Kekäläinen 2002), as trec_eval and BEIR have it; R@k is the share of the relevant documents
// (grade > 0) among the first k; MRR@10 the reciprocal rank of the first, 0 beyond ten. Of the
// first five, as the context of an answer: R@5 is its recall, CP@5 its precision, the mean over the
// relevant ones of the share of relevant ones down to each (RAGAS, Es et al. 2023); 0 without any.
// At least one document must be relevant.
RankFigures JudgeRanking(std::span<const std::string> ranking, const Grades& grades);

struct EvalInput {
  std::string knowledge_base_id;
  std::string queries_path;  // as RunInput
  std::string judgements_path;
  std::optional<Filter> filter;
  int depth = 100;  // documents a query
};

// One way of searching, over all judged queries.
struct EvalVariant {
  std::string name;  // "default", "lexical", "dense", "hybrid", "without …"
  std::array<learn::Interval, kRankFigures> figures;     // means
  std::array<learn::Interval, kRankFigures> difference;  // this − default, paired by query
};

// One query as the default ranked it.
struct EvaluatedQuery {
  std::string id;
  std::uint64_t asked = 0;  // hash of its text and grades: the same question as in another report
  RankFigures figures{};
};

struct EvalReport {
  std::int64_t queries = 0;   // judged, with at least one relevant document
  std::int64_t unjudged = 0;  // of the file, left out
  int depth = 0;              // as asked: figures of deeper ranks say nothing more
  // Of the judgements, what is not there to be found: both are likely slips in the files.
  std::int64_t queries_missing = 0;    // judged, but not of the file
  std::int64_t documents_missing = 0;  // relevant to some query, but not of the base
  std::string index_version;
  std::vector<EvalVariant> variants;  // the default first
  std::vector<EvaluatedQuery> rows;   // in the order of the file
};

// Intervals are 95 % percentile bootstraps with a fixed seed. The variants are the default, each
// leg alone, and each stage left out in turn; the reranker's only where one is configured.
Task<Result<EvalReport>> EvaluateQueries(KnowledgeBases& bases, EvalInput input,
                                         std::function<Task<Result<>>(std::int64_t done)> progress,
                                         RequestContext& ctx);

// --- Fusion tuned to a base by its judged queries: `kb tune`.

// One way to blend, with its nDCG@10 of every query.
struct FusionCandidate {
  std::string name;
  SearchMode mode = SearchMode::kHybrid;
  std::optional<double> dense_weight;  // absent: the base's as it is
  std::vector<double> scores;
};

// What to search by. Held out: chosen on one half of the queries, measured on the other; the mean
// of forty halves.
struct FusionChoice {
  std::size_t chosen = 0;      // of the candidates
  std::size_t better_leg = 0;  // by all queries
  double held_out_default = 0;
  double held_out_tuned = 0;
  double held_out_leg = 0;
};

// The first candidate is the default; among the others are the two legs alone. A weight replaces
// the default when it is better on queries that did not choose it, and the better leg replaces both
// when it is so, or when it is better on all queries: the blend is never worse than it. Seeded.
FusionChoice ChooseFusion(std::span<const FusionCandidate> candidates);

inline constexpr std::int64_t kTuneQueriesMin = 20;

struct TuneInput {
  std::string knowledge_base_id;
  std::string queries_path;  // as RunInput
  std::string judgements_path;
  std::optional<Filter> filter;
  bool apply = false;  // the base searches by what was chosen from now on
};
struct TuneReport {
  std::int64_t queries = 0;
  std::vector<FusionCandidate> candidates;
  FusionChoice choice;
};

// kInvalidArgument: fewer than kTuneQueriesMin judged queries, which say too little.
Task<Result<TuneReport>> TuneFusion(KnowledgeBases& bases, TuneInput input,
                                    std::function<Task<Result<>>(std::int64_t done)> progress,
                                    RequestContext& ctx);

}  // namespace strata::knowledge
