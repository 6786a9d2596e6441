// `kb eval`: all variants over all judged queries.

#include <set>
#include <unordered_set>

#include "base/encoding.h"
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
    {.name = "without context", .mode = SearchMode::kDefault, .without = {.context = true}},
    {.name = "without neighbours", .mode = SearchMode::kDefault, .without = {.neighbours = true}},
    {.name = "without names", .mode = SearchMode::kDefault, .without = {.names = true}},
    {.name = "blend alone",
     .mode = SearchMode::kDefault,
     .without = {.context = true, .neighbours = true, .names = true}},
    {.name = "without spelling", .mode = SearchMode::kDefault, .without = {.spelling = true}},
    {.name = "without diversity", .mode = SearchMode::kDefault, .without = {.diversity = true}},
    {.name = "without rerank", .mode = SearchMode::kDefault, .without = {.rerank = true}},
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

RetrieveRequest RequestOf(const EvalInput& input, const Variant& variant,
                          const std::string& query) {
  RetrieveRequest request;
  request.knowledge_base_id = input.knowledge_base_id;
  request.query = query;
  request.mode = variant.mode;
  request.filter = input.filter;
  request.without = variant.without;
  return request;
}

std::uint64_t HashOf(const std::string& text, const Grades& grades) {
  auto hash = Hash64(text);
  for (const auto& [document, grade] : grades) {
    hash = Hash64(document, hash + static_cast<std::uint64_t>(grade));
  }
  return hash;
}

// Ids of all documents of a base.
Task<Result<std::unordered_set<std::string>>> DocumentsOf(KnowledgeBases& bases,
                                                          const std::string& kb_id,
                                                          RequestContext& ctx) {
  constexpr int kPage = 1000;
  std::unordered_set<std::string> ids;
  PageRequest sources{.max_results = kPage, .next_token = {}};
  STRATA_CO_TRY(const auto all, co_await bases.ListSources(kb_id, std::move(sources), ctx));
  for (const auto& source : all.items) {
    std::string token;
    do {
      PageRequest page{.max_results = kPage, .next_token = std::move(token)};
      STRATA_CO_TRY(auto documents,
                    co_await bases.ListDocuments(kb_id, source.id, std::move(page), ctx));
      for (auto& document : documents.items) ids.insert(std::move(document.id));
      token = std::move(documents.next_token);
    } while (!token.empty());
  }
  co_return ids;
}

std::int64_t CountMissing(const Judgements& judgements,
                          const std::unordered_set<std::string>& documents) {
  std::set<std::string_view> missing;
  for (const auto& [query, grades] : judgements) {
    for (const auto& [document, grade] : grades) {
      if (grade > 0 && !documents.contains(document)) missing.insert(document);
    }
  }
  return static_cast<std::int64_t>(missing.size());
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
  STRATA_CO_TRY(auto lines, co_await QueryLines::Open(pool, input.queries_path));
  EvalReport report;
  report.depth = input.depth;
  // The last leaves the reranker out.
  const std::span variants(kVariants, std::size(kVariants) - (bases.reranks() ? 0 : 1));
  std::vector<Rows> rows(variants.size());
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
        auto request = RequestOf(input, variants[v], query.text);
        STRATA_CO_TRY(auto judged, co_await JudgeSearch(bases, std::move(request), input.depth,
                                                        grades->second, ctx));
        rows[v].push_back(judged.figures);
        report.index_version = std::move(judged.index_version);
      }
      report.rows.push_back({query.id, HashOf(query.text, grades->second), rows[0].back()});
      ++report.queries;
    }
    if (progress) STRATA_CO_CHECK_OK(co_await progress(report.queries));
  }
  if (report.queries == 0) {
    co_return Fail(InvalidArgument("queries", "none of them is judged; are these its judgements?"));
  }
  report.queries_missing = static_cast<std::int64_t>(judgements.size()) - report.queries;
  STRATA_CO_TRY(const auto documents, co_await DocumentsOf(bases, input.knowledge_base_id, ctx));
  report.documents_missing = CountMissing(judgements, documents);
  for (std::size_t v = 0; v < rows.size(); ++v) {
    report.variants.push_back(Summarize(variants[v].name, rows[v], rows[0]));
  }
  co_return report;
}

}  // namespace strata::knowledge
