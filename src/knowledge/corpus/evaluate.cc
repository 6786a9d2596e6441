// `kb eval`: all variants over all judged queries.

#include "base/pool.h"
#include "knowledge/corpus/document_search.h"
#include "knowledge/evaluation.h"
#include "knowledge/knowledge_base.h"

namespace strata::knowledge {
namespace {

constexpr int kDepthMax = 1000;
constexpr learn::BootstrapOptions kBootstrap = {.resamples = 2000, .level = 0.95, .seed = 1};

struct Variant {
  std::string_view name;
  SearchMode mode = SearchMode::kDefault;
  StagesOff without;
};
constexpr Variant kVariants[] = {
    {.name = "default", .mode = SearchMode::kDefault, .without = {}},
    {.name = "lexical", .mode = SearchMode::kLexical, .without = {}},
    {.name = "dense", .mode = SearchMode::kDense, .without = {}},
    {.name = "without neighbours", .mode = SearchMode::kDefault, .without = {.neighbours = true}},
    {.name = "without names", .mode = SearchMode::kDefault, .without = {.names = true}},
    {.name = "without both",
     .mode = SearchMode::kDefault,
     .without = {.neighbours = true, .names = true}},
};

// Figures of one variant, one row a query.
using Rows = std::vector<RankFigures>;

learn::Interval MeanOf(const Rows& rows, std::size_t figure) {
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(row[figure]);
  const std::vector<double> ones(values.size(), 1);
  return learn::PairedRatio(values, ones, kBootstrap);
}

EvalVariant Summarize(std::string_view name, const Rows& rows, const Rows& baseline) {
  Rows differences = rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t f = 0; f < kRankFigures; ++f) differences[i][f] -= baseline[i][f];
  }
  EvalVariant out{.name = std::string(name), .figures = {}, .difference = {}};
  for (std::size_t f = 0; f < kRankFigures; ++f) {
    out.figures[f] = MeanOf(rows, f);
    out.difference[f] = MeanOf(differences, f);
  }
  return out;
}

Task<Result<RankFigures>> RunOne(KnowledgeBases& bases, const EvalInput& input,
                                 const Variant& variant, const std::string& query,
                                 const Grades& grades, std::string& index_version,
                                 RequestContext& ctx) {
  RetrieveRequest request;
  request.knowledge_base_id = input.knowledge_base_id;
  request.query = query;
  request.mode = variant.mode;
  request.filter = input.filter;
  request.without = variant.without;
  STRATA_CO_TRY(auto found,
                co_await SearchForDocuments(bases, std::move(request), input.depth, ctx));
  index_version = found.index_version;
  std::vector<std::string> ranking;
  for (auto& document : RankDocuments(found.results, input.depth)) {
    ranking.push_back(std::move(document.id));
  }
  co_return JudgeRanking(ranking, grades);
}

}  // namespace

Task<Result<EvalReport>> EvaluateQueries(KnowledgeBases& bases, EvalInput input,
                                         std::function<Task<Result<>>(std::int64_t done)> progress,
                                         RequestContext& ctx) {
  if (input.depth < 1 || input.depth > kDepthMax) {
    co_return Fail(InvalidArgument("depth", "expected 1 to " + std::to_string(kDepthMax)));
  }
  auto& pool = bases.pool();
  auto read = [&] { return ReadJudgements(input.judgements_path); };
  STRATA_CO_TRY(const auto judgements, co_await RunBlocking(pool, std::move(read)));
  STRATA_CO_TRY(auto lines,
                co_await LineBatches<CorpusQuery>::Open(pool, input.queries_path, &ParseQueryLine));
  EvalReport report;
  std::vector<Rows> rows(std::size(kVariants));
  for (;;) {
    STRATA_CO_TRY(auto batch, co_await lines.Next());
    if (batch.empty()) break;
    for (const auto& query : batch) {
      const auto grades = judgements.find(query.id);
      if (grades == judgements.end()) {
        ++report.unjudged;
        continue;
      }
      for (std::size_t v = 0; v < rows.size(); ++v) {
        STRATA_CO_TRY(auto figures, co_await RunOne(bases, input, kVariants[v], query.text,
                                                    grades->second, report.index_version, ctx));
        rows[v].push_back(figures);
      }
      ++report.queries;
    }
    if (progress) STRATA_CO_CHECK_OK(co_await progress(report.queries));
  }
  if (report.queries == 0) {
    co_return Fail(InvalidArgument("queries", "none of them is judged; are these its judgements?"));
  }
  for (std::size_t v = 0; v < rows.size(); ++v) {
    report.variants.push_back(Summarize(kVariants[v].name, rows[v], rows[0]));
  }
  co_return report;
}

}  // namespace strata::knowledge
